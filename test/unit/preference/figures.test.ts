/** Figures against numbers by hand. */
import { describe, expect, it } from 'vitest';
import { adaptWeights, hedge } from '../../../workers/preference/adaptation.js';
import { bestOfNDivergence, listCredit, listMargins } from '../../../workers/preference/evaluations/lists.js';
import { divergence } from '../../../workers/preference/evaluations/policy.js';
import { calibrationError, kendall, pearson, ranks, spearman } from '../../../workers/preference/statistics.js';
import { dynamicBeta } from '../../../workers/learner/losses/preference.js';
import { weightsOf } from '../../../workers/reward/fits/weighted-policy.js';

describe('figures of evaluations', () => {
  it('rank with ties and correlate', () => {
    expect([...ranks([3, 1, 3, 2])]).toEqual([2.5, 0, 2.5, 1]);
    expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
    expect(spearman([1, 2, 3, 4], [1, 8, 27, 64])).toBeCloseTo(1, 12);
    // One of six pairs is the other way round: (5 - 1) / 6.
    expect(kendall([1, 2, 3, 4], [1, 2, 4, 3])).toBeCloseTo(4 / 6, 12);
    expect([pearson([1, 1], [1, 2]), kendall([1, 1], [1, 2])]).toEqual([0, 0]);
  });

  it('measure calibration over bins', () => {
    // Bin 0.2: says 0.25 twice, happens once of two; bin 0.9: says 0.95, happens: (2 |0.25 - 0.5| + 0.05) / 3.
    expect(calibrationError([0.25, 0.25, 0.95], [1, 0, 1])).toBeCloseTo((2 * 0.25 + 0.05) / 3, 12);
  });

  it('share the credit of a list among equals', () => {
    expect([listCredit([2, 1, 1, 0], [1, 0, 0, 0]), listCredit([2, 2, 1, 2], [0, 1, 0, 0]), listCredit([2, 3], [1, 0])]).toEqual([1, 1 / 3, 0]);
    expect(listMargins([5, 3, 1, 2], [1, 1, 0, 0])).toEqual({ ahead: 1, spread: 2 });
  });

  it('know the divergence of the best of n and of two policies', () => {
    expect(bestOfNDivergence(4)).toBeCloseTo(Math.log(4) - 0.75, 12);
    expect(divergence([Math.log(0.5), Math.log(0.5)], [Math.log(0.25), Math.log(0.75)])).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 12);
  });
});

describe('what is learned of a user', () => {
  it('moves weights as Hedge does', () => {
    // Losses -log sigma(2) and -log sigma(-2) at rate 1 from equal weights: sigma(2) : sigma(-2).
    const [first, second] = hedge(Float64Array.of(0.5, 0.5), [Float64Array.of(2, -2)], 1) as unknown as [number, number];
    expect(first / second).toBeCloseTo(Math.exp(2), 5);
    expect(first + second).toBeCloseTo(1, 12);
  });

  it('looks at no more comparisons than allowed, and at the telling ones first where it may choose', () => {
    const dull = Float64Array.of(1, 1);
    const telling = Float64Array.of(3, -3);
    const start = Float64Array.of(0.5, 0.5);
    expect([...adaptWeights({ pairs: 0, rate: 1, chosen: 'in-order' }, 0, start, [telling])]).toEqual([0.5, 0.5]);
    expect(adaptWeights({ pairs: 1, rate: 1, chosen: 'in-order' }, 0, start, [dull, telling])[0]).toBeCloseTo(0.5, 6);
    expect(adaptWeights({ pairs: 1, rate: 1, chosen: 'active' }, 0, start, [dull, telling])[0]).toBeGreaterThan(0.9);
  });

  it('pulls an ideal point to the prototype that explains the comparisons', () => {
    const weights = adaptWeights({ pairs: 4, rate: 2, chosen: 'in-order' }, 1, Float64Array.of(0.5, 0.5), new Array<Float64Array>(4).fill(Float64Array.of(0, 2, -2)));
    expect(weights[0]).toBeGreaterThan(0.9);
  });
});

describe('weights of samples', () => {
  it('are one for the best, or fall with the reward', () => {
    expect([...weightsOf({ weights: 'best', temperature: 1 }, Float32Array.of(0, 2, 1, 3, 1, 0), 3)]).toEqual([0, 1, 0, 1, 0, 0]);
    const [low, high] = weightsOf({ weights: 'exponential', temperature: 0.5 }, Float32Array.of(0, 1), 2) as unknown as [number, number];
    expect(high / low).toBeCloseTo(Math.exp(2), 4);
    expect([...weightsOf({ weights: 'sft', temperature: 1 }, Float32Array.of(5, 9), 2)]).toEqual([0.5, 0.5]);
  });

  it('of a pair grow with its margin and never fall below a thousandth', () => {
    expect(dynamicBeta(0, 0.1, 2, 1)).toBeCloseTo(0.1, 12);
    expect(dynamicBeta(Math.log(2), 0.1, 2, 1)).toBeCloseTo(0.2, 12);
    expect(dynamicBeta(-5, 0.1, 2, 1)).toBe(0.001);
  });
});
