import { describe, expect, it } from 'vitest';
import { sourceSchema } from '../../../proto/reward-sources.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { compileSource } from '../../../workers/reward/sources/registry.js';
import { unitLevel, type Units } from '../../../workers/reward/units.js';
import { steps } from './level.js';

/** Two completions, of two tokens and of one, and one without any. */
const OWN = [-0.5, -1, -2];
const OTHER = [-1.5, -1, -1];
const parent = Int32Array.from([0, 0, 1]);
const units: Units = {
  base: 'episode',
  levels: {
    token: unitLevel({ granularity: 'token', units: 3, parent, episode: parent, numbers: { logprob: { width: 1, values: Float32Array.from(OWN) }, 'logprob-reference': { width: 1, values: Float32Array.from(OTHER) } } }),
    episode: unitLevel({ granularity: 'episode', units: 3 }),
  },
};
const columnOf = (source: Record<string, unknown>, level: 'token' | 'episode' = 'episode'): RewardColumn => compileSource('i', sourceSchema.parse({ kind: 'implicit', ...source })).evaluate(units.levels[level]!, { units }) as RewardColumn;
const near = (column: RewardColumn, expected: readonly (number | null)[]): void =>
  expected.forEach((value, index) => {
    expect(column.mask[index]).toBe(value === null ? 0 : 1);
    expect(column.value[index]).toBeCloseTo(value ?? 0, 6);
  });

describe('rewards of the policy itself, by hand', () => {
  it('confidence: sums and means of log-probabilities; a completion without tokens is unknown', () => {
    near(columnOf({ form: 'confidence' }), [-1.5, -2, null]);
    near(columnOf({ form: 'confidence', over: 'mean' }), [-0.75, -2, null]);
    near(columnOf({ form: 'confidence' }, 'token'), OWN);
  });

  it('beta times the log-ratio', () => {
    near(columnOf({ form: 'log-ratio', beta: 0.1 }, 'token'), [0.1, 0, -0.1]);
    near(columnOf({ form: 'log-ratio', beta: 2 }), [2, -2, null]);
  });

  it('a divergence by k1, or by k3 = p0 / p - log(p0 / p) - 1', () => {
    near(columnOf({ form: 'divergence', estimator: 'k1' }, 'token'), [-1, 0, 1]);
    near(columnOf({ form: 'divergence' }, 'token'), [-(Math.exp(-1) + 1 - 1), 0, -(Math.exp(1) - 1 - 1)]);
  });

  it('knows nothing without version 0, or without probabilities', () => {
    const bare = compileSource('i', sourceSchema.parse({ kind: 'implicit', form: 'log-ratio' })).evaluate(unitLevel({ granularity: 'token', units: 1, numbers: { logprob: { width: 1, values: Float32Array.of(-1) } } }), {}) as RewardColumn;
    expect([...bare.mask]).toEqual([0]);
    const silent = compileSource('i', sourceSchema.parse({ kind: 'implicit', form: 'confidence' })).evaluate(steps([{}]), {}) as RewardColumn;
    expect([...silent.mask]).toEqual([0]);
  });
});
