/** Evaluation of a checked expression: closures made once, run for each unit within bounds that follow from the unit alone. */
import { checkExpression, expressionFault, UNIT_NAMES, type CheckedExpression } from '../../../proto/expression/check.js';
import { LaurelError } from '../../../proto/errors.js';
import type { Node } from '../../../proto/expression/parse.js';
import type { Type } from '../../../proto/expression/types.js';
import { valueAt } from '../../../proto/readings.js';
import { failed, ProgramFault } from './fault.js';
import { IMPLEMENTATIONS, kindOf } from './functions.js';

/** Steps of one evaluation; a step is a node of the expression. */
const STEPS_MAX = 200_000;
/** Characters of a text, elements of a list. */
const CHARACTERS_MAX = 1_000_000;
const ELEMENTS_MAX = 100_000;

/** What an expression sees: free names, and what is asked by name. */
export interface Scope {
  value(name: string): unknown;
  env(name: string): number | undefined;
  numbers(name: string): readonly number[] | undefined;
}

interface Frame {
  readonly scope: Scope;
  readonly locals: Map<string, unknown>;
  readonly budget: { steps: number };
}
type Closure = (frame: Frame) => unknown;

export interface CompiledExpression extends CheckedExpression {
  /** @throws ProgramFault */
  evaluate(scope: Scope): unknown;
}

/** @throws LaurelError LAUREL_PROGRAM_INVALID */
export function compileExpression(source: string, names: Readonly<Record<string, Type>> = UNIT_NAMES): CompiledExpression {
  let checked: CheckedExpression;
  try {
    checked = checkExpression(source, names);
  } catch (error) {
    throw new LaurelError('LAUREL_PROGRAM_INVALID', `the expression: ${expressionFault(source, error)}`, { expression: source });
  }
  const run = compile(checked.node);
  return { ...checked, evaluate: (scope) => run({ scope, locals: new Map(), budget: { steps: 0 } }) };
}

/** Counts the step and bounds what comes out. */
function compile(node: Node): Closure {
  const run = closureOf(node);
  return (frame) => {
    if (++frame.budget.steps > STEPS_MAX) throw new ProgramFault('LAUREL_PROGRAM_FUEL', `expected an expression that ends within ${STEPS_MAX} steps, it does not`);
    const value = run(frame);
    if (typeof value === 'string' ? value.length > CHARACTERS_MAX : Array.isArray(value) && value.length > ELEMENTS_MAX) {
      throw new ProgramFault('LAUREL_PROGRAM_MEMORY', `expected texts of at most ${CHARACTERS_MAX} characters and lists of at most ${ELEMENTS_MAX} elements, got more`);
    }
    return value;
  };
}

function closureOf(node: Node): Closure {
  switch (node.kind) {
    case 'literal':
      return () => node.value;
    case 'name':
      return ({ locals, scope }) => (locals.has(node.name) ? locals.get(node.name) : there(scope.value(node.name), node.name));
    case 'let': {
      const [value, body] = [compile(node.value), compile(node.body)];
      return (frame) => body({ ...frame, locals: new Map(frame.locals).set(node.name, value(frame)) });
    }
    case 'list': {
      const items = node.items.map(compile);
      return (frame) => items.map((item) => item(frame));
    }
    case 'choice': {
      const [condition, then, otherwise] = [compile(node.condition), compile(node.then), compile(node.otherwise)];
      return (frame) => (condition(frame) === true ? then(frame) : otherwise(frame));
    }
    case 'unary': {
      const operand = compile(node.operand);
      return node.operator === '!' ? (frame) => operand(frame) !== true : (frame) => -(operand(frame) as number);
    }
    case 'binary':
      return binary(node.operator, compile(node.left), compile(node.right));
    case 'member': {
      const of = compile(node.of);
      return (frame) => {
        const value = of(frame);
        const found = valueAt(value, [node.key]);
        if (found === undefined) throw failed(`expected the key ${node.key}, got ${kindOf(value)} without it`);
        return found;
      };
    }
    case 'index': {
      const [of, index] = [compile(node.of), compile(node.index)];
      return (frame) => {
        const value = of(frame);
        const place = index(frame) as number;
        const found = Array.isArray(value) ? (value as unknown[]).at(place) : undefined;
        if (found === undefined || !Number.isInteger(place)) throw failed(`expected an element ${place}, got ${Array.isArray(value) ? `${value.length} elements` : kindOf(value)}`);
        return found;
      };
    }
    case 'call':
      return call(node);
    case 'function':
      throw new TypeError('a function outside of a call passed the check');
    default: {
      const never: never = node;
      throw new TypeError(`unknown node ${JSON.stringify(never)}`);
    }
  }
}

