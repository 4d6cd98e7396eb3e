/** Where rewards come from: the `sources` of a job. */
import { z } from 'zod';
import { annotatorSchema } from './judges.js';
import { partName } from './part-name.js';
import { embeddingSourceSchema } from './reward-embedding.js';
import { fitSchema } from './reward-fits.js';
import { judgeSourceSchema } from './reward-judge.js';
import { implicitSourceSchema } from './reward-implicit.js';
import { noveltySourceSchema } from './reward-novelty.js';
import { onnxSourceSchema } from './reward-onnx.js';
import { ruleSchema } from './reward-rules.js';
import { specSourceSchema } from './reward-specifications.js';
import { sourceFields, unknownField } from './source-fields.js';

const envSource = z
  .strictObject({
    kind: z.literal('env'),
    ...sourceFields,
    component: z.string().optional().describe('Name of the environment reward component; default: the first.'),
    components: z.array(partName).min(1).max(32).optional().describe('Several components of the environment, in place of `component`: a vector, whose elements are named `source.component`.'),
    scale: z.number().default(1).describe('Factor applied before the clip.'),
    clip: z.number().positive().nullable().default(10).describe('Absolute bound of the value; null: none.'),
  })
  .describe('The reward of the environment itself.');

export const modelSourceSchema = z
  .strictObject({
    kind: z.literal('model'),
    ...sourceFields,
    fit: fitSchema,
    annotator: annotatorSchema,
    unknown: z
      .enum(['omit', 'wait', 'drop'])
      .default('omit')
      .describe('A message without a label: adds nothing (omit), holds its segment back up to a bound (wait), or takes the transition out of training (drop).'),
    cache: z.boolean().optional().describe('Keep the value of a message while a worker lives, whatever is asked later. Only for fits that never change: offline, bag-of-words.'),
    waitMs: z.int().min(0).max(3_600_000).default(30_000).describe('Bound of `wait`.'),
    paymentShareMax: z.number().gt(0).max(1).default(0.5).describe('A message that brings more than this share of what the source pays is told of: the policy may have found a hole in the reward.'),
  })
  .describe('A reward learned from the answers of an annotator.');

const ruleSource = z
  .strictObject({ kind: z.literal('rule'), ...sourceFields, ...unknownField, rule: ruleSchema.describe('What is checked.') })
  .describe('A reward from what can be checked of a unit: rules, and programs of a user.');

export const sourceSchema = z.discriminatedUnion('kind', [envSource, modelSourceSchema, ruleSource, specSourceSchema, noveltySourceSchema, embeddingSourceSchema, onnxSourceSchema, implicitSourceSchema, judgeSourceSchema]);
export type SourceSpec = z.output<typeof sourceSchema>;
export type ModelSourceSpec = Extract<SourceSpec, { kind: 'model' }>;
export type SpecSource = Extract<SourceSpec, { kind: 'spec' }>;
