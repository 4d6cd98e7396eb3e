/** Reward machines, given or compiled from a formula: what they pay for the steps of one episode. */
import type { Type } from '../../../proto/expression/types.js';
import { ltlMachine } from '../../../proto/ltl/machine.js';
import { parseLtl } from '../../../proto/ltl/parse.js';
import type { ObjectiveOf } from '../../../proto/reward-specifications.js';
import { compileExpression, type Scope } from '../programs/expression.js';

/** Propositions that hold in a step. */
export type Facts = Readonly<Record<string, boolean>>;

export interface RewardMachine {
  readonly initial: number;
  /** Each state is below it, and at least BEFORE (-1). */
  readonly states: number;
  step(state: number, facts: Facts): { readonly state: number; readonly reward: number };
  /** Paid on top in the last step of an episode, for the state after it. */
  end(state: number): number;
}

export function givenMachine({ initial, states }: Pick<ObjectiveOf<'machine'>, 'initial' | 'states'>, propositions: readonly string[]): RewardMachine {
  const names = Object.keys(states);
  const booleans = Object.fromEntries(propositions.map((name): [string, Type] => [name, 'boolean']));
  const ways = names.map((name) => (states[name] ?? []).map(({ when, to, reward }) => ({ when: compileExpression(when, booleans), to: names.indexOf(to), reward })));
  return {
    initial: names.indexOf(initial),
    states: names.length,
    step(state, facts) {
      const scope: Scope = { value: (name) => facts[name], env: () => undefined, numbers: () => undefined };
      const way = (ways[state] ?? []).find(({ when }) => when.evaluate(scope) === true);
      return way ? { state: way.to, reward: way.reward } : { state, reward: 0 };
    },
    end: () => 0,
  };
}

/** Pays once: when the outcome can no longer change, or at the end. */
export function formulaMachine({ formula, satisfied, violated }: Pick<ObjectiveOf<'ltl'>, 'formula' | 'satisfied' | 'violated'>, propositions: readonly string[]): RewardMachine {
  const { next, accepting, settled } = ltlMachine(parseLtl(formula, propositions), propositions);
  const worth = { satisfied, violated };
  return {
    initial: BEFORE,
    states: next.length,
    step(state, facts) {
      const valuation = propositions.reduce((bits, name, index) => bits | (facts[name] === true ? 1 << index : 0), 0);
      const to = next[Math.max(0, state)]?.[valuation] as number;
      const outcome = settled[to] ?? null;
      return { state: to, reward: outcome !== null && (state === BEFORE || settled[state] === null) ? worth[outcome] : 0 };
    },
    end: (state) => (settled[state] === null ? worth[accepting[state] ? 'satisfied' : 'violated'] : 0),
  };
}

/** Before the first step: what is settled from the start is paid in that step. */
const BEFORE = -1;
