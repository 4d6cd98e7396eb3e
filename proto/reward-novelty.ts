/** Bonuses for what has not been seen before: the source `novelty`. */
import { z } from 'zod';
import { sourceFields, unknownField } from './source-fields.js';

const of = z
  .string()
  .regex(/^(text|observation\.[A-Za-z0-9_-]+|action)$/)
  .describe('What is looked at: `text` (as words, see the source `embedding`), `observation.<tensor>` or `action`.');

const count = z
  .strictObject({ kind: z.literal('count'), of, exponent: z.number().min(0).max(10).default(0.5).describe('beta.') })
  .describe('N^-beta, N being how often exactly this has been seen in the episode, this time included.');
const nearest = z
  .strictObject({
    kind: z.literal('nearest'),
    of,
    neighbours: z.int().min(1).max(256).default(5).describe('k.'),
    memory: z.int().min(1).max(10_000).default(1_000).describe('Steps before it in its episode that are compared with, the newest ones.'),
  })
  .describe('Mean Euclidean distance to the k nearest of the steps before it in the episode; fewer where there are fewer, 0 for the first.');
const distillation = z
  .strictObject({
    kind: z.literal('distillation'),
    of,
    width: z.int().min(1).max(512).default(32).describe('Features that are predicted.'),
    rate: z.number().positive().max(1).default(0.1).describe('Step size of the predictor (normalised by the input).'),
    standardise: z.boolean().default(true).describe('Divide by the running deviation of the errors of the episode.'),
    seed: z.int().min(0).default(0).describe('Seed of the random features.'),
  })
  .describe('Random network distillation (arXiv 1810.12894): the error with which a predictor that learns as the episode goes on foresees random features.');

export const noveltySourceSchema = z
  .strictObject({
    kind: z.literal('novelty'),
    ...sourceFields,
    ...unknownField,
    bonus: z.discriminatedUnion('kind', [count, nearest, distillation]).describe('How new something is.'),
  })
  .describe('A bonus for what is new in its episode. What is remembered is the episode itself, so that a bonus can be computed again from what is stored.');
export type NoveltySource = z.output<typeof noveltySourceSchema>;
export type BonusSpec = NoveltySource['bonus'];
export type BonusOf<Kind extends BonusSpec['kind']> = Extract<BonusSpec, { kind: Kind }>;

/** Bounds of the values; null: they do not follow from the bonus. */
export function bonusRange(bonus: BonusSpec): readonly [number, number] | null {
  return bonus.kind === 'count' ? [0, 1] : null;
}
