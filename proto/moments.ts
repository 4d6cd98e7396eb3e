/** Count, mean and variance of numbers that come in parts. */

export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
}

export const NO_MOMENTS: Moments = { count: 0, mean: 0, squares: 0 };

/** Below this a deviation is taken for this: scores that are all the same must not become infinite. */
const DEVIATION_MIN = 1e-4;

export function momentsOf(values: readonly number[]): Moments {
  const count = values.length;
  if (count === 0) return NO_MOMENTS;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  return { count, mean, squares: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}

/** Moments of both parts together (Chan, Golub and LeVeque 1979). */
export function merged(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  if (count === 0) return NO_MOMENTS;
  const distance = b.mean - a.mean;
  return { count, mean: a.mean + (distance * b.count) / count, squares: a.squares + b.squares + (distance * distance * a.count * b.count) / count };
}

/** The same mean and variance, with the weight of at most `countMax` numbers. */
export function faded({ count, mean, squares }: Moments, countMax: number): Moments {
  return count <= countMax ? { count, mean, squares } : { count: countMax, mean, squares: (squares * countMax) / count };
}

/** (x - mean) / deviation, the deviation unbiased. */
export function standardised({ count, mean, squares }: Moments, x: number): number {
  const deviation = count < 2 ? 1 : Math.sqrt(squares / (count - 1));
  return (x - mean) / Math.max(DEVIATION_MIN, deviation);
}

/** The value below which a share of the values lies, between neighbours in proportion. @param values at least one */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}
