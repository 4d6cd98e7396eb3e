import { describe, expect, it } from 'vitest';
import { meanInterval, quantile, studentT975 } from '../../../workers/rollout/mean-interval.js';

describe('means with intervals', () => {
  it('have the quantiles of Student\'s t that tables print', () => {
    for (const [freedom, t] of [[1, 12.706], [2, 4.303], [10, 2.228], [30, 2.042], [31, 2.0395], [40, 2.0211], [60, 2.0003], [120, 1.9799], [1000, 1.9623]] as const) {
      expect(studentT975(freedom)).toBeCloseTo(t, 3);
    }
  });

  it('reckon mean and half width of a sample', () => {
    const interval = meanInterval([4, 8, 6, 2])!;
    expect(interval.mean).toBe(5);
    expect(interval.halfWidth).toBeCloseTo((3.1824 * 2.581989) / 2, 4);
  });

  it('have nothing to say on fewer than two known values', () => {
    expect(meanInterval([])).toBeUndefined();
    expect(meanInterval([3])).toBeUndefined();
    expect(meanInterval([3, NaN])).toBeUndefined();
    expect(meanInterval([3, NaN, 3])).toEqual({ mean: 3, halfWidth: 0 });
  });

  it('take quantiles by nearest rank', () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1), quantile([7], 0.99), quantile([], 0.5)]).toEqual([50, 99, 100, 7, 0]);
  });
});
