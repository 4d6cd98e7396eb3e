import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import type { LabelView } from '../../../workers/annotator/label-table.js';
import { RewardGraph } from '../../../workers/reward/graph.js';
import { unitLevel, type Units } from '../../../workers/reward/units.js';
import { constantWeights } from '../../../proto/reward-combine.js';

function labelsOf(table: Readonly<Record<string, number>>, position = 3): LabelView {
  const get = (text: Uint8Array | string) => {
    const probability = table[typeof text === 'string' ? text : Buffer.from(text).toString('latin1')];
    return probability === undefined ? undefined : { probability, entry: 0, human: false };
  };
  return { position, labels: Object.keys(table).length, get, byJudge: get, verdicts: () => [],
    failedAttempts: () => 0, ref: () => ({ annotator: 'a', position, labels: 0 }) };
}

function inputOf(rows: readonly { text?: string; count?: number; env?: readonly number[] }[], rewardNames = ['score']): Units {
  const texts = [...new Set(rows.flatMap((row) => (row.text === undefined ? [] : [row.text])))];
  const step = unitLevel({
    granularity: 'step',
    units: rows.length,
    envReward: Float32Array.from(rows.flatMap((row) => row.env ?? rewardNames.map(() => 0))),
    rewardNames,
    textIndex: Int32Array.from(rows, (row) => (row.text === undefined ? -1 : texts.indexOf(row.text))),
    texts,
    textCount: Int32Array.from(rows, (row) => row.count ?? (row.text === undefined ? 0 : 1)),
  });
  return { base: 'step', levels: { step } };
}

function jobOf(overrides: Record<string, unknown> = {}) {
  return resolveJob({
    name: 'graph',
    environment: { kind: 'nethack' },
    sources: { game: { kind: 'env', scale: 0.5, clip: 2 }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'g', judge: { kind: 'scripted' } } }, rule: { kind: 'rule', rule: { kind: 'first-match', rules: [{ match: 'exact', pattern: 'You die...', value: -1 }, { match: 'regex', pattern: 'gold', value: 0.25 }] } } },
    shape: [{ op: 'episodic-count-decay', on: 'helpful', exponent: 3 }],
    combine: { op: 'linear', weights: { game: 0.1, helpful: 0.4, rule: 1 } },
    stop: { versions: 1 },
    ...overrides,
  });
}

const LABELS = { 'You kill the newt!': 0.84, 'The door is locked.': 0.04, 'You die...': 0.1 };
const ROWS = [
  { text: 'You kill the newt!', count: 1, env: [3] },
  { text: 'You kill the newt!', count: 2, env: [100] },
  { text: 'The door is locked.', count: 1, env: [-0.01] },
  { text: 'You see gold here.', count: 1, env: [0] },
  { env: [0] },
  { text: 'You die...', count: 1, env: [-9] },
];

function evaluate(overrides: Record<string, unknown> = {}, rows = ROWS) {
  const job = jobOf(overrides);
  const graph = new RewardGraph(job);
  const columns = graph.evaluate(inputOf(rows), { helpful: { labels: labelsOf(LABELS) } }, constantWeights(job.combine));
  return Object.fromEntries(graph.components.map((name, index) => [name, columns[index]!]));
}

