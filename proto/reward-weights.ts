/** Numbers of a reward expression that need not be constant: by policy version, or by what a request asks for. */
import { z } from 'zod';
import { partName } from './part-name.js';

/** A source or a named term, or an element of one that is a vector. */
export const termRef = z.string().regex(/^[a-z][a-z0-9-]{0,39}(\.[a-z][a-z0-9-]{0,39})?$/, 'expected the name of a source or term, or name.element');

export const scheduleSpec = z
  .strictObject({
    points: z
      .array(z.tuple([z.int().min(0), z.number()]))
      .min(1)
      .max(64)
      .refine((points) => points.every(([version], index) => index === 0 || version > (points[index - 1] as [number, number])[0]), { message: 'expected versions that rise' })
      .describe('Pairs of policy version and value. Before the first and after the last: theirs.'),
    between: z.enum(['linear', 'step']).default('linear').describe('linear: in proportion between two points; step: the value of the point before.'),
  })
  .describe('A number by the version of the policy that made the unit, so that it follows from what is stored.');
export type ScheduleSpec = z.output<typeof scheduleSpec>;

export const scheduled = z.union([z.number(), scheduleSpec]);
export type Scheduled = z.output<typeof scheduled>;

const requested = z
  .strictObject({
    request: partName.describe('Field of the ground truth of a request that holds the number.'),
    otherwise: z.number().describe('Where the request has no such number.'),
  })
  .describe('A number that each request brings along.');

export const weightSchema = z.union([z.number(), scheduleSpec, requested]);
/** A constant, a schedule, or what a request says. */
export type Weight = z.output<typeof weightSchema>;

export function scheduledAt(spec: Scheduled, version: number): number {
  if (typeof spec === 'number') return spec;
  const { points, between } = spec;
  const after = points.findIndex(([at]) => at > version);
  if (after === 0) return (points[0] as [number, number])[1];
  const [from, low] = (after < 0 ? points[points.length - 1] : points[after - 1]) as [number, number];
  if (after < 0 || between === 'step') return low;
  const [to, high] = points[after] as [number, number];
  return low + ((high - low) * (version - from)) / (to - from);
}

/** The least and the greatest value that it can take; null: a request decides. */
export function boundsOf(weight: Weight): readonly [number, number] | null {
  if (typeof weight === 'number') return [weight, weight];
  if ('request' in weight) return null;
  const values = weight.points.map(([, value]) => value);
  return [Math.min(...values), Math.max(...values)];
}
