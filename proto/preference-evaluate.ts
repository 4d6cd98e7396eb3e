/** How sources and policies are judged in a job without rollouts: its `evaluate`. */
import { z } from 'zod';
import { partName } from './part-name.js';

const of = partName.describe('Source or learned policy.');
const on = partName.describe('Table.');
const column = z.string().min(1);

export const modelEvaluationSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('preference-accuracy'),
      of,
      on,
      by: column.nullable().default(null).describe('Column of the units whose values are reported apart; null: none.'),
      confident: z.number().gt(0).lte(1).default(1).describe('Share of the pairs with the largest difference for `accuracy.confident`.'),
    })
    .describe('Accuracy over pairs, each asked in both orders; equal scores count a half. Also calibration (ece) and log loss of sigmoid(difference).'),
  z.strictObject({ kind: z.literal('best-of-list'), of, on, correct: column.default('correct').describe('Column that is 1 for a right answer.') }).describe('The right answer of a list has the largest score; where several share it, they share the credit (RewardBench 2, arXiv 2506.01937).'),
  z
    .strictObject({ kind: z.literal('ties'), of, on, correct: column.default('correct').describe('Column that is 1 for a right answer.') })
    .describe('The ties score of RewardBench 2: lists 2i (several right answers) and 2i + 1 (the same question with one right answer).'),
  z
    .strictObject({
      kind: z.literal('best-of-n'),
      of,
      on,
      gold: column.default('gold').describe('Column of the true score.'),
      n: z.array(z.int().min(1).max(1024)).min(1).max(16).default([1, 2, 4, 8, 16]).describe('Sizes.'),
    })
    .describe('True and own score of the best of n by this score, over KL = log n - (n - 1) / n.'),
  z.strictObject({ kind: z.literal('correlation'), of, on, with: partName.describe('Source.') }).describe('Pearson, Spearman and Kendall between two scores of the units of a table.'),
  z
    .strictObject({
      kind: z.literal('probe'),
      of: partName.describe('Source of a fit with a representation: its last hidden layer, or its weights times the embedding where it is linear.'),
      on: partName.describe('Table whose first half trains the probes and whose second half is judged.'),
      columns: z.array(column).min(1).max(32).describe('Columns whose sign is to be read from the representation.'),
    })
    .describe('A logistic probe for each dimension on the frozen representation.'),
  z
    .strictObject({
      kind: z.literal('readout'),
      of,
      on: partName.describe('Table whose first half fits the readout and whose second half is judged.'),
      columns: z.array(column).min(1).max(32).describe('Columns to be read.'),
    })
    .describe('Share of the variance of columns that a linear readout of the scores explains (R squared).'),
  z.strictObject({ kind: z.literal('occupancy'), of, on }).describe('Distance between where the policy goes that is optimal for a reward, and where the expert goes (total variation over states and actions).'),
  z
    .strictObject({
      kind: z.literal('policy'),
      of: partName.describe('Learned policy.'),
      on,
      rewards: z.record(column, z.number()).default({}).describe('Columns and their weights in the known optimum reference x exp(sum of w r / beta).'),
      beta: z.number().positive().max(1000).default(1).describe('beta of the optimum.'),
      mixture: z.array(z.number()).max(16).nullable().default(null).describe('Weights of the heads (mah-dpo); null: the first.'),
    })
    .describe('Expected rewards of a policy over all answers, exactly, and its divergences from the known optimum and from the reference.'),
  z.strictObject({ kind: z.literal('curation'), on: partName.describe('Curated table.'), planted: column.default('planted').describe('Column of the pairs that is 1 for a wrong label.') }).describe('What curation kept, dropped and changed, against what is known of the labels.'),
  z.strictObject({ kind: z.literal('rubrics'), of: partName.describe('Source of kind rubric-judge with rubrics.'), on: partName.describe('Table of pairs.') }).describe('Whether the kept rubrics give their labels again, and whether a broken hard rule is a veto on fresh pairs.'),
  z.strictObject({ kind: z.literal('comparison-graph'), on }).describe('Posterior variance of reward differences given the comparisons, in closed form, and what the comparisons cost in tokens.'),
]);
export type ModelEvaluationSpec = z.output<typeof modelEvaluationSchema>;
export type ModelEvaluationOf<Kind extends ModelEvaluationSpec['kind']> = Extract<ModelEvaluationSpec, { kind: Kind }>;
