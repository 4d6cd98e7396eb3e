/** Rewards that follow from the policy's own probabilities: the source `implicit`. */
import { z } from 'zod';
import { sourceFields, unknownField } from './source-fields.js';

export const implicitSourceSchema = z
  .strictObject({
    kind: z.literal('implicit'),
    ...sourceFields,
    ...unknownField,
    form: z
      .enum(['confidence', 'log-ratio', 'divergence'])
      .describe('confidence: log p; log-ratio: beta log(p / p0), the implicit reward of DPO (arXiv 2305.18290); divergence: a penalty, -beta times the estimate of KL(p || p0) by `estimator`. p is the policy that drew, p0 version 0 (after its warm start).'),
    beta: z.number().positive().max(1_000).default(1).describe('beta.'),
    estimator: z.enum(['k1', 'k3']).default('k3').describe('Of the divergence, for each token: k1 is log(p / p0); k3 is p0 / p - log(p0 / p) - 1, which is never below 0.'),
    over: z.enum(['sum', 'mean']).default('sum').describe('Of the tokens of a completion, where the source speaks of completions.'),
  })
  .describe('A reward from log-probabilities, nats. Texts: of tokens or completions; other environments: of actions, confidence only.');
export type ImplicitSource = z.output<typeof implicitSourceSchema>;

export function needsReference(source: Pick<ImplicitSource, 'form'>): boolean {
  return source.form !== 'confidence';
}

export function checkImplicit(source: ImplicitSource, path: string, say: (path: string, message: string) => void, texts: boolean): void {
  if (!texts && needsReference(source)) say(`${path}.form`, `expected confidence: ${source.form} compares with version 0, which is asked about texts only`);
}
