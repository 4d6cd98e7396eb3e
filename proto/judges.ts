/** Judges: who answers the annotator's questions. Secrets are named by environment variable, never written in a job. */
import { z } from 'zod';
import { budgetSchema, priceSchema } from './budget.js';
import { GOAL_NAMES, GOAL_PRESETS, type GoalPreset } from './goals.js';
import { labelledSchema } from './labelled.js';

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
    sequences: z.int().min(1).max(16).default(1).describe('Questions evaluated at the same time, each in a context of its own with `threads` threads: the answers are those of one, bit for bit. More than there are spare cores for brings nothing; each takes about 100 MB.'),
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
    json: z.boolean().default(false).describe('Where the text is read (no log-probabilities, or `reasoning`): ask for JSON by schema, in which only the label words can stand; a server that does not serve it is asked for text. Chat only.'),
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

const commandJudge = z
  .strictObject({
    kind: z.literal('command'),
    command: z.array(z.string().min(1).max(4096)).min(1).max(64).describe('Program and arguments, started without a shell on the annotator worker.'),
    version: z.string().max(64).default('').describe('Part of the annotator id, beside the command: change it when the program comes to answer differently.'),
    concurrency: z.int().min(1).max(256).default(1).describe('Questions that the program has at one time at most; it may answer them in any order.'),
    timeoutMs: z.int().min(100).max(3_600_000).default(30_000).describe('Deadline of one answer; a program that misses it is ended and started again.'),
    environment: z
      .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/))
      .max(64)
      .default([])
      .describe('Names of environment variables of the worker that the program gets, beside PATH, HOME, LANG, LC_ALL and TMPDIR.'),
  })
  .describe('Any program: a question in each line of its input, a reply in each line of its output, as JSON (docs/jobs.md).');

const singleJudge = z.discriminatedUnion('kind', [embeddedJudge, openaiJudge, commandJudge, scriptedJudge]);

const panelJudge = z
  .strictObject({
    kind: z.literal('panel'),
    rule: z
      .enum(['fallback', 'votes'])
      .default('fallback')
      .describe('fallback: the next judge where one is not there or gives no verdict; votes: all are asked, the share of those in favour (the mean of what they give each text of a list) is the answer, and a majority of all judges must have given one.'),
    judges: z.array(singleJudge).min(2).max(9).describe('In the order in which they are asked (fallback).'),
  })
  .describe('Several judges as one.');

export const judgeSchema = z.discriminatedUnion('kind', [embeddedJudge, openaiJudge, commandJudge, scriptedJudge, panelJudge]);
export type SingleJudgeSpec = z.output<typeof singleJudge>;
export type CommandJudgeSpec = Extract<JudgeSpec, { kind: 'command' }>;
export type PanelJudgeSpec = Extract<JudgeSpec, { kind: 'panel' }>;

/** The judges of a judge: itself, or the members of a panel. */
export function membersOf(judge: JudgeSpec): readonly SingleJudgeSpec[] {
  return judge.kind === 'panel' ? judge.judges : [judge];
}
export type JudgeSpec = z.output<typeof judgeSchema>;
export type EmbeddedJudgeSpec = Extract<JudgeSpec, { kind: 'embedded' }>;
export type OpenAiJudgeSpec = Extract<JudgeSpec, { kind: 'openai' }>;
export type ScriptedJudgeSpec = Extract<JudgeSpec, { kind: 'scripted' }>;

export const PAIR_CHOICES = ['first', 'second', 'tie'] as const;
export type PairChoice = (typeof PAIR_CHOICES)[number];

const pairsSchema = z
  .strictObject({
    perSegment: z.int().min(1).max(4096).default(32).describe('Pairs drawn from the distinct messages of one segment; identical and empty messages are not compared.'),
    swap: z.boolean().default(false).describe('Ask each pair in both orders: the probability is the mean of both, and two answers that contradict each other are a tie.'),
    examples: z
      .array(z.strictObject({ first: z.string().min(1).max(256).describe('A message.'), second: z.string().min(1).max(256).describe('Another.'), preferred: z.enum(PAIR_CHOICES).describe('Which shows more progress.') }))
      .max(64)
      .optional()
      .describe('Few-shot examples; default: those of the prompt template.'),
  })
  .describe('How messages are compared where the mode is pairwise.');

