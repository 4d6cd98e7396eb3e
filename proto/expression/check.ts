/** Types of an expression, before it runs: what is well typed fails for its data alone. */
import { distance } from 'fastest-levenshtein';
import { patternFault } from '../readings.js';
import { FUNCTIONS, type Pattern, type Signature } from './functions.js';
import { parseExpression, type Node } from './parse.js';
import { ExpressionFault, listOf, sameType, showType, type Type } from './types.js';

/** What an expression sees of a unit, by name. */
export const UNIT_NAMES: Readonly<Record<string, Type>> = { text: 'text', prompt: 'text', reference: 'text', truth: 'json', count: 'number', position: 'number' };
/** Functions whose argument is a literal name: `env("score")`, `numbers("observation.position")`. */
const BY_NAME: Readonly<Record<string, Type>> = { env: 'number', numbers: listOf('number') };

export interface CheckedExpression {
  readonly node: Node;
  readonly type: Type;
  /** Names of `numbers(...)`. */
  readonly numbers: readonly string[];
  /** Names of the unit that it reads. */
  readonly reads: readonly string[];
}

/**
 * @param names types of free names; default: those of a unit
 * @throws ExpressionFault where it cannot be parsed or does not fit together
 */
export function checkExpression(source: string, names: Readonly<Record<string, Type>> = UNIT_NAMES): CheckedExpression {
  const node = parseExpression(source);
  const checker = new Checker(names);
  const type = checker.typeOf(node, new Map());
  return { node, type, numbers: [...checker.numbers], reads: [...checker.reads] };
}

/** As one line for people: what is wrong, and where. */
export function expressionFault(source: string, error: unknown): string {
  if (!(error instanceof ExpressionFault)) throw error;
  const before = source.slice(0, error.at).split('\n');
  return `${error.message} (line ${before.length}, column ${(before.at(-1) as string).length + 1})`;
}

/** What is wrong with an expression of a reward, as a line for people; undefined: nothing. @param texts whether units are completions of prompts */
export function rewardExpressionFault(source: string, texts: boolean): string | undefined {
  try {
    const { type, reads } = checkExpression(source);
    if (type !== 'number' && type !== 'boolean') return `expected a number or a boolean, got ${showType(type)}`;
    const absent = reads.find((name) => ['prompt', 'reference', 'truth'].includes(name));
    return texts || absent === undefined ? undefined : `expected what an environment of actions has (text, count, position, env, numbers), got ${absent}`;
  } catch (error) {
    return expressionFault(source, error);
  }
}

class Checker {
  readonly numbers = new Set<string>();
  readonly reads = new Set<string>();

  constructor(private readonly names: Readonly<Record<string, Type>>) {}

  typeOf(node: Node, scope: ReadonlyMap<string, Type>): Type {
    switch (node.kind) {
      case 'literal':
        return typeof node.value === 'string' ? 'text' : (typeof node.value as 'number' | 'boolean');
      case 'name':
        return this.name(node.name, node.at, scope);
      case 'let': {
        const type = this.typeOf(node.value, scope);
        return this.typeOf(node.body, new Map(scope).set(node.name, type));
      }
      case 'list': {
        const [first, ...others] = node.items.map((item) => this.typeOf(item, scope));
        if (first === undefined) throw new ExpressionFault('expected an element: the type of an empty list is not known', node.at);
        others.forEach((type, index) => this.expect(type, first, (node.items[index + 1] as Node).at));
        return listOf(first);
      }
      case 'choice': {
        this.expect(this.typeOf(node.condition, scope), 'boolean', node.condition.at);
        const type = this.typeOf(node.then, scope);
        this.expect(this.typeOf(node.otherwise, scope), type, node.otherwise.at);
        return type;
      }
      case 'unary': {
        const wanted = node.operator === '!' ? 'boolean' : 'number';
        this.expect(this.typeOf(node.operand, scope), wanted, node.operand.at);
        return wanted;
      }
      case 'binary':
        return this.binary(node, scope);
      case 'member':
        this.expect(this.typeOf(node.of, scope), 'json', node.of.at);
        return 'json';
      case 'index': {
        const of = this.typeOf(node.of, scope);
        this.expect(this.typeOf(node.index, scope), 'number', node.index.at);
        if (of === 'json') return 'json';
        if (typeof of === 'string') throw new ExpressionFault(`expected a list or json before [, got ${of}`, node.of.at);
        return of.list;
      }
      case 'call':
        return this.call(node, scope);
      case 'function':
        throw new ExpressionFault('expected a value: a function stands only as an argument of map, filter, any, all, count', node.at);
      default: {
        const never: never = node;
        throw new TypeError(`unknown node ${JSON.stringify(never)}`);
      }
    }
  }

  private name(name: string, at: number, scope: ReadonlyMap<string, Type>): Type {
    const local = scope.get(name);
    if (local !== undefined) return local;
    if (!Object.hasOwn(this.names, name)) throw new ExpressionFault(`expected a name that is known, got ${name}${nearest(name, [...scope.keys(), ...Object.keys(this.names)])}`, at);
    this.reads.add(name);
    return this.names[name] as Type;
  }

