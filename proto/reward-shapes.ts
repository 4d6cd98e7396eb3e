/** What is done to a source before it is combined: the `shape` of a job. */
import { z } from 'zod';
import { partName } from './part-name.js';

export const shapeSchema = z.discriminatedUnion('op', [
  z
    .strictObject({
      op: z.literal('episodic-count-decay'),
      on: partName.describe('Name of the source.'),
      exponent: z.number().min(0).max(20).default(3).describe('beta in r * N^-beta; N counts the exact message within its episode, this time included.'),
    })
    .describe('r * N^-beta (ONI, arXiv 2410.23022).'),
]);
export type ShapeSpec = z.output<typeof shapeSchema>;
