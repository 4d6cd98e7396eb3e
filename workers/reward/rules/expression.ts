/** Rule `expression`: a program in the typed expression language. */
import { LaurelError } from '../../../proto/errors.js';
import { showType } from '../../../proto/expression/types.js';
import type { ExpressionRule } from '../../../proto/reward-programs.js';
import { compileExpression, type Scope } from '../programs/expression.js';
import { ProgramFault } from '../programs/fault.js';
import { eachUnit, type CompiledRule } from './rule.js';
import type { UnitView } from './unit-view.js';

const TEXTS = ['text', 'prompt', 'reference', 'truth'];

/** @throws LaurelError LAUREL_PROGRAM_INVALID */
export function expressionRule(spec: ExpressionRule): CompiledRule {
  const program = compileExpression(spec.expression);
  if (program.type !== 'number' && program.type !== 'boolean') {
    throw new LaurelError('LAUREL_PROGRAM_INVALID', `expected an expression that gives a number or a boolean, got ${showType(program.type)}`);
  }
  const textsOnly = program.numbers.length === 0 && program.reads.every((name) => TEXTS.includes(name)) && !spec.expression.includes('env');
  return eachUnit({ textsOnly, withoutText: !program.reads.includes('text'), numbers: program.numbers, onError: spec.onError }, (unit) => {
    try {
      const value = Number(program.evaluate(unitScope(unit)));
      return Number.isFinite(value) ? value : { code: 'LAUREL_PROGRAM_FAILED', message: `expected a finite number, got ${value}` };
    } catch (error) {
      if (error instanceof ProgramFault) return { code: error.code, message: error.message };
      // A JSON of great depth.
      if (error instanceof RangeError) return { code: 'LAUREL_PROGRAM_STACK', message: error.message };
      throw error;
    }
  });
}

export function unitScope(unit: UnitView): Scope {
  return {
    value: (name) => {
      if (name === 'text') return unit.text;
      if (name === 'truth') return unit.truth;
      if (name === 'count') return unit.count;
      if (name === 'position') return unit.position;
      return unit.string(name);
    },
    env: (name) => unit.env(name),
    numbers: (name) => unit.numbers(name),
  };
}
