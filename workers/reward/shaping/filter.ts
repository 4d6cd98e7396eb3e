/** Values outside of bounds, or of which the source is not sure enough, are unknown from here on: masked, never 0. */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import { mapKnown } from './shape.js';

export function filter({ low, high, confidenceMin }: ShapeSpecOf<'filter'>, column: RewardColumn): RewardColumn {
  const kept = mapKnown(column, (value) => value);
  for (let unit = 0; unit < kept.value.length; unit++) {
    const value = column.value[unit] as number;
    const out = (low !== null && value < low) || (high !== null && value > high) || (column.confidence[unit] as number) < confidenceMin;
    if (kept.mask[unit] === 0 || !out) continue;
    // Nothing better will come: the status stays.
    kept.value[unit] = 0;
    kept.mask[unit] = 0;
    kept.confidence[unit] = 0;
  }
  return kept;
}
