/** (r - mean) / (deviation + 1e-6), by given moments, those of the group, or those that the run keeps; then perhaps a threshold below which nothing counts. */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import { groupMeans } from './groups.js';
import { mapKnown, type ShapeContext } from './shape.js';

/** As in GRPO (arXiv 2402.03300). */
const DEVIATION_FLOOR = 1e-6;

export function standardise(spec: ShapeSpecOf<'standardise'>, column: RewardColumn, { level, running }: ShapeContext): RewardColumn {
  const counted = (z: number): number => (spec.threshold === null || z > spec.threshold ? z : 0);
  if (spec.by === 'group') {
    const group = level.group as Int32Array;
    const means = groupMeans(column, group, (value) => value);
    const squares = groupMeans(column, group, (value, unit) => (value - means(unit)) ** 2);
    return mapKnown(column, (value, unit) => counted((value - means(unit)) / (Math.sqrt(squares(unit)) + DEVIATION_FLOOR)));
  }
  const kept = spec.by === 'running' && running !== undefined && running.count >= 2 ? running : null;
  const mean = kept?.mean ?? spec.mean;
  const deviation = kept === null ? spec.deviation : Math.sqrt(kept.squares / kept.count);
  return mapKnown(column, (value) => counted((value - mean) / (deviation + DEVIATION_FLOOR)));
}
