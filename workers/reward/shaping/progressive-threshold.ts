/** 0 below the lower bound, 1 above the upper one, the value itself between (Vision-R1, arXiv 2503.18013, section 3.3). */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import { scheduledAt } from '../../../proto/reward-weights.js';
import type { RewardColumn } from '../reward-column.js';
import { mapKnown, type ShapeContext } from './shape.js';

export function progressiveThreshold({ low, high }: ShapeSpecOf<'progressive-threshold'>, column: RewardColumn, { level: { policyVersion } }: ShapeContext): RewardColumn {
  return mapKnown(column, (value, unit) => {
    const version = policyVersion[unit] as number;
    return value < scheduledAt(low, version) ? 0 : value > scheduledAt(high, version) ? 1 : value;
  });
}
