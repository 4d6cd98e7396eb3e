import { describe, expect, it } from 'vitest';
import { shapeSchema } from '../../../proto/reward-shapes.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../../../workers/reward/reward-column.js';
import { applyShape } from '../../../workers/reward/shaping/registry.js';
import { unitLevel, type UnitLevelFields } from '../../../workers/reward/units.js';

/** undefined: unknown */
function columnOf(values: readonly (number | undefined)[]): RewardColumn {
  const column = knownColumn(values.length);
  values.forEach((value, unit) => {
    column.value[unit] = value ?? 0;
    if (value !== undefined) return;
    column.mask[unit] = 0;
    column.confidence[unit] = 0;
    column.status[unit] = REWARD_STATUS.pending;
  });
  return column;
}

function shaped(spec: object, values: readonly (number | undefined)[], fields: Partial<UnitLevelFields> = {}, discount = 1, before: Partial<RewardColumn> = {}): (number | undefined)[] {
  const level = unitLevel({ granularity: 'step', units: values.length, ...fields });
  const column = applyShape(shapeSchema.parse({ on: 'x', ...spec }), { ...columnOf(values), ...before }, { level, units: { base: level.granularity, levels: { [level.granularity]: level } }, discount });
  return [...column.value].map((value, unit) => {
    if (column.mask[unit] === 0) expect([value, column.confidence[unit]]).toEqual([0, 0]);
    return column.mask[unit] === 1 ? Number(value.toFixed(5)) : undefined;
  });
}

describe('potential', () => {
  // Two episodes: three steps to a terminal state, and two that were cut.
  const steps = { episode: Int32Array.of(0, 0, 0, 1, 1), position: Int32Array.of(0, 1, 2, 0, 1), terminated: Uint8Array.of(0, 0, 1, 0, 0), done: Uint8Array.of(0, 0, 1, 0, 1) };

  it('pays gamma phi(next) - phi, the potential of a terminal state being 0', () => {
    expect(shaped({ op: 'potential', discount: 0.5, initial: 1 }, [2, 6, 100, 4, 8], steps)).toEqual([0.5 * 2 - 1, 0.5 * 6 - 2, -6, 0.5 * 4 - 1, 0.5 * 8 - 4]);
  });

  it('adds up, discounted, to what is left of the first potential: which policy is best does not change', () => {
    const gamma = 0.9;
    const values = shaped({ op: 'potential', initial: 3 }, [2, 6, 100, 4, 8], steps, gamma) as number[];
    const [terminated, cut] = [values.slice(0, 3), values.slice(3)].map((rewards) => rewards.reduce((sum, reward, step) => sum + gamma ** step * reward, 0));
    expect(terminated).toBeCloseTo(-3, 4);
    expect(cut).toBeCloseTo(-3 + gamma ** 2 * 8, 4);
  });

  it('is unknown where one of its two potentials is, and where the step before is not there', () => {
    expect(shaped({ op: 'potential', discount: 1 }, [2, undefined, 100, 4, 8], steps)).toEqual([2, undefined, undefined, 4, 4]);
    expect(shaped({ op: 'potential', discount: 1 }, [2, 3], { episode: Int32Array.of(0, 0), position: Int32Array.of(7, 8) })).toEqual([undefined, 1]);
  });
});

describe('standardise', () => {
  it('uses the moments given, and a threshold below which nothing counts', () => {
    expect(shaped({ op: 'standardise', mean: 2, deviation: 4 }, [6, 0, undefined])).toEqual([1, -0.5, undefined]);
    expect(shaped({ op: 'standardise', mean: 2, deviation: 4, threshold: -0.25 }, [6, 0, undefined])).toEqual([1, 0, undefined]);
  });

  it('uses the known values of the group; equal ones are 0', () => {
    const group = Int32Array.of(0, 0, 0, 1, 1);
    expect(shaped({ op: 'standardise', by: 'group' }, [1, 3, undefined, 5, 5], { granularity: 'episode', group })).toEqual([-1, 1, undefined, 0, 0]);
  });
});

describe('schedules', () => {
  const policyVersion = Int32Array.of(0, 5, 10, 99);

  it('scale and shift follow the policy version', () => {
    expect(shaped({ op: 'scale', factor: { points: [[0, 1], [10, 3]] }, shift: 1 }, [2, 2, 2, 2], { policyVersion })).toEqual([3, 5, 7, 7]);
    expect(shaped({ op: 'scale', factor: { points: [[0, 1], [10, 3]], between: 'step' } }, [2, 2, 2, 2], { policyVersion })).toEqual([2, 2, 6, 6]);
  });

  it('progressive thresholds are those of Vision-R1: the same box is worth less after the switch', () => {
    const spec = { op: 'progressive-threshold', low: { points: [[0, 0.5], [10, 0.75]], between: 'step' }, high: { points: [[0, 0.75], [10, 0.9]], between: 'step' } };
    expect(shaped(spec, [0.7, 0.8, 0.8, 0.7], { policyVersion })).toEqual([0.7, 1, 0.8, 0]);
    expect(shaped(spec, [0.49, 0.5, 0.95, 0.9], { policyVersion })).toEqual([0, 0.5, 1, 0.9]);
  });
});

describe('difficulty', () => {
  const truth = { index: Int32Array.of(0, 1, 1, 1), values: [{ kind: 'rare' }, { kind: 'common' }] };

  it('weighs labels by the inverse of their share, 1 on average', () => {
    const spec = { op: 'difficulty', label: { field: 'kind', shares: { rare: 0.25, common: 0.75 } } };
    // 1 / (.25 * 2) and 1 / (.75 * 2): .25 * 2 + .75 * 2/3 = 1.
    expect(shaped(spec, [1, 1, undefined, 3], { granularity: 'episode', truth })).toEqual([2, 0.66667, undefined, 2]);
  });

  it('weighs prompts by the share of their group that does not pass', () => {
    expect(shaped({ op: 'difficulty', kappa: 2 }, [1, 0, 1, 1], { granularity: 'episode', group: Int32Array.of(0, 0, 1, 1) })).toEqual([2, 0, 1, 1]);
  });
});

describe('clip, filter, length', () => {
  it('bounds values', () => {
    expect(shaped({ op: 'clip', low: -1, high: 2 }, [-5, 1, 7, undefined])).toEqual([-1, 1, 2, undefined]);
  });

  it('masks what is out of bounds or not sure; it does not become 0', () => {
    expect(shaped({ op: 'filter', low: 0, high: 5 }, [-1, 0, 5, 6])).toEqual([undefined, 0, 5, undefined]);
    expect(shaped({ op: 'filter', confidenceMin: 0.5 }, [1, 2], {}, 1, { confidence: Float32Array.of(0.4, 0.5) })).toEqual([undefined, 2]);
  });

  it('takes off in proportion to what is too long', () => {
    const texts = { textIndex: Int32Array.of(0, 1, -1), texts: ['one two', 'one two three four'] };
    expect(shaped({ op: 'length', unit: 'words', target: 2, kappa: 0.5 }, [1, 1, 1], texts)).toEqual([1, 0.5, 1]);
    expect(shaped({ op: 'length', target: 9 }, [1, 1, 1], texts)).toEqual([1, 0, 1]);
  });

  it('masks what is no finite number as an error', () => {
    expect(shaped({ op: 'scale', factor: 1e30 }, [1e30])).toEqual([undefined]);
  });
});
