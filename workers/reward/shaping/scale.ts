/** r * factor + shift, each a number or a schedule by the version of the policy that made the unit. */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import { scheduledAt } from '../../../proto/reward-weights.js';
import type { RewardColumn } from '../reward-column.js';
import { mapKnown, type ShapeContext } from './shape.js';

export function scale({ factor, shift }: ShapeSpecOf<'scale'>, column: RewardColumn, { level: { policyVersion } }: ShapeContext): RewardColumn {
  return mapKnown(column, (value, unit) => value * scheduledAt(factor, policyVersion[unit] as number) + scheduledAt(shift, policyVersion[unit] as number));
}
