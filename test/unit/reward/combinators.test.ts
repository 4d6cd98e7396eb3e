import { describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import { constantWeights } from '../../../proto/reward-combine.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { RewardGraph } from '../../../workers/reward/graph.js';
import { unitLevel, type Units } from '../../../workers/reward/units.js';

/** Three components of the environment, one row for each step; `?` is a message that no rule knows: unknown to the model source. */
type Row = readonly [a: number, b: number, c: number, text?: string];

function unitsOf(rows: readonly Row[], versions: readonly number[] = []): Units {
  const texts = [...new Set(rows.flatMap(([, , , text]) => text ?? []))];
  const step = unitLevel({
    granularity: 'step',
    units: rows.length,
    envReward: Float32Array.from(rows.flatMap(([a, b, c]) => [a, b, c])),
    rewardNames: ['a', 'b', 'c'],
    textIndex: Int32Array.from(rows, ([, , , text]) => (text === undefined ? -1 : texts.indexOf(text))),
    texts,
    policyVersion: Int32Array.from(rows, (_, index) => versions[index] ?? 0),
  });
  return { base: 'step', levels: { step } };
}

const SOURCES = {
  a: { kind: 'env', component: 'a', clip: null },
  b: { kind: 'env', component: 'b', clip: null },
  c: { kind: 'env', component: 'c', clip: null },
  all: { kind: 'env', components: ['a', 'b', 'c'] },
  judge: { kind: 'model', fit: 'retrieval', annotator: { goal: 'g', judge: { kind: 'scripted' } } },
};

function evaluate(combine: unknown, rows: readonly Row[], { versions = [] as number[], overrides = {} as object, weights = {} as Record<string, number> } = {}) {
  const job = resolveJob({ name: 'tree', environment: { kind: 'nethack' }, sources: SOURCES, combine, stop: { versions: 1 }, ...overrides });
  const graph = new RewardGraph(job);
  const get = (text: Uint8Array | string) => (text === 'good' ? { probability: 0.9, entry: 4, human: false } : undefined);
  const labels = { position: 1, labels: 1, get, byJudge: get, verdicts: () => [], failedAttempts: () => 0, ref: () => ({ annotator: 'a', position: 1, labels: 0 }) };
  const columns = graph.evaluate(unitsOf(rows, versions), { judge: { labels } }, { ...constantWeights(job.combine), ...weights });
  return Object.fromEntries(graph.components.map((name, index) => [name, columns[index]!]));
}

function total(combine: unknown, rows: readonly Row[], options?: Parameters<typeof evaluate>[2]): number[] {
  const column = evaluate(combine, rows, options)['total']!;
  return [...column.value].map((value, unit) => (column.mask[unit] === 1 ? Number(value.toFixed(5)) : NaN));
}

describe('linear', () => {
  it('sums combinators and sources, with weights by version and a bias', () => {
    const combine = { op: 'linear', weights: { worst: 2, c: { points: [[0, 0], [10, 1]] } }, of: [{ op: 'nonlinear', rule: 'min', name: 'worst', of: ['a', 'b'] }], bias: 0.5 };
    expect(total(combine, [[3, 1, 4], [-1, 2, 4], [0, 0, 4]], { versions: [0, 5, 20] })).toEqual([2.5, 0.5, 4.5]);
  });

  it('stores a named term beside the sources, and is steered by its name', () => {
    const combine = { op: 'linear', weights: { part: 1 }, of: [{ op: 'linear', name: 'part', weights: { a: 1, b: 10 } }] };
    const columns = evaluate(combine, [[1, 2, 0]], { weights: { 'part.b': 100 } });
    expect(Object.keys(columns)).toEqual(['a', 'b', 'c', 'all.a', 'all.b', 'all.c', 'judge', 'part', 'total']);
    expect(columns['part']!.value[0]).toBe(201);
    expect(columns['total']!.value[0]).toBe(201);
  });

  it('is unknown below the root where no term is known, so that nothing unknown counts as 0 above', () => {
    const product = { op: 'nonlinear', rule: 'product', of: ['a', { op: 'linear', weights: { judge: 1 } }] };
    expect(total(product, [[5, 0, 0, 'good'], [5, 0, 0, '?'], [5, 0, 0]])).toEqual([5, NaN, 0]);
    expect(total({ op: 'linear', weights: { a: 1, judge: 1 } }, [[5, 0, 0, '?']])).toEqual([5]);
    expect(total({ op: 'linear', weights: { a: 1, judge: 1 }, unknown: 'mask' }, [[5, 0, 0, '?']])).toEqual([NaN]);
  });
});

describe('nonlinear', () => {
  it('has the signed geometric mean of KRC: (2, 8) is 4, (-.5, -.5) is -.5, (.5, -.5) is -.5, anything with 0 is 0', () => {
    expect(total({ op: 'nonlinear', rule: 'signed-geometric-mean', of: ['a', 'b'] }, [[2, 8, 0], [-0.5, -0.5, 0], [0.5, -0.5, 0], [0, 7, 0]])).toEqual([4, -0.5, -0.5, 0]);
  });

  it('takes the least, the greatest and the product', () => {
    const rows: Row[] = [[3, -2, 0.5]];
    expect(['min', 'max', 'product'].map((rule) => total({ op: 'nonlinear', rule, of: ['a', 'b', 'c'] }, rows)[0])).toEqual([-2, 3, -3]);
  });

  it('counts a later term only once all before are good enough', () => {
    const combine = { op: 'nonlinear', rule: 'lexicographic', of: ['a', 'b'], levels: [[0, 10], [0, 4]] };
    expect(total(combine, [[5, 4, 0], [10, 1, 0], [12, 9, 0], [-3, 4, 0]])).toEqual([0.5, 1.25, 2, 0]);
  });

  it('gives one of two values by a threshold that all terms, or any, reach', () => {
    const rows: Row[] = [[1, 0, 0], [1, 1, 0], [0, 0, 0]];
    expect(total({ op: 'nonlinear', rule: 'threshold', of: ['a', 'b'], at: 1, above: 5, below: -1 }, rows)).toEqual([-1, 5, -1]);
    expect(total({ op: 'nonlinear', rule: 'threshold', of: ['a', 'b'], at: 1, reached: 'any' }, rows)).toEqual([1, 1, 0]);
  });

  it('masks what is no finite number as an error, and never stores it', () => {
    const { total: column } = evaluate({ op: 'nonlinear', rule: 'product', of: ['a', 'b'] }, [[1e30, 1e30, 0]]);
    expect([column!.mask[0], column!.value[0], column!.status[0]]).toEqual([0, 0, REWARD_STATUS.error]);
  });
});

describe('gate', () => {
  it('mixes by a softmax of logits at its temperature', () => {
    const share = 1 / (1 + Math.exp(-2 / 4));
    expect(total({ op: 'gate', of: ['a', 'b'], by: ['c', 0], temperature: 4 }, [[10, 20, 2]])[0]).toBeCloseTo(share * 10 + (1 - share) * 20, 5);
  });

  it('routes by argmax, and needs to know only what it chose', () => {
    const combine = { op: 'gate', of: ['judge', 'a'], by: ['b', 'c'], choose: 'argmax' };
    expect(total(combine, [[7, 0, 1, '?'], [7, 1, 0, '?'], [7, 1, 0, 'good']])).toEqual([7, NaN, 1]);
  });
});

describe('cascade', () => {
  const combine = { op: 'cascade', of: ['judge', 'a'], confidenceMin: 0.5, require: [{ of: 'b', min: 1, floor: -9 }] };

  it('vetoes by a floor, then takes the first that is known', () => {
    const { total: column } = evaluate(combine, [[3, 0, 0, 'good'], [3, 1, 0, 'good'], [3, 1, 0, '?']]);
    expect([...column!.value]).toEqual([-9, 1, 3]);
    // The veto and what was passed over have no say in the version.
    expect([...column!.version]).toEqual([0, 5, 0]);
  });

  it('is unknown where nothing is sure enough, unless it says otherwise', () => {
    expect(total({ op: 'cascade', of: ['judge'], confidenceMin: 0.95 }, [[0, 0, 0, 'good']])).toEqual([NaN]);
    expect(total({ op: 'cascade', of: ['judge'], confidenceMin: 0.95, otherwise: 0.25 }, [[0, 0, 0, 'good']])).toEqual([0.25]);
  });
});

describe('ensemble', () => {
  it('has mean, median, least, mean less deviation, and votes', () => {
    const rules = ['mean', 'median', 'min', 'pessimistic', 'vote'];
    // Mean 3, deviation sqrt((4 + 1 + 9) / 3).
    expect(rules.map((rule) => total({ op: 'ensemble', rule, of: ['a', 'b', 'c'], kappa: 2, threshold: 1.5 }, [[1, 2, 6]])[0])).toEqual([3, 2, 1, Number((3 - 2 * Math.sqrt(14 / 3)).toFixed(5)), 1]);
  });

  it('leaves unknown members out, wants as many as it says, and is less sure where members differ', () => {
    const of = ['a', 'judge'];
    expect(total({ op: 'ensemble', of }, [[5, 0, 0, '?'], [5, 0, 0, 'good']])).toEqual([5, 3]);
    expect(total({ op: 'ensemble', of, membersMin: 2 }, [[5, 0, 0, '?']])).toEqual([NaN]);
    expect(evaluate({ op: 'ensemble', of }, [[5, 0, 0, 'good']])['total']!.confidence[0]).toBeCloseTo(0.9 / (1 + 2), 6);
  });
});

describe('vector', () => {
  it('is combined element by element, and an element is taken by its name', () => {
    const sum = { op: 'linear', name: 'both', weights: { all: 1, mine: 10 }, of: [{ op: 'vector', name: 'mine', of: ['a', 'b', 'c'] }] };
    expect(total({ op: 'ensemble', of: ['a', { op: 'linear', name: 'x', weights: { 'all.b': 1 } }] }, [[1, 3, 0]])).toEqual([2]);
    expect(() => evaluate(sum, [[1, 2, 3]])).toThrow(/LAUREL_REWARD_WIDTH/);
  });

  it('is a whole reward with a value head for each element; the total is their sum', () => {
    const valueHeads = { one: { sources: ['a'] }, other: { sources: ['worst'] } };
    const combine = { op: 'vector', of: ['a', { op: 'nonlinear', rule: 'min', name: 'worst', of: ['b', 'c'] }] };
    const columns = evaluate(combine, [[1, 5, 3]], { overrides: { policy: { valueHeads } } });
    expect([columns['a']!.value[0], columns['worst']!.value[0], columns['total']!.value[0]]).toEqual([1, 3, 4]);
    expect(() => evaluate(combine, [[1, 5, 3]])).toThrow(/policy.valueHeads: expected a value head for each element of the vector \(a, worst\)/);
  });
});