export const NORMAL_FORMS = ['raw', 'digits', 'items'] as const;
export type NormalForm = (typeof NORMAL_FORMS)[number];

const goalSchema = z
  .union([z.string().min(1).max(2000), z.strictObject({ preset: z.enum(GOAL_NAMES).describe('A goal by name, for NetHack: score, combat, gold or descent (docs/oni.md).') })])
  .describe('What is worth doing: in words, or by the name of a preset; stands in the prompt.');

const annotatorFields = z
  .strictObject({
    mode: z.enum(['pointwise', 'pairwise']).default('pointwise').describe('pointwise: is this message helpful; pairwise: which of two messages shows more progress.'),
    goal: goalSchema,
    prompt: z
      .string()
      .regex(/^[a-z0-9-]+$/)
      .nullable()
      .default(null)
      .describe('Name of the prompt template; null: helpful-v3, or preferred-v1 where the mode is pairwise.'),
    reasoning: z
      .boolean()
      .default(false)
      .describe('The judge explains first and answers in a last field, `Answer: <word>`, which alone is read; anything else is unparsable. For judges that follow an instruction: openai (chat) and command; part of the annotator.'),
    normalForm: z
      .enum(NORMAL_FORMS)
      .default('raw')
      .describe('Messages of one form are asked about once, have one label and one reward. raw: byte for byte; digits: numbers are masked (`$ - # gold pieces.`); items: also items and the letters they are carried under (`You see here *.`, NetHack). The judge sees the form; part of the annotator.'),
    pairs: pairsSchema.prefault({}),
    examples: z
      .array(z.strictObject({ text: z.string().min(1).max(256).describe('A message.'), helpful: z.boolean().describe('Its label.') }))
      .max(64)
      .optional()
      .describe('Few-shot examples of the mode pointwise; default: those of the prompt template.'),
    judge: judgeSchema,
    answer: z.enum(['probability', 'binary']).default('binary').describe('Reward value: the probability itself, or 1 where it is above the threshold.'),
    threshold: z.number().min(0).max(1).default(0.5).describe('Probability above which a message counts as helpful (answer: binary).'),
    pendingMax: z.int().min(1).max(1_000_000).default(10_000).describe('Messages waiting at most; the oldest beyond it are dropped, counted, and come back when seen again.'),
    callMs: z.int().min(100).max(600_000).default(4_000).describe('Time for one annotate call; the answers so far are logged when it is over.'),
    budget: budgetSchema.prefault({}),
    price: priceSchema.nullable().default(null).describe('What a token costs, for budgets in money and to show what was spent; null: not known.'),
    labelled: labelledSchema.nullable().default(null).describe('Messages with labels that are taken for true: agreement and calibration of the judge on those of them that it has answered are shown. No part of the annotator: nothing is learned from them. null: none.'),
    labelledAsk: z.boolean().default(false).describe('Ask about the messages of `labelled` too, when nothing else waits; else only those that play shows are compared.'),
    attemptsMax: z.int().min(1).max(10).default(2).describe('How often an unparsable or failed question is asked in all.'),
  })
  .describe('Asks a judge about messages, in the background, newest first; answers are logged once and shared by all runs.');

/** The prompt where the job names none; stands in the resolved job, so that a later default changes no run that has begun. */
const DEFAULT_PROMPTS = { pointwise: 'helpful-v3', pairwise: 'preferred-v1' } as const;

/** A goal by name becomes its words and, where the job gives none, its examples; a prompt that is not named gets its name. */
export const annotatorSchema = annotatorFields.transform(({ goal, examples, prompt, ...rest }) => {
  const preset: GoalPreset | undefined = typeof goal === 'string' ? undefined : GOAL_PRESETS[goal.preset];
  const shown = examples ?? (rest.mode === 'pointwise' ? preset?.examples?.map((one) => ({ ...one })) : undefined);
  return { goal: typeof goal === 'string' ? goal : GOAL_PRESETS[goal.preset].text, prompt: prompt ?? DEFAULT_PROMPTS[rest.mode], ...(shown !== undefined && { examples: shown }), ...rest };
});
export type AnnotatorSpec = z.output<typeof annotatorSchema>;
export type AnnotatorMode = AnnotatorSpec['mode'];
/** How a judge can be asked: about one message, two of them, or (the source `judge`) all texts of a group. */
export type JudgeMode = AnnotatorMode | 'listwise';
