/** How the sources become one reward: the `combine` of a job. */
import { z } from 'zod';
import { partName } from './part-name.js';

export const combineSchema = z.discriminatedUnion('op', [
  z
    .strictObject({
      op: z.literal('linear'),
      weights: z.record(partName, z.number()).describe('Weight of each source by name; a source that is not named has weight 0.'),
    })
    .describe('Weighted sum.'),
]);
export type CombineSpec = z.output<typeof combineSchema>;
