import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ltlMachine } from '../../../proto/ltl/machine.js';
import { parseLtl } from '../../../proto/ltl/parse.js';
import { resolveJob } from '../../../proto/resolve.js';
import { sourceSchema } from '../../../proto/reward-sources.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { compileSource } from '../../../workers/reward/sources/registry.js';
import { steps, type Step } from './level.js';

const columnOf = (objective: unknown, rows: readonly Step[]): RewardColumn => compileSource('spec', sourceSchema.parse({ kind: 'spec', objective })).evaluate(steps(rows), {}) as RewardColumn;
const near = (values: Float32Array, expected: readonly number[]): void => expected.forEach((value, index) => expect(values[index]).toBeCloseTo(value, 5));

/** Formulas as trees, and what they mean, from the definition: an evaluator that knows nothing of machines. */
type Tree = string | readonly ['!' | 'X' | 'N' | 'F' | 'G', Tree] | readonly ['&' | '|' | '->' | 'U' | 'R', Tree, Tree];
const write = (tree: Tree): string => (typeof tree === 'string' ? tree : tree.length === 2 ? `${tree[0]} (${write(tree[1])})` : `((${write(tree[1])}) ${tree[0]} (${write(tree[2])}))`);
function holds(tree: Tree, trace: readonly ReadonlySet<string>[], at = 0): boolean {
  if (typeof tree === 'string') return tree === 'true' || (tree !== 'false' && (trace[at] as ReadonlySet<string>).has(tree));
  const places = trace.map((_, place) => place).filter((place) => place >= at);
  const [operator, left, right] = tree as readonly [string, Tree, Tree];
  switch (operator) {
    case '!':
      return !holds(left, trace, at);
    case '&':
      return holds(left, trace, at) && holds(right, trace, at);
    case '|':
      return holds(left, trace, at) || holds(right, trace, at);
    case '->':
      return !holds(left, trace, at) || holds(right, trace, at);
    case 'X':
      return at + 1 < trace.length && holds(left, trace, at + 1);
    case 'N':
      return at + 1 >= trace.length || holds(left, trace, at + 1);
    case 'F':
      return places.some((place) => holds(left, trace, place));
    case 'G':
      return places.every((place) => holds(left, trace, place));
    case 'U':
      return places.some((place) => holds(right, trace, place) && places.filter((one) => one < place).every((one) => holds(left, trace, one)));
    default:
      return places.every((place) => holds(right, trace, place) || places.some((one) => one < place && holds(left, trace, one)));
  }
}

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<Tree>('a', 'b', 'true', 'false'),
    fc.tuple(fc.constantFrom('!' as const, 'X' as const, 'N' as const, 'F' as const, 'G' as const), tie('tree')),
    fc.tuple(fc.constantFrom('&' as const, '|' as const, '->' as const, 'U' as const, 'R' as const), tie('tree'), tie('tree')),
  ),
}));
const trace = fc.array(fc.subarray(['a', 'b']).map((names) => new Set(names)), { minLength: 1, maxLength: 6 });

