/** Weighted sum of components. */
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';

export interface Term {
  readonly column: RewardColumn;
  readonly weight: number;
  /** What an unknown value means: it adds nothing (omit, wait), or takes the transition out of training (drop). */
  readonly unknown: 'omit' | 'wait' | 'drop';
}

/** Terms of weight 0 have no say: neither their values nor their masks reach the sum. */
export function linearSum(terms: readonly Term[], units: number): RewardColumn {
  const counted = terms.filter((term) => term.weight !== 0);
  const total = knownColumn(units);
  for (const { column, weight, unknown } of counted) {
    for (let unit = 0; unit < units; unit++) {
      if (column.mask[unit] === 1) {
        total.value[unit] = (total.value[unit] as number) + weight * (column.value[unit] as number);
        total.version[unit] = Math.max(total.version[unit] as number, column.version[unit] as number);
        total.confidence[unit] = Math.min(total.confidence[unit] as number, column.confidence[unit] as number);
        continue;
      }
      if (unknown === 'drop') total.mask[unit] = 0;
      if (column.status[unit] !== REWARD_STATUS.final) total.status[unit] = column.status[unit] as number;
    }
  }
  for (let unit = 0; unit < units; unit++) if (total.mask[unit] === 0) total.value[unit] = 0;
  return total;
}
