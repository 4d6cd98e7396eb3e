/** r * N^-beta: N counts the exact message within its episode, this time included (ONI, arXiv 2410.23022, section 3). */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import type { ShapeContext } from './shape.js';

/** Masks, confidences and versions stay. */
export function episodicCountDecay({ exponent }: ShapeSpecOf<'episodic-count-decay'>, column: RewardColumn, { level: { textCount } }: ShapeContext): RewardColumn {
  const value = column.value.map((before, unit) => (before === 0 ? 0 : before * Math.max(1, textCount[unit] as number) ** -exponent));
  return { ...column, value };
}
