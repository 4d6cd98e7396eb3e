/** What every source of rewards may say, whatever its kind. */
import { z } from 'zod';
import { GRANULARITIES } from './granularity.js';

export const sourceFields = {
  granularity: z.enum(GRANULARITIES).optional().describe('Of which units it says something; default: those that the learner trains on (step; for texts: episode). Another one is brought there by `assign`.'),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, { message: 'expected the lower bound first' })
    .optional()
    .describe('Bounds of its values; a value outside is an error and masked. Default: what follows from the kind, if anything.'),
};