describe('the reward graph', () => {
  it('computes every component and the weighted sum as by hand', () => {
    const { game, helpful, rule, total } = evaluate();
    const near = (column: Float32Array, expected: number[]): void => expected.forEach((value, index) => expect(column[index]).toBeCloseTo(value, 6));
    near(game!.value, [1.5, 2, -0.005, 0, 0, -2]);
    // Binary at threshold .5, times N^-3: the second newt pays an eighth.
    near(helpful!.value, [1, 0.125, 0, 0, 0, 0]);
    near(rule!.value, [0, 0, 0, 0.25, 0, -1]);
    near(total!.value, [0.15 + 0.4, 0.2 + 0.05, -0.0005, 0.25, 0, -0.2 - 1]);
  });

  it('masks a message without a label and says that it is pending; no message at all is a known 0', () => {
    const { helpful, total } = evaluate();
    expect([...helpful!.mask]).toEqual([1, 1, 1, 0, 1, 1]);
    expect(helpful!.status[3]).toBe(REWARD_STATUS.pending);
    expect(helpful!.value[3]).toBe(0);
    expect(helpful!.confidence[3]).toBe(0);
    expect(helpful!.confidence[2]).toBeCloseTo(0.96, 6);
    // omit: adds nothing, and the transition is trained on with what is known.
    expect([...total!.mask]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(total!.status[3]).toBe(REWARD_STATUS.pending);
    // Label-log entries behind each value: all labels stand in the first.
    expect([...total!.version]).toEqual([1, 1, 1, 0, 0, 1]);
  });

  it('takes a transition with an unknown value out of training where the job says drop', () => {
    const sources = { ...jobOf().sources, helpful: { ...jobOf().sources['helpful'], unknown: 'drop' } };
    const { total } = evaluate({ sources });
    expect([...total!.mask]).toEqual([1, 1, 1, 0, 1, 1]);
    expect(total!.value[3]).toBe(0);
  });

  it('gives no say to a source of weight 0, also not by its mask', () => {
    const sources = { ...jobOf().sources, helpful: { ...jobOf().sources['helpful'], unknown: 'drop' } };
    const { total } = evaluate({ sources, combine: { op: 'linear', weights: { game: 0.1, rule: 1 } } });
    expect([...total!.mask]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(total!.value[0]).toBeCloseTo(0.15, 6);
  });

  it('pays the probability itself where the job says so', () => {
    const spec = jobOf().sources['helpful'] as { annotator: object };
    const { helpful } = evaluate({ sources: { ...jobOf().sources, helpful: { ...spec, annotator: { ...spec.annotator, answer: 'probability' } } } });
    expect(helpful!.value[0]).toBeCloseTo(0.84, 6);
    expect(helpful!.value[1]).toBeCloseTo(0.84 / 8, 6);
  });

  it('reads the component that the job names, and refuses one that the environment has not', () => {
    const rows = [{ env: [1, 7] }];
    const job = jobOf({ sources: { game: { kind: 'env', component: 'b' } }, shape: [], combine: { op: 'linear', weights: { game: 1 } } });
    const [game] = new RewardGraph(job).evaluate(inputOf(rows, ['a', 'b']), {}, { game: 1 });
    expect(game!.value[0]).toBe(7);
    expect(() => new RewardGraph(job).evaluate(inputOf(rows, ['a', 'c']), {}, { game: 1 })).toThrow(/a, c/);
  });

  it('gives the same values however units are grouped, and never turns a mask into a zero that counts', () => {
    const texts = [...Object.keys(LABELS), 'unknown 1', 'unknown 2', undefined];
    const rowArbitrary = fc.record({ text: fc.constantFrom(...texts), count: fc.integer({ min: 1, max: 9 }), env: fc.tuple(fc.integer({ min: -50, max: 50 }).map((value) => value / 4)) });
    const job = jobOf();
    const graph = new RewardGraph(job);
    const run = (rows: readonly { text?: string | undefined; count?: number; env?: readonly number[] }[]) => graph.evaluate(inputOf(rows as { text?: string }[]), { helpful: { labels: labelsOf(LABELS) } }, constantWeights(job.combine));
    fc.assert(
      fc.property(fc.array(rowArbitrary, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (rows, size) => {
        const whole = run(rows);
        for (let at = 0; at < rows.length; at += size) {
          const part = run(rows.slice(at, at + size));
          part.forEach((column, index) => {
            expect([...column.value]).toEqual([...whole[index]!.value.slice(at, at + size)]);
            expect([...column.mask]).toEqual([...whole[index]!.mask.slice(at, at + size)]);
          });
        }
        rows.forEach((row, unit) => expect(whole[1]!.mask[unit]).toBe(row.text?.startsWith('unknown') ? 0 : 1));
      }),
    );
  });
});