  private binary(node: Extract<Node, { kind: 'binary' }>, scope: ReadonlyMap<string, Type>): Type {
    const { operator } = node;
    const left = this.typeOf(node.left, scope);
    const right = this.typeOf(node.right, scope);
    if (operator === '&&' || operator === '||') {
      this.expect(left, 'boolean', node.left.at);
      this.expect(right, 'boolean', node.right.at);
      return 'boolean';
    }
    if (operator === '==' || operator === '!=') {
      if (left === 'json') throw new ExpressionFault(`expected number, boolean, text or a list of them before ${operator}, got json: use same(a, b), asText or asNumber`, node.left.at);
      this.expect(right, left, node.right.at);
      return 'boolean';
    }
    // Texts can be joined and put in order.
    const wanted = left === 'text' && ['+', '<', '>', '<=', '>='].includes(operator) ? 'text' : 'number';
    this.expect(left, wanted, node.left.at);
    this.expect(right, wanted, node.right.at);
    return ['<', '>', '<=', '>='].includes(operator) ? 'boolean' : wanted;
  }

  private call(node: Extract<Node, { kind: 'call' }>, scope: ReadonlyMap<string, Type>): Type {
    if (Object.hasOwn(BY_NAME, node.name)) return this.byName(node);
    const signature = Object.hasOwn(FUNCTIONS, node.name) ? (FUNCTIONS[node.name] as Signature) : undefined;
    if (!signature) throw new ExpressionFault(`expected a function, got ${node.name}${nearest(node.name, [...Object.keys(FUNCTIONS), ...Object.keys(BY_NAME)])}`, node.at);
    const { takes } = signature;
    const least = takes.length - (signature.optional ?? 0);
    if (node.items.length < least || (signature.many !== true && node.items.length > takes.length)) {
      throw new ExpressionFault(`expected ${least === takes.length ? least : `${least} to ${takes.length}`} arguments of ${node.name}, got ${node.items.length}`, node.at);
    }
    const bound = new Map<string, Type>();
    node.items.forEach((item, index) => this.argument(item, takes[Math.min(index, takes.length - 1)] as Pattern, bound, scope));
    if (signature.pattern !== undefined) this.pattern(node.items[signature.pattern] as Node);
    return filled(signature.gives, bound);
  }

  private argument(item: Node, wanted: Pattern, bound: Map<string, Type>, scope: ReadonlyMap<string, Type>): void {
    if (typeof wanted === 'object' && 'to' in wanted) {
      if (item.kind !== 'function') throw new ExpressionFault('expected a function: name => value', item.at);
      const type = this.typeOf(item.body, new Map(scope).set(item.parameter, bound.get('T') as Type));
      return this.fit(type, wanted.to, bound, item.body.at);
    }
    this.fit(this.typeOf(item, scope), wanted, bound, item.at);
  }

  private fit(type: Type, wanted: Pattern, bound: Map<string, Type>, at: number): void {
    if (typeof wanted === 'object' && 'list' in wanted) {
      if (typeof type === 'string') throw new ExpressionFault(`expected a list, got ${type}${type === 'json' ? ': use items(...)' : ''}`, at);
      return this.fit(type.list, wanted.list, bound, at);
    }
    const variable = wanted as string;
    if (variable !== 'T' && variable !== 'U') return this.expect(type, wanted as Type, at);
    const known = bound.get(variable);
    if (known === undefined) bound.set(variable, type);
    else this.expect(type, known, at);
  }

  private byName(node: Extract<Node, { kind: 'call' }>): Type {
    const [item] = node.items;
    if (node.items.length !== 1 || item?.kind !== 'literal' || typeof item.value !== 'string') throw new ExpressionFault(`expected one text in quotes, ${node.name}("...")`, node.at);
    if (node.name === 'numbers') {
      if (!/^(observation\.[A-Za-z0-9_-]+|action|logprob)$/.test(item.value)) throw new ExpressionFault(`expected observation.<tensor>, action or logprob, got ${item.value}`, item.at);
      this.numbers.add(item.value);
    }
    return BY_NAME[node.name] as Type;
  }

  private pattern(node: Node): void {
    if (node.kind !== 'literal' || typeof node.value !== 'string') throw new ExpressionFault('expected a regular expression in quotes', node.at);
    const fault = patternFault(node.value);
    if (fault !== undefined) throw new ExpressionFault(`expected a regular expression, got ${JSON.stringify(node.value)}: ${fault}`, node.at);
  }

  private expect(type: Type, wanted: Type, at: number): void {
    if (sameType(type, wanted)) return;
    const hint = type === 'json' ? (wanted === 'number' ? ': use asNumber(...)' : wanted === 'text' ? ': use asText(...)' : wanted === 'boolean' ? ': use asBoolean(...)' : '') : '';
    throw new ExpressionFault(`expected ${showType(wanted)}, got ${showType(type)}${hint}`, at);
  }
}

function filled(pattern: Pattern, bound: ReadonlyMap<string, Type>): Type {
  if (typeof pattern === 'object' && 'list' in pattern) return listOf(filled(pattern.list, bound));
  return bound.get(pattern as string) ?? (pattern as Type);
}

function nearest(name: string, known: readonly string[]): string {
  const best = known.map((one) => ({ one, cost: distance(name.toLowerCase(), one.toLowerCase()) })).sort((a, b) => a.cost - b.cost)[0];
  return best && best.cost <= 2 ? `; did you mean ${best.one}?` : `; known: ${known.join(', ')}`;
}
