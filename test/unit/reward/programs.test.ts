/** Programs of users that do what they should not: each ends with its own code, and the next unit is judged as if nothing had been. */
import { afterAll, describe, expect, it } from 'vitest';
import { OPERATIONS_PER_TICK } from '../../../proto/reward-programs.js';
import { sourceSchema, type SourceSpec } from '../../../proto/reward-sources.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { Isolate, type Outcome } from '../../../workers/reward/programs/isolate.js';
import { IsolateClient, sharedIsolate } from '../../../workers/reward/programs/isolate-client.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { compileSource } from '../../../workers/reward/sources/registry.js';
import type { UnitLevel } from '../../../workers/reward/units.js';
import { completions, steps } from './level.js';

const LIMITS = { operationsMax: 1_000_000, memoryBytes: 4_194_304, stackBytes: 131_072 };
const isolate = new Isolate();
const run = (body: string, unit: unknown = { text: 'abc', truth: { n: 2 } }): Promise<Outcome> => isolate.run(`function reward(unit) { ${body} }`, JSON.stringify(unit), null, LIMITS);
const codeOf = (outcome: Outcome): string => (outcome !== null && 'code' in outcome ? outcome.code : JSON.stringify(outcome));

afterAll(() => sharedIsolate().close());

describe('a program in its isolate', () => {
  it.each([
    ['an endless loop', 'while (true) {}', 'LAUREL_PROGRAM_FUEL'],
    ['a loop that catches everything', 'for (;;) { try { for (;;) {} } catch {} }', 'LAUREL_PROGRAM_FUEL'],
    ['a generator without end', 'function* g() { while (true) yield 1; } let n = 0; for (const x of g()) n += x; return n', 'LAUREL_PROGRAM_FUEL'],
    ['a pattern that backtracks', "return /^(a+)+$/.test('a'.repeat(40) + 'b') ? 1 : 0", 'LAUREL_PROGRAM_FUEL'],
    ['an error whose text never comes', "throw { name: 'x', get message() { for (;;) {} } }", 'LAUREL_PROGRAM_FUEL'],
    ['a list that grows', 'const a = []; while (true) a.push({ x: 1 })', 'LAUREL_PROGRAM_MEMORY'],
    ['a text that doubles', "let s = 'x'; while (true) s += s", 'LAUREL_PROGRAM_MEMORY'],
    ['a text of a gigabyte', "return 'x'.repeat(1e9).length", 'LAUREL_PROGRAM_MEMORY'],
    ['lists in lists', 'let a = []; while (true) a = [a, a]', 'LAUREL_PROGRAM_MEMORY'],
    ['a buffer of a gigabyte', 'return new Uint8Array(1e9).length', 'LAUREL_PROGRAM_MEMORY'],
    ['a recursion without end', 'const f = () => f() + 1; return f()', 'LAUREL_PROGRAM_STACK'],
    ['JSON that is nested too deeply', "return JSON.parse('['.repeat(100000)).length", 'LAUREL_PROGRAM_STACK'],
    ['an import', "import('fs'); return 1", 'LAUREL_PROGRAM_REFUSED'],
    ['an import that is waited for', "return import('node:net')", 'LAUREL_PROGRAM_REFUSED'],
    ['the network', "return fetch('http://127.0.0.1').status", 'LAUREL_PROGRAM_REFUSED'],
    ['a socket', "return new WebSocket('ws://127.0.0.1') ? 1 : 0", 'LAUREL_PROGRAM_REFUSED'],
    ['a file', "return require('fs').readFileSync('/etc/passwd').length", 'LAUREL_PROGRAM_REFUSED'],
    ['the process', 'return process.pid', 'LAUREL_PROGRAM_REFUSED'],
    ['the clock', 'return Date.now()', 'LAUREL_PROGRAM_REFUSED'],
    ['chance', 'return Math.random()', 'LAUREL_PROGRAM_REFUSED'],
    ['eval', "return eval('1')", 'LAUREL_PROGRAM_REFUSED'],
    ['code from text', "return new Function('return 1')()", 'LAUREL_PROGRAM_REFUSED'],
    ['code from text by a prototype', "return [].map.constructor('return this')().x", 'LAUREL_PROGRAM_REFUSED'],
    ['code from text by an asynchronous function', "return (async () => 1).constructor('return 1')()", 'LAUREL_PROGRAM_REFUSED'],
    ['a number that is none', 'return NaN', 'LAUREL_PROGRAM_FAILED'],
    ['a text', "return '1'", 'LAUREL_PROGRAM_FAILED'],
    ['nothing', '', 'LAUREL_PROGRAM_FAILED'],
    ['a promise', 'return Promise.resolve(1)', 'LAUREL_PROGRAM_FAILED'],
    ['an object that answers with a loop', 'return { get length() { for (;;) {} }, valueOf() { for (;;) {} } }', 'LAUREL_PROGRAM_FAILED'],
    ['an error of its own', "throw new Error('no')", 'LAUREL_PROGRAM_FAILED'],
    ['a list of four thousand million elements as an error', 'throw new Array(4e9)', 'LAUREL_PROGRAM_FAILED'],
    ['a search in a list without end', 'return Array.prototype.indexOf.call({ length: 1e15 }, 5)', 'LAUREL_PROGRAM_FAILED'],
    ['null, which is unknown by choice', 'return null', 'null'],
  ])('%s', async (_, body, expected) => {
    expect(codeOf(await run(body))).toBe(expected);
    // What comes after it is not touched.
    expect(await run('return unit.text.length + unit.truth.n')).toEqual([5]);
  });

  it('changed prototypes and globals reach neither its own number nor the next unit', async () => {
    const trick = `
      globalThis.seen = (globalThis.seen ?? 0) + 1;
      for (const kind of [Object, Array, Number, String, Function.prototype.constructor]) if (kind.prototype) { kind.prototype.toJSON = () => 9; kind.prototype.valueOf = () => 9; kind.prototype.x = 9; }
      JSON.parse = () => 9; Array.prototype.push = () => 9; Number.isFinite = () => true;
      unit.__proto__.polluted = 9; Object.prototype.code = 'LAUREL_JOB_INVALID';
      return globalThis.seen + ('before' in {} ? 100 : 0)`;
    expect(await run(`Object.prototype.before = 1; ${trick}`)).toEqual([101]);
    expect(await run(trick)).toEqual([1]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['code']).toBeUndefined();
  });

  it('fuel is counted and not timed: the same program ends at the same operation each time', async () => {
    const ends = async (ticks: number): Promise<boolean> => {
      const limits = { ...LIMITS, operationsMax: ticks * OPERATIONS_PER_TICK };
      return codeOf(await isolate.run('function reward() { let n = 0; for (let i = 0; i < 300000; i++) n += i; return n }', '{}', null, limits)) !== 'LAUREL_PROGRAM_FUEL';
    };
    const least: number[] = [];
    for (let round = 0; round < 3; round++) {
      let [low, high] = [0, 200];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (await ends(middle)) high = middle;
        else low = middle;
      }
      least.push(high);
      await run('while (true) {}');
    }
    // At least one jump for each turn of the loop.
    expect(least[0]).toBeGreaterThanOrEqual(30);
    expect(least).toEqual([least[0], least[0], least[0]]);
  });

  it('says where: syntax with line and column, and the place of an error', async () => {
    const syntax = await isolate.run('function reward(unit) {\n  return unit.;\n}', '{}', null, LIMITS);
    expect(syntax).toMatchObject({ code: 'LAUREL_PROGRAM_INVALID', message: expect.stringContaining('line 2') as string });
    const thrown = await isolate.run('function reward(unit) {\n  return unit.a.b;\n}', '{}', null, LIMITS);
    expect(thrown).toMatchObject({ code: 'LAUREL_PROGRAM_FAILED', message: expect.stringMatching(/TypeError.*line 2/) as string });
  });

  it('a built-in operation that does not come back is ended with its thread, and recorded as nothing', async () => {
    const client = new IsolateClient(300);
    const slow = `function reward(unit) { const t = 'a'.repeat(1500000); let n = 0; for (let i = 0; i < 9000; i++) n += t.indexOf('b'); return n }`;
    await expect(client.run(slow, ['{}'], null, LIMITS)).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_TIME' });
    expect(await client.run('function reward(unit) { return 4 }', ['{}'], null, LIMITS)).toEqual([[4]]);
    await client.close();
  });
});

