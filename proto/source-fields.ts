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

/** Of sources that may know nothing of a unit, or fail for it. */
export const unknownField = {
  unknown: z.enum(['omit', 'drop']).default('drop').describe('A unit whose reward is unknown: is taken out of training (drop), or trained on with what the other sources say (omit).'),
};