function call(node: Extract<Node, { kind: 'call' }>): Closure {
  const { name } = node;
  if (name === 'env' || name === 'numbers') {
    const of = (node.items[0] as Extract<Node, { kind: 'literal' }>).value as string;
    return name === 'env' ? ({ scope }) => there(scope.env(of), `env("${of}")`) : ({ scope }) => there(scope.numbers(of), `numbers("${of}")`);
  }
  if (name === 'or' || name === 'fails') {
    const [first, second] = node.items.map(compile) as [Closure, Closure | undefined];
    return (frame) => {
      try {
        const value = first(frame);
        return name === 'fails' ? false : finite(value);
      } catch (error) {
        if (!(error instanceof ProgramFault) || (error.code !== 'LAUREL_PROGRAM_FAILED' && error.code !== 'LAUREL_REWARD_INPUT_MISSING')) throw error;
        return name === 'fails' ? true : second?.(frame);
      }
    };
  }
  const items = node.items.map((item) => (item.kind === 'function' ? lambda(item) : compile(item)));
  const implementation = IMPLEMENTATIONS[name] as (...values: unknown[]) => unknown;
  return (frame) => {
    const values = items.map((item) => item(frame));
    // What a function does with a long text or list counts as so many more steps.
    for (const value of values) frame.budget.steps += typeof value === 'string' ? value.length >> 6 : Array.isArray(value) ? value.length >> 4 : 0;
    return implementation(...values);
  };
}

function lambda(node: Extract<Node, { kind: 'function' }>): Closure {
  const body = compile(node.body);
  return (frame) => {
    const locals = new Map(frame.locals);
    const inner = { ...frame, locals };
    return (value: unknown) => {
      locals.set(node.parameter, value);
      return body(inner);
    };
  };
}

function binary(operator: string, left: Closure, right: Closure): Closure {
  const numbers = (of: (a: number, b: number) => unknown): Closure => (frame) => of(left(frame) as number, right(frame) as number);
  switch (operator) {
    case '&&':
      return (frame) => left(frame) === true && right(frame) === true;
    case '||':
      return (frame) => left(frame) === true || right(frame) === true;
    case '==':
      return (frame) => equal(left(frame), right(frame));
    case '!=':
      return (frame) => !equal(left(frame), right(frame));
    case '+':
      return numbers((a, b) => a + b);
    case '-':
      return numbers((a, b) => a - b);
    case '*':
      return numbers((a, b) => a * b);
    case '/':
      return numbers((a, b) => a / b);
    case '%':
      return numbers((a, b) => a % b);
    case '**':
      return numbers((a, b) => a ** b);
    case '<':
      return numbers((a, b) => a < b);
    case '>':
      return numbers((a, b) => a > b);
    case '<=':
      return numbers((a, b) => a <= b);
    case '>=':
      return numbers((a, b) => a >= b);
    default:
      throw new TypeError(`unknown operator ${operator}`);
  }
}

function equal(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((value, index) => equal(value, b[index])) : a === b;
}

function there<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new ProgramFault('LAUREL_REWARD_INPUT_MISSING', `expected ${name} of the unit, it has none`);
  return value;
}

/** A division by 0 is a failure where it is asked about. */
function finite(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw failed(`expected a finite number, got ${value}`);
  return value;
}
