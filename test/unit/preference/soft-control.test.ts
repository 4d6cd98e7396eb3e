import { describe, expect, it } from 'vitest';
import { occupancy, softPolicy, totalVariation, type Process } from '../../../workers/preference/soft-control.js';

/** Two states: action 0 stays, action 1 goes to the other; begins in state 0. */
const TWO: Process = { states: 2, actions: 2, next: Float32Array.of(0, 1, 1, 0), start: Float32Array.of(1, 0), horizon: 2, discount: 0 };

describe('a soft-optimal policy', () => {
  it('is the softmax of the rewards where the future does not count', () => {
    const policy = softPolicy(TWO, [Math.log(3), 0, 0, 0]);
    expect(Math.exp(policy[0] as number)).toBeCloseTo(0.75, 9);
    expect(Math.exp(policy[2] as number)).toBeCloseTo(0.5, 9);
  });

  it('goes where the reward is later', () => {
    const policy = softPolicy({ ...TWO, discount: 0.9 }, [0, 0, 2, 0]);
    expect(policy[1] as number).toBeGreaterThan(policy[0] as number);
  });

  it('spends its steps where its moves lead', () => {
    // First step in state 0 (3/4 stay); then 3/4 in state 0, 1/4 in state 1 with equal moves.
    const found = occupancy(TWO, softPolicy(TWO, [Math.log(3), 0, 0, 0]));
    const wanted = [(0.75 + 0.75 * 0.75) / 2, (0.25 + 0.75 * 0.25) / 2, 0.125 / 2, 0.125 / 2];
    wanted.forEach((share, row) => expect(found[row]).toBeCloseTo(share, 9));
    expect(totalVariation(found, wanted)).toBeCloseTo(0, 9);
    expect(totalVariation([1, 0], [0, 1])).toBe(1);
  });
});