describe('a source of a program', () => {
  const columnsOf = async (rule: Record<string, unknown>, level: UnitLevel): Promise<RewardColumn[]> => {
    const spec: SourceSpec = sourceSchema.parse({ kind: 'rule', rule: { kind: 'javascript', ...rule } });
    const source = compileSource('program', spec);
    const result = source.evaluate(level, { prepared: await source.prepare?.(level, {}, {}) });
    return Array.isArray(result) ? (result as RewardColumn[]) : [result as RewardColumn];
  };

  it('masks what fails, with status error and without a value, and goes on', async () => {
    const program = "function reward(unit) { if (unit.text === 'loop') for (;;) {} if (unit.text === 'bomb') 'x'.repeat(1e9); if (unit.text === 'pass') return null; return unit.text.length }";
    const [column] = (await columnsOf({ program }, completions(['ab', 'loop', 'bomb', 'pass', 'abcd', 'loop'].map((text) => ({ text }))))) as [RewardColumn];
    expect([...column.value]).toEqual([2, 0, 0, 0, 4, 0]);
    expect([...column.mask]).toEqual([1, 0, 0, 0, 1, 0]);
    const { final, error } = REWARD_STATUS;
    expect([...column.status]).toEqual([final, error, error, final, final, error]);
  });

  it('parks by the choice of the job, with the code of the fault', async () => {
    await expect(columnsOf({ program: 'function reward() { for (;;) {} }', onError: 'park' }, completions([{ text: 'a' }]))).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_FUEL' });
    await expect(columnsOf({ program: 'function reward( {' }, completions([{ text: 'a' }]))).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_INVALID' });
  });

  it('sees rewards, counts and the numbers it asks for, and may give a vector', async () => {
    const level = steps([{ env: [2], observation: [3, 4], text: 'é', count: 2 }, { env: [1], observation: [0, 1], text: null }]);
    const program = 'function reward(unit) { const [x, y] = unit.numbers["observation.position"]; return [Math.hypot(x, y), unit.env.score + unit.count + (unit.text === null ? 10 : unit.text.length)] }';
    const [far, sum] = (await columnsOf({ program, elements: ['far', 'sum'], reads: ['observation.position', 'count', 'env'] }, level)) as [RewardColumn, RewardColumn];
    expect([...far.value]).toEqual([5, 1]);
    expect([...sum.value]).toEqual([5, 11]);
  });

  it('gives a unit the same value alone as among others', async () => {
    const program = 'let calls = 0; function reward(unit) { calls += 1; Array.prototype.n = (Array.prototype.n ?? 0) + 1; return calls * 100 + [].n * 10 + unit.text.length }';
    const texts = ['a', 'bb', 'ccc', 'a'];
    const [together] = (await columnsOf({ program }, completions(texts.map((text) => ({ text }))))) as [RewardColumn];
    for (const [index, text] of texts.entries()) {
      const [alone] = (await columnsOf({ program }, completions([{ text }]))) as [RewardColumn];
      expect(alone.value[0]).toBe(together.value[index]);
    }
  });
});
