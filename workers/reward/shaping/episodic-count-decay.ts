/** r * N^-beta: N counts the exact message within its episode, this time included (ONI, arXiv 2410.23022, section 3). */
import type { RewardColumn } from '../reward-column.js';
import type { RewardInput } from '../reward-input.js';

/** Masks, confidences and versions stay. */
export function episodicCountDecay(column: RewardColumn, { textCount }: RewardInput, exponent: number): RewardColumn {
  const value = column.value.map((before, unit) => (before === 0 ? 0 : before * Math.max(1, textCount[unit] as number) ** -exponent));
  return { ...column, value };
}
