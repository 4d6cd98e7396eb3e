/**
 * Advantages of completions from the rewards of their groups: pure functions of numbers. A reward that is unknown (NaN)
 * has no advantage (NaN), and no say in the mean of its group.
 */
import type { GroupPolicyGradientSpec } from '../../../proto/learning.js';

/** Added to the deviation of a group (arXiv 2402.03300 divides by the deviation; the floor is row 16's). */
const DEVIATION_FLOOR = 1e-6;
/** StableReinforce leaves out what lies further from the mean, in deviations (arXiv 2505.02835, section 3.2). */
const OUTLIER_DEVIATIONS = 3;

interface Moments {
  readonly count: number;
  readonly mean: number;
  /** With count - 1 in the denominator; 0 for fewer than two. */
  readonly deviation: number;
}

function momentsOf(values: readonly number[]): Moments {
  const known = values.filter((value) => !Number.isNaN(value));
  const count = known.length;
  const mean = count === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / count;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: count < 2 ? 0 : Math.sqrt(squares / (count - 1)) };
}

/** (r - mean) / (deviation + 1e-6) within each group; 0 where all are equal (GRPO, arXiv 2402.03300, section 4.1.2). */
export function standardised(group: readonly number[]): number[] {
  const { mean, deviation } = momentsOf(group);
  return group.map((reward) => (reward - mean) / (deviation + DEVIATION_FLOOR));
}

/** r - mean within each group (Dr. GRPO, arXiv 2503.20783, section 3.2). */
export function centred(group: readonly number[]): number[] {
  const { mean } = momentsOf(group);
  return group.map((reward) => reward - mean);
}

/** r - mean of the others of the group (RLOO, arXiv 2402.14740, equation 6); 0 for one that is alone. */
export function leaveOneOut(group: readonly number[]): number[] {
  const { count, mean } = momentsOf(group);
  return group.map((reward) => (count < 2 ? reward * 0 : (count / (count - 1)) * (reward - mean)));
}

/** To mean 0 and deviation 1 over the whole batch (REINFORCE++, arXiv 2501.03262). */
export function whitened(batch: readonly number[]): number[] {
  const { mean, deviation } = momentsOf(batch);
  return batch.map((reward) => (reward - mean) / (deviation + DEVIATION_FLOOR));
}

/** 0 where |a - mean| is above three deviations of the batch; the others stay (StableReinforce). */
export function withoutOutliers(batch: readonly number[]): number[] {
  const { mean, deviation } = momentsOf(batch);
  return batch.map((value) => (Math.abs(value - mean) > OUTLIER_DEVIATIONS * deviation ? 0 : value));
}

/**
 * One advantage for each completion, group after group.
 * @param rewards NaN: unknown
 * @param penalties what KL to version 0 costs each completion; used by reinforce++
 */
export function advantagesOf(estimator: GroupPolicyGradientSpec['estimator'], rewards: readonly number[], groupSize: number, penalties: readonly number[] | null): number[] {
  const byGroup = (of: (group: readonly number[]) => number[]): number[] => groupsOf(rewards, groupSize).flatMap(of);
  switch (estimator) {
    case 'grpo':
      return byGroup(standardised);
    case 'dr-grpo':
      return byGroup(centred);
    case 'rloo':
      return byGroup(leaveOneOut);
    case 'reinforce++':
      return whitened(rewards.map((reward, index) => reward - (penalties?.[index] ?? 0)));
    case 'stable-reinforce':
      return withoutOutliers(byGroup(standardised));
    default: {
      const never: never = estimator;
      throw new TypeError(`unknown estimator ${String(never)}`);
    }
  }
}

export function groupsOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** Whether all known rewards of a group are equal: it teaches nothing. */
export function isEqualGroup(group: readonly number[]): boolean {
  const known = group.filter((reward) => !Number.isNaN(reward));
  return known.every((reward) => reward === known[0]);
}
