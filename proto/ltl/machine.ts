/**
 * A formula as a finite machine: a state is what must hold of the rest of the trace. Formulas progress through one step at a
 * time (Bacchus and Kabanza 1998); `some` and `none` say that there is, or is not, a further step, so that next differs from
 * weak next at the end.
 */
import { ExpressionFault } from '../expression/types.js';
import { FALSE, TRUE, type Formula } from './parse.js';

/** States of a machine, and propositions of a formula, at most. */
export const STATES_MAX = 256;
export const PROPOSITIONS_MAX = 8;

/** Characters of what must hold of the rest, written out: what grows beyond has too many states anyhow. */
const REST_MAX = 1_000;

type Rest = Formula | { readonly kind: 'some' | 'none' } | { readonly kind: 'and' | 'or'; readonly of: readonly Rest[] };

export interface LtlMachine {
  /** In the order of their bits in a valuation: bit i is set where proposition i holds. */
  readonly propositions: readonly string[];
  /** `next[state][valuation]`; state 0 is the first. */
  readonly next: readonly (readonly number[])[];
  /** Whether the trace satisfies the formula if it ends in this state. */
  readonly accepting: readonly boolean[];
  /** What can no longer change, whatever comes. */
  readonly settled: readonly ('satisfied' | 'violated' | null)[];
}

/** @throws ExpressionFault where the machine has too many states */
export function ltlMachine(formula: Formula, propositions: readonly string[]): LtlMachine {
  const states: Rest[] = [simple(formula)];
  const numbers = new Map([[keyOf(states[0] as Rest), 0]]);
  const next: number[][] = [];
  for (let state = 0; state < states.length; state++) {
    const row: number[] = [];
    for (let valuation = 0; valuation < 1 << propositions.length; valuation++) {
      const rest = progress(states[state] as Rest, (name) => ((valuation >> propositions.indexOf(name)) & 1) === 1);
      const key = keyOf(rest);
      if (key.length > REST_MAX) throw new ExpressionFault('expected a formula that stays small from step to step (machine of at most 256 states), it grows', 0);
      let number = numbers.get(key);
      if (number === undefined) {
        number = states.length;
        if (number >= STATES_MAX) throw new ExpressionFault(`expected a formula whose machine has at most ${STATES_MAX} states, it has more`, 0);
        states.push(rest);
        numbers.set(key, number);
      }
      row.push(number);
    }
    next.push(row);
  }
  const accepting = states.map(atEnd);
  const reaches = (wanted: boolean) => reaching(next, accepting.map((accepts) => accepts === wanted));
  const [toAccepting, toRejecting] = [reaches(true), reaches(false)];
  return { propositions, next, accepting, settled: states.map((_, state) => (!toRejecting[state] ? 'satisfied' : !toAccepting[state] ? 'violated' : null)) };
}

/** States from which one of the marked can be reached, in no or more steps. */
function reaching(next: readonly (readonly number[])[], marked: readonly boolean[]): boolean[] {
  const found = [...marked];
  for (let changed = true; changed; ) {
    changed = false;
    next.forEach((row, state) => {
      if (found[state] !== true && row.some((to) => found[to])) {
        found[state] = true;
        changed = true;
      }
    });
  }
  return found;
}

function progress(rest: Rest, holds: (name: string) => boolean): Rest {
  switch (rest.kind) {
    case 'true':
    case 'false':
      return rest;
    case 'some':
      return TRUE;
    case 'none':
      return FALSE;
    case 'proposition':
      return holds(rest.name) !== rest.negated ? TRUE : FALSE;
    case 'and':
    case 'or':
      return joined(rest.kind, rest.of.map((one) => progress(one, holds)));
    case 'next':
      return joined('and', [rest.of, { kind: 'some' }]);
    case 'weak-next':
      return joined('or', [rest.of, { kind: 'none' }]);
    case 'until':
      return joined('or', [progress(rest.right, holds), joined('and', [progress(rest.left, holds), rest, { kind: 'some' }])]);
    case 'release':
      return joined('and', [progress(rest.right, holds), joined('or', [progress(rest.left, holds), rest, { kind: 'none' }])]);
    default: {
      const never: never = rest;
      throw new TypeError(`unknown formula ${JSON.stringify(never)}`);
    }
  }
}

/** Whether nothing more is needed. A rest that looks at a further step stands beside `some`, or beside `none`, which decide. */
function atEnd(rest: Rest): boolean {
  switch (rest.kind) {
    case 'true':
    case 'none':
      return true;
    case 'and':
      return rest.of.every(atEnd);
    case 'or':
      return rest.of.some(atEnd);
    default:
      return false;
  }
}

function simple(rest: Rest): Rest {
  return rest.kind === 'and' || rest.kind === 'or' ? joined(rest.kind, rest.of.map(simple)) : rest;
}

/** Flat, in order, each part once; what follows from another part is left out. */
function joined(kind: 'and' | 'or', of: readonly Rest[]): Rest {
  const [neutral, deciding] = kind === 'and' ? (['true', 'false'] as const) : (['false', 'true'] as const);
  const parts = new Map<string, Rest>();
  for (const one of of.flatMap((inner) => (inner.kind === kind ? inner.of : [inner]))) {
    if (one.kind === deciding) return one;
    if (one.kind !== neutral) parts.set(keyOf(one), one);
  }
  if (parts.has('some') && parts.has('none')) return { kind: deciding };
  // a & (a | b) is a, and the same with & and | exchanged.
  const other = kind === 'and' ? 'or' : 'and';
  const kept = [...parts].filter(([, part]) => !(part.kind === other && part.of.some((inner) => parts.has(keyOf(inner)))));
  if (kept.length === 0) return { kind: neutral };
  if (kept.length === 1) return (kept[0] as [string, Rest])[1];
  return { kind, of: kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part) };
}

const keys = new WeakMap<object, string>();

function keyOf(rest: Rest): string {
  let key = keys.get(rest);
  if (key === undefined) keys.set(rest, (key = made(rest)));
  return key;
}

function made(rest: Rest): string {
  switch (rest.kind) {
    case 'proposition':
      return `${rest.negated ? '!' : ''}${rest.name}`;
    case 'and':
    case 'or':
      return `(${rest.of.map(keyOf).join(rest.kind === 'and' ? '&' : '|')})`;
    case 'next':
    case 'weak-next':
      return `${rest.kind === 'next' ? 'X' : 'N'}(${keyOf(rest.of)})`;
    case 'until':
    case 'release':
      return `(${keyOf(rest.left)} ${rest.kind === 'until' ? 'U' : 'R'} ${keyOf(rest.right)})`;
    default:
      return rest.kind;
  }
}
