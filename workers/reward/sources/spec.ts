/**
 * Source `spec`: objectives over whole episodes. Each episode is gone through from its true beginning, so the value of a step
 * is the same however batches are cut. Where something about a step is not known, the rest of its episode is unknown.
 */
import type { SpecSource } from '../../../proto/reward-sources.js';
import type { ObjectiveSpec } from '../../../proto/reward-specifications.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { compileExpression, type CompiledExpression } from '../programs/expression.js';
import { ProgramFault } from '../programs/fault.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { unitScope } from '../rules/expression.js';
import { UnitView } from '../rules/unit-view.js';
import { averageGain, differentialSharpe, functionalOf, sharpeRatio } from '../specifications/functionals.js';
import { formulaMachine, givenMachine, type RewardMachine } from '../specifications/machine.js';
import type { UnitLevel } from '../units.js';
import type { CompiledSource } from './source.js';

/** What one episode pays: asked for each of its steps in order. @throws ProgramFault */
type Episode = (unit: UnitView, last: boolean) => number;

interface Objective {
  readonly numbers: readonly string[];
  begin(): Episode;
}

export function compileSpecSource(spec: SpecSource): CompiledSource {
  const objective = objectiveOf(spec.objective);
  return {
    masked: true,
    history: 'episode',
    numbers: objective.numbers,
    evaluate(level) {
      const column = knownColumn(level.units);
      for (let unit = 0; unit < level.units; ) unit = oneEpisode(level, unit, objective, column);
      return column;
    },
  };
}

/** @returns the first unit after the episode */
function oneEpisode(level: UnitLevel, first: number, objective: Objective, column: RewardColumn): number {
  const episode = level.episode[first];
  const pays = objective.begin();
  // Rows of before are there by `history`; without them nothing can be said.
  let known = level.position[first] === 0;
  let unit = first;
  for (; unit < level.units && level.episode[unit] === episode; unit++) {
    try {
      const value = known ? pays(new UnitView(level, unit), level.done[unit] === 1) : Number.NaN;
      if (Number.isFinite(value)) {
        column.value[unit] = value;
        continue;
      }
    } catch (error) {
      if (!(error instanceof ProgramFault)) throw error;
    }
    known = false;
    column.value[unit] = 0;
    column.mask[unit] = 0;
    column.confidence[unit] = 0;
    column.status[unit] = REWARD_STATUS.error;
  }
  return unit;
}

function objectiveOf(spec: ObjectiveSpec): Objective {
  switch (spec.kind) {
    case 'machine':
      return machineObjective(spec.propositions, (names) => givenMachine(spec, names));
    case 'ltl':
      return machineObjective(spec.propositions, (names) => formulaMachine(spec, names));
    case 'functional':
      return atEnd(spec.of, functionalOf(spec.value));
    case 'sharpe':
      return atEnd(spec.of, (numbers) => sharpeRatio(numbers, spec.periods, spec.riskFree));
    case 'differential-sharpe':
      return eachStep(spec.of, () => differentialSharpe(spec.rate));
    case 'average-gain':
      return eachStep(spec.of, averageGain);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown objective ${JSON.stringify(never)}`);
    }
  }
}

function machineObjective(propositions: Readonly<Record<string, string>>, make: (names: readonly string[]) => RewardMachine): Objective {
  const tests = Object.entries(propositions).map(([name, source]): [string, CompiledExpression] => [name, compileExpression(source)]);
  const machine = make(tests.map(([name]) => name));
  return {
    numbers: [...new Set(tests.flatMap(([, test]) => test.numbers))],
    begin() {
      let at = machine.initial;
      return (unit, last) => {
        const scope = stepScope(unit);
        const { state, reward } = machine.step(at, Object.fromEntries(tests.map(([name, test]) => [name, test.evaluate(scope) === true])));
        at = state;
        return reward + (last ? machine.end(state) : 0);
      };
    },
  };
}

function eachStep(source: string, begin: () => (number: number) => number): Objective {
  const of = compileExpression(source);
  return {
    numbers: of.numbers,
    begin() {
      const next = begin();
      return (unit) => next(of.evaluate(stepScope(unit)) as number);
    },
  };
}

function atEnd(source: string, value: (numbers: readonly number[]) => number): Objective {
  const of = compileExpression(source);
  return {
    numbers: of.numbers,
    begin() {
      const numbers: number[] = [];
      return (unit, last) => {
        numbers.push(of.evaluate(stepScope(unit)) as number);
        return last ? value(numbers) : 0;
      };
    },
  };
}

/** A step without a message has an empty text: what is asked of it does not hold. */
function stepScope(unit: UnitView) {
  const scope = unitScope(unit);
  return { ...scope, value: (name: string): unknown => (name === 'text' ? (unit.text ?? '') : scope.value(name)) };
}
