import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkExpression, expressionFault } from '../../../proto/expression/check.js';
import { FUNCTIONS } from '../../../proto/expression/functions.js';
import { compileExpression, type Scope } from '../../../workers/reward/programs/expression.js';
import { ProgramFault } from '../../../workers/reward/programs/fault.js';
import { IMPLEMENTATIONS } from '../../../workers/reward/programs/functions.js';

const UNIT: Readonly<Record<string, unknown>> = { text: 'Call soup(egg, 25)', prompt: 'p', truth: { answer: 'egg', minutes: 25, boxes: [[0, 0, 2, 2]], steps: ['a', 'b'] }, count: 3, position: 7 };
const scope: Scope = { value: (name) => UNIT[name], env: (name) => (name === 'score' ? 1.5 : undefined), numbers: (name) => (name === 'observation.position' ? [3, 4] : undefined) };
const run = (source: string): unknown => compileExpression(source).evaluate(scope);
const faultOf = (source: string): string => {
  try {
    checkExpression(source);
    return '';
  } catch (error) {
    return expressionFault(source, error);
  }
};
const codeOf = (source: string): string => {
  try {
    return `value ${String(run(source))}`;
  } catch (error) {
    if (error instanceof ProgramFault) return error.code;
    throw error;
  }
};

describe('the expression language', () => {
  it.each([
    ['1 + 2 * 3 - 4 / 2', 5],
    ['-2 ** 2', -4],
    ['2 ** 3 ** 2', 512],
    ['(1 + 2) * 3 % 4', 1],
    ['1 < 2 && !(2 < 1) || false', true],
    ['count > 2 ? 1 : 0', 1],
    ['let a = 2; let b = a * a; a + b', 6],
    ['contains(lower(text), "soup") ? clamp(position / 5, 0, 1) : -1', 1],
    ['number(capture(text, "(\\\\d+)\\\\)$")) == asNumber(truth.minutes)', true],
    ['count(captures(text, "[a-z]+"))', 3],
    ['sum(map(items(truth.steps), s => characters(asText(s))))', 2],
    ['count(words(text), w => w == "egg" || w == "soup")', 2],
    ['iou(map(items(truth.boxes[0]), n => asNumber(n)), [1, 1, 2, 2])', 1 / 7],
    ['distance(numbers("observation.position"), [0, 0])', 5],
    ['env("score") * 2', 3],
    ['or(number("x"), 4)', 4],
    ['or(1 / 0, 9)', 9],
    ['fails(parse(text)) ? 0 : 1', 0],
    ['numbers("observation.position")[-1]', 4],
    ['jaccard(["a", "b"], ["b", "c"])', 1 / 3],
    ['f1("the cat sat", "the cat on the mat")', 0.5],
    ['max(1, 5, count)', 5],
    ["'it\\'s' + \"\\u{41}\" == \"it's\" + 'A'", true],
    ['same(parse("{\\"b\\":1,\\"a\\":2}"), parse("{\\"a\\":2,\\"b\\":1}"))', true],
    ['mean([1, 2, 6]) // a comment', 3],
  ])('%s is %s', (source, expected) => {
    if (typeof expected === 'number') expect(run(source)).toBeCloseTo(expected, 12);
    else expect(run(source)).toBe(expected);
  });

  it.each([
    ['1 +', 'expected a value, got the end (line 1, column 4)'],
    ['txet', 'did you mean text?'],
    ['lenght(text)', 'expected a function'],
    ['truth.a + 1', 'expected number, got json: use asNumber(...) (line 1, column 6)'],
    ['1 ? 2 : 3', 'expected boolean, got number'],
    ['map(words(text), 1)', 'expected a function: name => value'],
    ['x => 1', 'a function stands only as an argument'],
    ['[1, "a"]', 'expected number, got text'],
    ['matches(text, prompt)', 'expected a regular expression in quotes'],
    ['matches(text, "(a)\\\\1")', 'needs backtracking'],
    ['env(text)', 'expected one text in quotes'],
    ['numbers("weather")', 'expected observation.<tensor>'],
    ['sum(items(truth))', 'expected number, got json'],
    ['while (true) {}', 'expected'],
    ['text.constructor', 'expected json, got text'],
    [`${'('.repeat(500)}1${')'.repeat(500)}`, 'levels of nesting'],
    ['count\n  + "a"', '(line 2, column 5)'],
  ])('refuses number %#', (source, fault) => {
    expect(faultOf(source)).toContain(fault);
  });

  it('fails by name, and never gives another number instead', () => {
    expect(codeOf('number(text)')).toBe('LAUREL_PROGRAM_FAILED');
    expect(codeOf('asNumber(truth.nothing)')).toBe('LAUREL_PROGRAM_FAILED');
    expect(codeOf('asNumber(truth.constructor)')).toBe('LAUREL_PROGRAM_FAILED');
    expect(codeOf('env("gold")')).toBe('LAUREL_REWARD_INPUT_MISSING');
    expect(codeOf('mean(filter([1], x => x > 1))')).toBe('LAUREL_PROGRAM_FAILED');
    expect(codeOf('[1, 2][2]')).toBe('LAUREL_PROGRAM_FAILED');
  });

  it('ends within its bounds: nested maps, texts that double', () => {
    const nested = 'let a = split("x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x", ","); count(map(a, p => count(map(a, q => count(map(a, r => count(map(a, s => 1))))))))';
    expect(codeOf(nested)).toBe('LAUREL_PROGRAM_FUEL');
    const doubling = `let t0 = "xxxxxxxxxxxxxxxx"; ${Array.from({ length: 40 }, (_, index) => `let t${index + 1} = t${index} + t${index};`).join(' ')} characters(t40)`;
    expect(codeOf(doubling)).toBe('LAUREL_PROGRAM_MEMORY');
    expect(codeOf(`or((${nested}), 1)`)).toBe('LAUREL_PROGRAM_FUEL');
  });

  it('has an implementation for each function that it has a type for, and no other', () => {
    const built = Object.keys(IMPLEMENTATIONS);
    expect([...built, 'or', 'fails'].sort()).toEqual(Object.keys(FUNCTIONS).sort());
  });

  it('whatever text comes: it is read, or refused with a place; it never breaks', () => {
    const pieces = fc.constantFrom('text', 'count', 'truth', '.a', '[0]', '(', ')', '+', '"x"', '1', ' ', 'map', ',', 'x', '=>', '?', ':', 'let', '=', ';', '!', '==', 'words(text)', '\\', '\n');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const source = parts.join('');
        const fault = source === '' ? 'x (line 1, column 1)' : faultOf(source);
        expect(fault === '' || /\(line \d+, column \d+\)$/.test(fault)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
