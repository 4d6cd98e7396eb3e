import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../../proto/philox.js';
import type { ActionSpace } from '../../../workers/rollout/environments/environment.js';
import { boundActions, createActionBuffer, createActionSampler } from '../../../workers/rollout/policy/sampling.js';

const discrete = (count: number): ActionSpace => ({ kind: 'discrete', count });
const logits = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 8 }).map((values) => Float32Array.from(values));

/** log-softmax in float64, straight from its definition. */
function logSoftmax(values: Float32Array): number[] {
  const highest = Math.max(...values);
  const total = values.reduce((sum, value) => sum + Math.exp(value - highest), 0);
  return Array.from(values, (value) => value - highest - Math.log(total));
}

describe('sampling of discrete actions', () => {
  it('draws each action as often as softmax says', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: 2, maxLength: 5 }), fc.nat(1_000_000), (values, seed) => {
        const outputs = Float32Array.from(values);
        const draws = 4_000;
        const counts = new Array<number>(values.length).fill(0);
        const sampler = createActionSampler(discrete(values.length), new CounterRandom(seed, 'actionSampling'), 'sample');
        const actions = new Int32Array(1);
        for (let step = 0; step < draws; step++) {
          sampler.draw(outputs, 0, 0, 0, step, actions);
          counts[actions[0]!]!++;
        }
        logSoftmax(outputs).forEach((logProb, action) => {
          const p = Math.exp(logProb);
          // Six standard deviations and one draw.
          expect(Math.abs(counts[action]! - draws * p)).toBeLessThan(6 * Math.sqrt(draws * p * (1 - p)) + 1);
        });
      }),
      { numRuns: 25, seed: 1 },
    );
  });

  it('gives the log-probability of the action that it drew, within float32', () => {
    fc.assert(
      fc.property(logits, fc.nat(100_000), (outputs, step) => {
        const sampler = createActionSampler(discrete(outputs.length), new CounterRandom(5, 'actionSampling'), 'sample');
        const actions = new Int32Array(1);
        const logProb = sampler.draw(outputs, 0, 1, 2, step, actions);
        const expected = logSoftmax(outputs)[actions[0]!]!;
        expect(logProb).toBe(Math.fround(logProb));
        expect(Math.abs(logProb - expected)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
      }),
    );
  });

  it('draws the same action again for the same counter, and is moved by each word of it and by the seed', () => {
    const outputs = new Float32Array(64);
    const drawn = (seed: number, c0: number, c1: number, c2: number): number => {
      const actions = new Int32Array(1);
      createActionSampler(discrete(64), new CounterRandom(seed, 'actionSampling'), 'sample').draw(outputs, 0, c0, c1, c2, actions);
      return actions[0]!;
    };
    const many = (pick: (i: number) => number): number => new Set(Array.from({ length: 40 }, (_, i) => pick(i))).size;
    expect(drawn(7, 1, 2, 3)).toBe(drawn(7, 1, 2, 3));
    expect(many((i) => drawn(i, 1, 2, 3))).toBeGreaterThan(10);
    expect(many((i) => drawn(7, i, 2, 3))).toBeGreaterThan(10);
    expect(many((i) => drawn(7, 1, i, 3))).toBeGreaterThan(10);
    expect(many((i) => drawn(7, 1, 2, i))).toBeGreaterThan(10);
  });

  it('never draws an action whose logit is minus infinity', () => {
    const outputs = Float32Array.of(-Infinity, 0, -Infinity, -1, -Infinity);
    const sampler = createActionSampler(discrete(5), new CounterRandom(3, 'actionSampling'), 'sample');
    const actions = new Int32Array(1);
    const seen = new Set<number>();
    for (let step = 0; step < 2_000; step++) {
      expect(Number.isFinite(sampler.draw(outputs, 0, 0, 0, step, actions))).toBe(true);
      seen.add(actions[0]!);
    }
    expect([...seen].sort()).toEqual([1, 3]);
  });

  it('takes the first of the likeliest actions when greedy, with its log-probability', () => {
    const outputs = Float32Array.of(9, 9, 9, 1, 4, 4);
    const sampler = createActionSampler(discrete(3), new CounterRandom(3, 'actionSampling'), 'greedy');
    const actions = new Int32Array(2);
    expect(sampler.draw(outputs, 0, 0, 0, 0, actions)).toBeCloseTo(Math.log(1 / 3), 6);
    sampler.draw(outputs, 1, 0, 0, 0, actions);
    expect([...actions]).toEqual([0, 1]);
  });

  it.each([[NaN, 1], [Infinity, 0], [-Infinity, -Infinity]])('refuses outputs that are no distribution: %d, %d', (a, b) => {
    const sampler = createActionSampler(discrete(2), new CounterRandom(3, 'actionSampling'), 'sample');
    expect(() => sampler.draw(Float32Array.of(a, b), 0, 0, 0, 0, new Int32Array(1))).toThrow(expect.objectContaining({ code: 'LAUREL_NUMBER_INVALID' }));
  });
});

describe('sampling of continuous actions', () => {
  const space: ActionSpace = { kind: 'continuous', size: 2, low: [-1, -2], high: [1, 2] };

  it('draws normal values with the mean and deviation of the outputs, each dimension on its own', () => {
    const outputs = Float32Array.of(0.5, -3, Math.log(2), Math.log(0.25));
    const sampler = createActionSampler(space, new CounterRandom(11, 'actionSampling'), 'sample');
    const actions = new Float32Array(2);
    const draws = 20_000;
    const sums = { a: 0, aa: 0, b: 0, bb: 0, ab: 0 };
    for (let step = 0; step < draws; step++) {
      sampler.draw(outputs, 0, 0, 0, step, actions);
      const a = (actions[0]! - 0.5) / 2;
      const b = (actions[1]! + 3) / 0.25;
      sums.a += a;
      sums.aa += a * a;
      sums.b += b;
      sums.bb += b * b;
      sums.ab += a * b;
    }
    for (const mean of [sums.a, sums.b, sums.ab]) expect(Math.abs(mean / draws)).toBeLessThan(0.04);
    for (const square of [sums.aa, sums.bb]) expect(Math.abs(square / draws - 1)).toBeLessThan(0.06);
  });

  it('gives the log-density of the action as it is stored', () => {
    const outputs = Float32Array.of(0.5, -3, 0.7, -1.5);
    const actions = new Float32Array(2);
    const logProb = createActionSampler(space, new CounterRandom(11, 'actionSampling'), 'sample').draw(outputs, 0, 4, 5, 6, actions);
    const density = (x: number, mean: number, logDeviation: number): number => -0.5 * ((x - mean) / Math.exp(logDeviation)) ** 2 - logDeviation - 0.5 * Math.log(2 * Math.PI);
    expect(logProb).toBeCloseTo(density(actions[0]!, 0.5, Math.fround(0.7)) + density(actions[1]!, -3, -1.5), 5);
  });

  it('takes the mean when greedy, and bounds actions only for the environment', () => {
    const actions = createActionBuffer(space, 2) as Float32Array;
    const bounded = createActionBuffer(space, 2);
    const sampler = createActionSampler(space, new CounterRandom(1, 'actionSampling'), 'greedy');
    const outputs = Float32Array.of(0.5, -3, 0, 0, 7, 1, 0, 0);
    sampler.draw(outputs, 0, 0, 0, 0, actions);
    sampler.draw(outputs, 1, 0, 0, 0, actions);
    boundActions(space, actions, bounded);
    expect([...actions]).toEqual([0.5, -3, 7, 1]);
    expect([...bounded]).toEqual([0.5, -2, 1, 1]);
  });
});
