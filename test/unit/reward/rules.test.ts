import { describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import { sourceSchema, type SourceSpec } from '../../../proto/reward-sources.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { compileSource } from '../../../workers/reward/sources/registry.js';
import type { UnitLevel } from '../../../workers/reward/units.js';
import { completions, steps } from './level.js';

function columnOf(rule: unknown, level: UnitLevel): RewardColumn {
  const spec: SourceSpec = sourceSchema.parse({ kind: 'rule', rule });
  return compileSource('rule', spec).evaluate(level, {}) as RewardColumn;
}
const valueOf = (rule: unknown, text: string, truth?: unknown): number => {
  const column = columnOf(rule, completions([{ text, truth }]));
  expect(column.mask[0]).toBe(1);
  return column.value[0] as number;
};

describe('rules, by hand', () => {
  it.each([
    [{ kind: 'regex', pattern: 'b+' }, 'abbab', 1],
    [{ kind: 'regex', pattern: 'b+', gives: 'count' }, 'abbab', 2],
    [{ kind: 'regex', pattern: 'cost: (\\d+\\.\\d+)', gives: 'number' }, 'the cost: 2.5 coins', 2.5],
    [{ kind: 'regex', pattern: 'x', gives: 'number' }, 'no', 0],
    [{ kind: 'parses' }, '{"a": [1]}', 1],
    [{ kind: 'parses' }, '{"a": [1}', 0],
    [{ kind: 'parses', as: 'json-object' }, '[1]', 0],
    [{ kind: 'parses', as: 'number' }, ' -1.5e3 ', 1],
    [{ kind: 'parses', as: 'number' }, '0x10', 0],
    [{ kind: 'parses', as: 'integer' }, '1.5', 0],
    [{ kind: 'parses', pick: '<a>(.*)</a>', as: 'integer' }, 'so <a>12</a>', 1],
    [{ kind: 'parses', pick: '<a>(.*)</a>', as: 'integer' }, '12', 0],
    [{ kind: 'length', in: 'characters', target: 4, weight: 0.5 }, 'abcdef', -0.25],
    [{ kind: 'length', in: 'words', target: 2 }, 'one two', 0],
    [{ kind: 'json-schema', schema: { type: 'object', required: ['a'], properties: { a: { type: 'integer', minimum: 2 } }, additionalProperties: false } }, '{"a": 2}', 1],
    [{ kind: 'json-schema', schema: { type: 'object', required: ['a'], properties: { a: { type: 'integer', minimum: 2 } } } }, '{"a": 1}', 0],
    [{ kind: 'json-schema', schema: { type: 'object' } }, 'a: 1', 0],
  ])('%j of %j is %f', (rule, text, expected) => {
    expect(valueOf(rule, text)).toBeCloseTo(expected, 6);
  });

  it.each([
    [{ kind: 'exact' }, 'soup', 'soup', 1],
    [{ kind: 'exact' }, 'Soup ', 'soup', 0],
    [{ kind: 'exact', ignore: ['case', 'space', 'punctuation', 'articles'] }, ' The  Soup!', 'soup', 1],
    [{ kind: 'exact', against: 'truth.answer', pick: '(\\w+)$' }, 'the answer is b', { answer: 'b' }, 1],
    [{ kind: 'exact', against: { value: 'x' } }, 'x', undefined, 1],
    [{ kind: 'exact' }, '{"b": 1, "a": [2]}', { a: [2], b: 1 }, 1],
    [{ kind: 'exact' }, '{"b": 1}', { a: 1 }, 0],
    // "the cat sat" and "the cat on the mat": 2 of 3 right, 2 of 5 found: 2 * 2 / (3 + 5).
    [{ kind: 'f1' }, 'The cat sat', 'the cat on the mat', 0.5],
    [{ kind: 'f1' }, '', 'word', 0],
    [{ kind: 'f1' }, '', '', 1],
    // {the, cat, sat} and {the, cat, on, mat}: 2 of 5.
    [{ kind: 'jaccard' }, 'The cat sat', 'the cat on the mat', 0.4],
    [{ kind: 'jaccard', tokens: 'characters' }, 'abc', 'bcd', 0.5],
    // [0,0,2,2] and [1,1,2,2] share 1 of 7; the hull is 9, of which 2 are empty: 1/7 - 2/9.
    [{ kind: 'iou' }, '0 0 2 2', [1, 1, 2, 2], 1 / 7],
    [{ kind: 'iou', generalised: true }, '0 0 2 2', { x: 1, y: 1, w: 2, h: 2 }, 1 / 7 - 2 / 9],
    [{ kind: 'iou', form: 'xyxy' }, 'box [0, 0, 2, 2]', [1, 1, 3, 3], 1 / 7],
    [{ kind: 'iou', form: 'interval' }, 'from 1.5 to 3.5', { from: 2.5, to: 4.5 }, 1 / 3],
    [{ kind: 'iou', generalised: true }, 'nowhere', [1, 1, 2, 2], -1],
    [{ kind: 'iou' }, '0 0 -2 2', [1, 1, 2, 2], 0],
  ])('%j of %j against %j is %f', (rule, text, truth, expected) => {
    expect(valueOf(rule, text, truth)).toBeCloseTo(expected, 6);
  });

  it('reads numbers of a step: rewards, observations, counts', () => {
    const level = steps([
      { env: [2], observation: [0.5, 1], text: 'one two' },
      { env: [-1], observation: [2, 3] },
    ]);
    const values = (rule: object) => [...columnOf({ kind: 'indicator', ...rule }, level).value];
    expect(values({ number: 'env.score', from: 0 })).toEqual([1, 0]);
    expect(values({ number: 'observation.position[1]', to: 1 })).toEqual([1, 0]);
    expect(values({ number: 'words', from: 2, to: 2 })).toEqual([1, 0]);
    expect(values({ number: 'position', from: 1 })).toEqual([0, 1]);
  });

  it('a step without a message is worth a known 0; a unit without ground truth is unknown, and no 0', () => {
    const silent = columnOf({ kind: 'regex', pattern: 'x' }, steps([{ text: null }, { text: 'x' }]));
    expect([...silent.value]).toEqual([0, 1]);
    expect([...silent.mask]).toEqual([1, 1]);
    const { mask, status, confidence } = columnOf({ kind: 'exact' }, completions([{ text: 'a', truth: 'a' }, { text: 'a' }]));
    expect([...mask]).toEqual([1, 0]);
    expect([...status]).toEqual([REWARD_STATUS.final, REWARD_STATUS.error]);
    expect([...confidence]).toEqual([1, 0]);
  });

  it('matches in time linear in the text, where backtracking would take as long as the world', () => {
    expect(valueOf({ kind: 'regex', pattern: '^(a+)+$' }, `${'a'.repeat(5000)}b`)).toBe(0);
  });
});

describe('rules at submission', () => {
  const issueOf = (rule: unknown, environment: unknown = { kind: 'grid-world' }): string => {
    try {
      resolveJob({ name: 'r', environment, sources: { r: { kind: 'rule', rule } }, combine: { op: 'linear', weights: { r: 1 } }, stop: { versions: 1 } });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([
    [{ kind: 'regex', pattern: '(' }, 'sources.r.rule.pattern'],
    [{ kind: 'regex', pattern: '(?=a)b' }, 'needs backtracking'],
    [{ kind: 'regex', pattern: '(a)\\1' }, 'needs backtracking'],
    [{ kind: 'exact' }, 'only an environment of kind text has prompts and ground truth'],
    [{ kind: 'indicator', number: 'position' }, 'expected a bound'],
    [{ kind: 'indicator', number: 'weather', from: 1 }, 'sources.r.rule.number'],
    [{ kind: 'iou', generalised: true, form: 'interval', against: { value: [1, 2] } }, 'generalised IoU is of boxes'],
    [{ kind: 'expression', expression: 'text + 1' }, 'expected text, got number (line 1, column 8)'],
    [{ kind: 'expression', expression: 'text' }, 'expected a number or a boolean, got text'],
    [{ kind: 'expression', expression: 'asNumber(truth.a)' }, 'got truth'],
  ])('refuses %j: %s', (rule, message) => {
    expect(issueOf(rule)).toContain(message);
  });

  it('takes what fits', () => {
    expect(issueOf({ kind: 'regex', pattern: '[(?=]\\\\1' })).toBe('');
    expect(issueOf({ kind: 'expression', expression: 'characters(text) > 3' })).toBe('');
  });
});