describe('formulas over finite traces', () => {
  it('the machine accepts exactly the traces that satisfy the formula, and what it calls settled stays so', () => {
    let compared = 0;
    fc.assert(
      fc.property(tree, fc.array(trace, { minLength: 4, maxLength: 4 }), (formula, traces) => {
        let machine;
        try {
          machine = ltlMachine(parseLtl(write(formula), ['a', 'b']), ['a', 'b']);
        } catch (error) {
          // Of many states: refused, and not answered wrongly.
          expect((error as Error).message).toMatch(/at most \d+ states/);
          return;
        }
        for (const one of traces) {
          let state = 0;
          let outcome: string | null = null;
          for (let length = 1; length <= one.length; length++) {
            const letter = one[length - 1] as ReadonlySet<string>;
            state = machine.next[state]?.[(letter.has('a') ? 1 : 0) + (letter.has('b') ? 2 : 0)] as number;
            const expected = holds(formula, one.slice(0, length));
            expect(machine.accepting[state]).toBe(expected);
            outcome ??= machine.settled[state] ?? null;
            if (outcome !== null) expect(outcome === 'satisfied').toBe(expected);
            compared += 1;
          }
        }
      }),
      { numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(2_000);
  });

  const OBJECTIVE = { kind: 'ltl', propositions: { key: 'contains(text, "key")', door: 'contains(text, "door")' }, satisfied: 1, violated: -1 };
  const MESSAGES = (...texts: (string | null)[]): Step[] => texts.map((text, index) => ({ text, done: index === texts.length - 1 }));

  it('pays once, when the outcome is settled or at the end', () => {
    near(columnOf({ ...OBJECTIVE, formula: 'F (key & X F door)' }, MESSAGES('door', 'a key', null, 'the door', 'more')).value, [0, 0, 0, 1, 0]);
    near(columnOf({ ...OBJECTIVE, formula: '!door U key' }, MESSAGES('x', 'door', 'key')).value, [0, -1, 0]);
    near(columnOf({ ...OBJECTIVE, formula: 'G !door' }, MESSAGES('x', 'key', 'x')).value, [0, 0, 1]);
    near(columnOf({ ...OBJECTIVE, formula: 'F key' }, MESSAGES('x', 'x')).value, [0, -1]);
    near(columnOf({ ...OBJECTIVE, formula: 'key | !key' }, MESSAGES('x', 'x')).value, [1, 0]);
    // The running episode has not ended: nothing is paid for its end.
    near(columnOf({ ...OBJECTIVE, formula: 'F key' }, [{ text: 'x' }, { text: 'x' }]).value, [0, 0]);
  });

  it.each([
    ['G F key', 'it speaks of runs without end'],
    ['F G key', 'it speaks of runs without end'],
    ['F window', 'expected one of the propositions key, door'],
    ['F (key', 'expected ), got the end (line 1, column 7)'],
  ])('%s is refused: %s', (formula, message) => {
    expect(() => job({ ...OBJECTIVE, formula })).toThrow(message);
  });
});

function job(objective: unknown) {
  return resolveJob({ name: 's', environment: { kind: 'grid-world' }, sources: { s: { kind: 'spec', objective } }, combine: { op: 'linear', weights: { s: 1 } }, stop: { versions: 1 } });
}

describe('reward machines', () => {
  const MACHINE = {
    kind: 'machine',
    propositions: { a: 'contains(text, "A")', b: 'contains(text, "B")' },
    initial: 'start',
    states: { start: [{ when: 'a', to: 'half', reward: 0.25 }], half: [{ when: 'b && !a', to: 'end', reward: 1 }, { when: 'b', to: 'start', reward: -1 }], end: [] },
  };

  it('goes from state to state, from the beginning of each episode', () => {
    const rows: Step[] = [
      { text: 'B' }, { text: 'A' }, { text: 'x' }, { text: 'AB' }, { text: 'A' }, { text: 'B', done: true },
      { text: 'A', episode: 1, position: 0 }, { text: 'B', episode: 1, position: 1, done: true },
    ];
    near(columnOf(MACHINE, rows).value, [0, 0.25, 0, -1, 0.25, 1, 0.25, 1]);
  });

  it('an episode whose beginning is not there is unknown, and so is what comes after a step that nothing is known of', () => {
    const late = columnOf(MACHINE, [{ text: 'A', position: 3 }, { text: 'B', position: 4, done: true }, { text: 'A', episode: 1, position: 0 }]);
    expect([...late.mask]).toEqual([0, 0, 1]);
    expect([...late.status]).toEqual([REWARD_STATUS.error, REWARD_STATUS.error, REWARD_STATUS.final]);
    const broken = columnOf({ ...MACHINE, propositions: { a: 'number(text) > 1', b: 'true' } }, [{ text: '2' }, { text: 'none' }, { text: '3', done: true }]);
    expect([...broken.mask]).toEqual([1, 0, 0]);
  });

  it.each([
    [{ ...MACHINE, initial: 'nowhere' }, 'sources.s.objective.initial'],
    [{ ...MACHINE, states: { start: [{ when: 'c', to: 'start' }] } }, 'sources.s.objective.states.start.0.when'],
    [{ ...MACHINE, states: { start: [{ when: 'a', to: 'nowhere' }] } }, 'sources.s.objective.states.start.0.to'],
    [{ ...MACHINE, propositions: { a: 'count', b: 'true' } }, 'sources.s.objective.propositions.a: expected a boolean, got number'],
  ])('refuses number %#', (objective, message) => {
    expect(() => job(objective)).toThrow(message);
  });
});

describe('functions of an episode, by hand', () => {
  const rows = (...numbers: number[]): Step[] => numbers.map((number, index) => ({ env: [number], text: null, done: index === numbers.length - 1 }));
  const OF = { of: 'env("score")' };

  it('Sharpe: mean over deviation of the population, at the last step', () => {
    // Mean 2, deviation sqrt((1 + 1) / 2) = 1; less 0.5: 1.5; times the root of 4.
    near(columnOf({ kind: 'sharpe', ...OF, riskFree: 0.5, periods: 4 }, rows(1, 3)).value, [0, 3]);
    const same = columnOf({ kind: 'sharpe', ...OF }, rows(0.1, 0.1, 0.1));
    expect([...same.mask]).toEqual([1, 1, 0]);
  });

  it('differential Sharpe: the derivative of the moving ratio', () => {
    // A = .5, B = .5 after 1 with eta = .5; then for 2: (.5 * 1.5 - .5 * .5 * 3.5) / (.5 - .25) ^ 1.5 = -.125 / .125.
    near(columnOf({ kind: 'differential-sharpe', ...OF, rate: 0.5 }, rows(1, 2)).value, [0, -1]);
    // And against its definition: the change of A / sqrt(B - A^2) by eta, for a small eta.
    const numbers = Array.from({ length: 40 }, (_, index) => Math.sin(index * 1.7) + 0.3);
    const eta = 1e-4;
    let [a, b] = [0, 0];
    const values = columnOf({ kind: 'differential-sharpe', ...OF, rate: eta }, rows(...numbers)).value;
    numbers.forEach((number, index) => {
      const number32 = Math.fround(number);
      const ratio = (x: number, y: number): number => x / Math.sqrt(y - x * x);
      const [dA, dB] = [number32 - a, number32 ** 2 - b];
      if (index > 5) expect(values[index]).toBeCloseTo((ratio(a + 1e-7 * dA, b + 1e-7 * dB) - ratio(a - 1e-7 * dA, b - 1e-7 * dB)) / 2e-7, 2);
      [a, b] = [a + eta * dA, b + eta * dB];
    });
  });

  it('any expression over the moments, and the limit average', () => {
    near(columnOf({ kind: 'functional', ...OF, value: 'sqrt(sum) + greatest - least + deviation * 0 + steps * 10 + first' }, rows(4, 2, 3)).value, [0, 0, 3 + 2 + 30 + 4]);
    near(columnOf({ kind: 'average-gain', ...OF }, rows(4, 2, 3)).value, [4, -2, 0]);
    expect(() => job({ kind: 'functional', of: 'env("score")', value: 'median' })).toThrow('sources.s.objective.value');
    expect(() => job({ kind: 'functional', of: 'text', value: 'sum' })).toThrow('sources.s.objective.of: expected a number, got text');
  });
});
