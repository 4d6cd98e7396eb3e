/** Bounds the value. */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import { mapKnown } from './shape.js';

export function clip({ low, high }: ShapeSpecOf<'clip'>, column: RewardColumn): RewardColumn {
  return mapKnown(column, (value) => Math.max(low, Math.min(high, value)));
}
