/** Judges: who answers the annotator's questions. Secrets are named by environment variable, never written in a job. */
import { z } from 'zod';

export const secretSchema = z
  .strictObject({ env: z.string().regex(/^[A-Z_][A-Z0-9_]*$/).describe('Name of the environment variable that holds the secret on the annotator worker.') })
  .describe('A secret, named by the environment variable that holds it on the worker; its value never stands in a job.');

const embeddedJudge = z
  .strictObject({
    kind: z.literal('embedded'),
    model: z
      .union([z.enum(['gemma3-270m']), z.strictObject({ path: z.string().min(1).describe('Path of a GGUF file on the annotator worker.') })])
      .default('gemma3-270m')
      .describe('A model that Laurel can fetch, or a GGUF file on the worker.'),
    threads: z.int().min(1).max(256).default(1).describe('CPU threads of the model.'),
    sequences: z.literal(1).default(1).describe('Questions evaluated together: 1, which gives the same bits whatever else is asked. With more, answers were seen to differ by up to 0.1.'),
    massFloor: z.number().min(0).max(1).default(0.2).describe('Least joint probability of the label words; below it the reply is unparsable.'),
  })
  .describe('A model inside the annotator worker (llama.cpp), read as next-token probabilities.');

const openaiJudge = z
  .strictObject({
    kind: z.literal('openai'),
    baseUrl: z.url().describe('Address up to and with the version, for example http://127.0.0.1:8000/v1.'),
    model: z.string().min(1).describe('Model name as the server knows it.'),
    api: z.enum(['chat', 'completions']).default('chat').describe('Which endpoint is asked.'),
    apiKey: secretSchema.optional(),
    concurrency: z.int().min(1).max(256).default(8).describe('Requests in flight at most.'),
    timeoutMs: z.int().min(100).max(600_000).default(30_000).describe('Deadline of one request.'),
    temperature: z.number().min(0).max(2).default(0).describe('Sampling temperature where the text is parsed.'),
    logprobs: z.boolean().default(true).describe('Read label probabilities where the server gives them.'),
    massFloor: z.number().min(0).max(1).default(0.2).describe('Least joint probability of the label words; below it the reply is unparsable.'),
  })
  .describe('Any server with the OpenAI interface (vLLM, llama.cpp, a hosted one).');

const scriptedJudge = z
  .strictObject({
    kind: z.literal('scripted'),
    rules: z
      .array(
        z.strictObject({
          pattern: z.string().min(1).max(1000).describe('Regular expression, searched in the message.'),
          probability: z.number().min(0).max(1).describe('Answer: probability that the message is helpful.'),
        }),
      )
      .max(1000)
      .default([])
      .describe('The first rule that matches answers.'),
    otherwise: z.number().min(0).max(1).default(0).describe('Answer where no rule matches.'),
    noise: z.number().min(0).max(1).default(0).describe('Share of messages whose answer is turned round, chosen by a hash of the message.'),
    delayMs: z.int().min(0).max(60_000).default(0).describe('Waiting time for each answer, to stand for a slow judge.'),
  })
  .describe('Rules in the place of a model: for people who write rules first, and for measurements.');

export const judgeSchema = z.discriminatedUnion('kind', [embeddedJudge, openaiJudge, scriptedJudge]);
export type JudgeSpec = z.output<typeof judgeSchema>;
export type EmbeddedJudgeSpec = Extract<JudgeSpec, { kind: 'embedded' }>;
export type OpenAiJudgeSpec = Extract<JudgeSpec, { kind: 'openai' }>;
export type ScriptedJudgeSpec = Extract<JudgeSpec, { kind: 'scripted' }>;

export const annotatorSchema = z
  .strictObject({
    mode: z.literal('pointwise').default('pointwise').describe('One message, one answer.'),
    goal: z.string().min(1).max(2000).describe('What is worth doing, in words; stands in the prompt.'),
    prompt: z.string().regex(/^[a-z0-9-]+$/).default('helpful-v1').describe('Name of the prompt template.'),
    examples: z
      .array(z.strictObject({ text: z.string().min(1).max(256).describe('A message.'), helpful: z.boolean().describe('Its label.') }))
      .max(64)
      .optional()
      .describe('Few-shot examples; default: those of the prompt template.'),
    judge: judgeSchema,
    answer: z.enum(['probability', 'binary']).default('binary').describe('Reward value: the probability itself, or 1 where it is above the threshold.'),
    threshold: z.number().min(0).max(1).default(0.5).describe('Probability above which a message counts as helpful (answer: binary).'),
    pendingMax: z.int().min(1).max(1_000_000).default(10_000).describe('Messages waiting at most; the oldest beyond it are dropped, counted, and come back when seen again.'),
    callMs: z.int().min(100).max(600_000).default(4_000).describe('Time for one annotate call; the answers so far are logged when it is over.'),
    attemptsMax: z.int().min(1).max(10).default(2).describe('How often an unparsable or failed question is asked in all.'),
  })
  .describe('Asks a judge about messages, in the background, newest first; answers are logged once and shared by all runs.');
export type AnnotatorSpec = z.output<typeof annotatorSchema>;
