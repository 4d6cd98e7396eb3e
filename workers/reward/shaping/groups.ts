/** What is said of a unit by the known values of its group. */
import type { RewardColumn } from '../reward-column.js';

/** Mean of `value` over the known units of the group of a unit; 0 where none is. */
export function groupMeans(column: RewardColumn, group: Int32Array, value: (value: number, unit: number) => number): (unit: number) => number {
  const sums = new Map<number, { sum: number; count: number }>();
  group.forEach((one, unit) => {
    if (column.mask[unit] === 0) return;
    const entry = sums.get(one) ?? { sum: 0, count: 0 };
    entry.sum += value(column.value[unit] as number, unit);
    entry.count += 1;
    sums.set(one, entry);
  });
  return (unit) => {
    const { sum, count } = sums.get(group[unit] as number) ?? { sum: 0, count: 0 };
    return count === 0 ? 0 : sum / count;
  };
}
