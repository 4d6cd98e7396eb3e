import { describe, expect, it } from 'vitest';
import type { RewardRef } from '../../../proto/references.js';
import type { LagrangianSpec } from '../../../proto/reward-combine.js';
import { advanceRewardState, initialRewardState, multiplierWeights, type RewardState } from '../../../proto/reward-state.js';
import { resolveJob } from '../../../proto/resolve.js';
import { RewardGraph } from '../../../workers/reward/graph.js';
import { unitLevel } from '../../../workers/reward/units.js';

function jobOf(combine: object, shape: readonly object[] = []) {
  return resolveJob({ name: 'held', environment: { kind: 'grid-world' }, sources: { a: { kind: 'env' }, b: { kind: 'env' }, c: { kind: 'env' } }, shape, combine, stop: { versions: 1 } });
}

/** Rewards of a segment of `rows` units, whose components have these sums; `masked` of them are unknown. */
function rewards(sums: Readonly<Record<string, number>>, rows = 10, masked = 0, moments?: RewardRef['moments']): RewardRef {
  const components = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, { sum, nonZero: 0, masked }]));
  return { key: 'k', digest: 'd', bytes: 0, rows, schemaVersion: 1, endpoints: [], shard: 0, seq: 0, scoring: 's', components, ...(moments && { moments }) };
}

describe('the proxy form (arXiv 2310.04373)', () => {
  const combine = { op: 'lagrangian', form: 'proxy', objective: 'a', constraints: [{ of: 'b', threshold: 0.5 }, { of: 'c', threshold: 2, initial: 1 }], rate: 0.1 };
  const job = jobOf(combine);

  it('weighs the objective by N - sum lambda, each constraint by its lambda', () => {
    const state = initialRewardState(job)!;
    expect(state.multipliers).toEqual({ 'total.b': 0, 'total.c': 1 });
    const weights = multiplierWeights(job.combine as LagrangianSpec, state);
    expect(weights.objective).toBeCloseTo(2 - Math.tanh(1), 12);
    expect(weights.constraints).toEqual([0, Math.tanh(1)]);
  });

  it('moves mu against d/dmu (lambda (J - theta)): up while the reward is below its threshold, down above', () => {
    const next = advanceRewardState(job, initialRewardState(job)!, [rewards({ b: 1, c: 30 }), rewards({ b: 3, c: 30 })]);
    // J_b = 4/20 = .2, J_c = 60/20 = 3; tanh' is 1 at 0.
    expect(next.multipliers['total.b']).toBeCloseTo(0 - 0.1 * 1 * (0.2 - 0.5), 12);
    expect(next.multipliers['total.c']).toBeCloseTo(1 - 0.1 * (1 - Math.tanh(1) ** 2) * (3 - 2), 12);
    const sigmoid = jobOf({ ...combine, link: 'sigmoid' });
    expect(advanceRewardState(sigmoid, initialRewardState(sigmoid)!, [rewards({ b: 2, c: 20 })]).multipliers['total.b']).toBeCloseTo(0.1 * 0.25 * 0.3, 12);
  });

  it('takes means over what is known, and stays where nothing is', () => {
    const state = initialRewardState(job)!;
    expect(advanceRewardState(job, state, [rewards({ b: 1, c: 4 }, 10, 8)]).multipliers['total.b']).toBeCloseTo(0, 12);
    expect(advanceRewardState(job, state, [rewards({ b: 0, c: 0 }, 10, 10)]).multipliers).toEqual(state.multipliers);
  });
});

describe('the inequality form', () => {
  const constraints = [{ of: 'b', atMost: 0.1, initial: 0.2 }, { of: 'c', atLeast: 0.3 }];
  const job = jobOf({ op: 'lagrangian', form: 'inequality', objective: 'a', constraints, rate: 0.5 });

  it('takes off what may be at most, adds what must be at least, and raises a multiplier while its bound is broken', () => {
    let state = initialRewardState(job)!;
    expect(multiplierWeights(job.combine as LagrangianSpec, state)).toEqual({ objective: 1, constraints: [-0.2, 0] });
    state = advanceRewardState(job, state, [rewards({ b: 5, c: 1 })]);
    expect(state.multipliers['total.b']).toBeCloseTo(0.2 + 0.5 * (0.5 - 0.1), 12);
    expect(state.multipliers['total.c']).toBeCloseTo(0.5 * (0.3 - 0.1), 12);
    // Kept for long: never below 0.
    for (let batch = 0; batch < 20; batch++) state = advanceRewardState(job, state, [rewards({ b: 0, c: 9 })]);
    expect(state.multipliers).toEqual({ 'total.b': 0, 'total.c': 0 });
  });

  it('can share one simplex with the objective', () => {
    const soft = jobOf({ op: 'lagrangian', form: 'inequality', objective: 'a', constraints, normalise: 'softmax' });
    const { objective, constraints: weights } = multiplierWeights(soft.combine as LagrangianSpec, initialRewardState(soft));
    const sum = 1 + Math.exp(0.2) + 1;
    expect([objective, ...weights]).toEqual([1 / sum, -Math.exp(0.2) / sum, 1 / sum].map((value) => expect.closeTo(value, 12) as number));
  });
});

describe('in the graph', () => {
  const units = (values: readonly number[]) => {
    const step = unitLevel({ granularity: 'step', units: values.length, envReward: Float32Array.from(values), rewardNames: ['goal'] });
    return { base: 'step' as const, levels: { step } };
  };

  it('the value follows from the state that is given, and from nothing else', () => {
    const job = jobOf({ op: 'lagrangian', form: 'inequality', objective: 'a', constraints: [{ of: 'b', atMost: 0.1 }] });
    const graph = new RewardGraph(job);
    const total = (state?: RewardState): number => graph.evaluate(units([2]), {}, {}, state).at(-1)!.value[0]!;
    expect(total()).toBe(2);
    expect(total({ multipliers: { 'total.b': 0.25 }, moments: {} })).toBe(1.5);
  });

  it('standardises by the moments of batches before, and says those of this one', () => {
    const job = jobOf({ op: 'linear', weights: { a: 1 } }, [{ op: 'standardise', on: 'a', by: 'running' }]);
    const graph = new RewardGraph(job);
    const state = initialRewardState(job)!;
    const first = graph.score(units([1, 3]), {}, { a: 1 }, state);
    // The given moments, 0 and 1, until there are others.
    expect([...first.columns[0]!.value]).toEqual([1, 3].map((value) => expect.closeTo(value, 4) as number));
    const next = advanceRewardState(job, state, [rewards({ a: 4 }, 2, 0, first.moments)]);
    expect(next.moments).toEqual({ '0.0': { count: 2, mean: 2, squares: 2 } });
    expect([...graph.score(units([5, 2]), {}, { a: 1 }, next).columns[0]!.value]).toEqual([3, 0].map((value) => expect.closeTo(value, 4) as number));
  });
});
