/** A judge that is asked when rewards are computed: the source `judge`. */
import { z } from 'zod';
import { judgeSchema } from './judges.js';
import { sourceFields, unknownField } from './source-fields.js';

/** A score call lasts 30 minutes at most (workflows/parked-steps). */
const DEADLINE_MS_MAX = 20 * 60_000;

export const judgeSourceSchema = z
  .strictObject({
    kind: z.literal('judge'),
    ...sourceFields,
    ...unknownField,
    mode: z
      .enum(['pointwise', 'pairwise'])
      .default('pointwise')
      .describe('pointwise: does this one keep to the principle; pairwise: which of two completions of one prompt keeps to it better, each against every other of its group: the mean over the others of the probability that it is preferred.'),
    principle: z.string().min(1).max(2000).describe('What is judged by, in words: a goal, a principle, the items of a rubric; stands in the prompt.'),
    prompt: z.string().regex(/^[a-z0-9-]+$/).nullable().default(null).describe('Name of the prompt template; null: principle-v1, or principle-pairs-v1 where the mode is pairwise.'),
    task: z.boolean().default(true).describe('Where texts are written the judge sees the prompt before the completion.'),
    swap: z.boolean().default(true).describe('Ask each pair in both orders: the probability is the mean of both (pairwise).'),
    judge: judgeSchema.describe('Who is asked, from the reward worker: secrets are read from its environment. Votes of several: a panel.'),
    answer: z.enum(['probability', 'binary']).default('probability').describe('Reward value: the probability itself, or 1 where it is above the threshold (pointwise).'),
    threshold: z.number().min(0).max(1).default(0.5).describe('Of binary.'),
    deadlineMs: z.int().min(100).max(DEADLINE_MS_MAX).default(60_000).describe('Time for the questions of one segment. A unit whose answer has not come by then is unknown, which is recorded and stays so.'),
  })
  .describe('An LLM judge read as a reward when rewards are computed. What it answered, or that it did not, is recorded with the segment before it is used: whoever computes the rewards again reads that and asks nobody. A judge that is not there at all is waited for.');
export type JudgeSource = z.output<typeof judgeSourceSchema>;

export function checkJudgeSource(source: JudgeSource, path: string, say: (path: string, message: string) => void, texts: boolean): void {
  if (source.mode === 'pairwise' && !texts) say(`${path}.mode`, 'expected pointwise: only an environment of kind text has groups of completions to compare');
  if (source.mode === 'pairwise' && source.answer === 'binary') say(`${path}.answer`, 'expected probability: a share of comparisons is no verdict');
}
