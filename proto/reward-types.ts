/**
 * Types of reward expressions: of which units a value speaks, what its elements are, and between which bounds it lies. The
 * rules are those that a job must keep so that its expression can be evaluated at all.
 */
import type { ErrorCode } from './errors.js';
import { isCoarser, type Granularity } from './granularity.js';
import { boundsOf, type Weight } from './reward-weights.js';
import { CAUSAL_RULES, CONSERVING_RULES, DOWN_RULES, nameOf, termsOf, type AssignSpec, type CombineSpec, type CombineSpecOf, type Expr, type LagrangianSpec, type LinearSpec } from './reward-combine.js';
import type { Range } from './source-types.js';

export interface ExprType {
  readonly granularity: Granularity;
  /** Names of the elements of a vector; null: one number. */
  readonly elements: readonly string[] | null;
  /** Bounds of all known values; null: not known. */
  readonly range: Range | null;
}

export type Say = (path: string, message: string, code?: ErrorCode) => void;

/** What an expression stands in. */
export interface Surroundings {
  /** Where the whole expression stands in the job. */
  readonly root: string;
  /** The units that the learner trains on. */
  readonly base: Granularity;
  /** Granularities of which this environment has units. */
  readonly levels: readonly Granularity[];
  /** Whether an episode may go on in the next batch. */
  readonly spans: boolean;
  /** Whether requests have a ground truth. */
  readonly truth: boolean;
  /** Type of a source after shaping; undefined: it is not known, which has been said. */
  source(name: string, path: string): ExprType | undefined;
  /** What shaping does to a named term. */
  shaped(name: string, type: ExprType): ExprType;
  readonly say: Say;
}

/** Type of a term; undefined where a fault was said. */
export function typeOfExpr(expr: Expr, path: string, place: Surroundings): ExprType | undefined {
  if (typeof expr !== 'string') return typeOfCombinator(expr, path, place);
  const [name, element] = expr.split('.') as [string, string?];
  const type = place.source(name, path);
  if (type === undefined || element === undefined) return type;
  if (type.elements?.includes(element)) return { ...type, elements: null };
  place.say(path, `expected an element of ${name} (${type.elements?.join(', ') ?? 'it is one number'}), got ${element}`, 'LAUREL_REWARD_WIDTH');
  return undefined;
}

export function typeOfCombinator(spec: CombineSpec, path: string, place: Surroundings): ExprType | undefined {
  const at = (inner: string): string => (path === '' ? inner : `${path}.${inner}`);
  const terms = termsOf(spec).map((term) => ({ path: at(term.path), name: nameOf(term.expr), type: typeOfExpr(term.expr, at(term.path), place) }));
  if (!terms.every((term): term is TypedTerm => term.type !== undefined)) return undefined;
  const before = faultsOf(spec, path, terms, place);
  if (before > 0) return undefined;
  const type = spec.op === 'assign' ? assigned(spec, path, terms, place) : combined(spec, path, terms, place);
  return type !== undefined && spec.name !== undefined ? place.shaped(spec.name, type) : type;
}

interface TypedTerm {
  readonly path: string;
  readonly name: string | undefined;
  readonly type: ExprType;
}

/** Faults that only one kind of combinator can have. */
function faultsOf(spec: CombineSpec, path: string, terms: readonly TypedTerm[], { say, truth, base, root }: Surroundings): number {
  let faults = 0;
  const fault: Say = (...issue) => {
    faults += 1;
    say(...issue);
  };
  const key = (inner: string): string => (path === '' ? inner : `${path}.${inner}`);
  if (spec.op === 'linear') {
    (spec.of ?? []).forEach((expr, index) => {
      const name = nameOf(expr);
      if (name === undefined) fault(key(`of.${index}`), 'expected a name: the weight of a term is given by its name');
      else if (!(name in spec.weights)) fault(key(`of.${index}`), `expected a weight for ${name} in weights`);
    });
    if (!truth) for (const [name, weight] of Object.entries(spec.weights)) if (isRequested(weight)) fault(key(`weights.${name}`), 'expected a number or a schedule: requests have a ground truth only where texts are written', 'LAUREL_REWARD_CONTEXT');
    if (terms.length === 0) return 0;
  }
  if (spec.op === 'gate' && spec.by.length !== spec.of.length) fault(key('by'), `expected ${spec.of.length} logits, one for each term, got ${spec.by.length}`);
  if (spec.op === 'gate') terms.slice(spec.of.length).forEach((term) => void (term.type.elements !== null && fault(term.path, 'expected one number as logit, got a vector', 'LAUREL_REWARD_WIDTH')));
  if (spec.op === 'nonlinear' && spec.rule === 'lexicographic' && spec.levels.length !== spec.of.length) fault(key('levels'), `expected ${spec.of.length} levels, one for each term, got ${spec.levels.length}`);
  if (spec.op === 'vector') {
    const names = terms.map((term, index) => elementName(term.name, index));
    terms.forEach((term, index) => {
      if (term.name === undefined) fault(term.path, 'expected a name: elements of a vector are told by it', 'LAUREL_REWARD_WIDTH');
      else if (term.type.elements !== null) fault(term.path, `expected one number as element, got a vector of ${term.type.elements.join(', ')}; take one element as ${term.name}.${term.type.elements[0] ?? ''}`, 'LAUREL_REWARD_WIDTH');
      else if (names.indexOf(names[index] as string) !== index) fault(term.path, `expected names that differ, got ${names[index] as string} twice`, 'LAUREL_REWARD_WIDTH');
    });
  }
  if (spec.op === 'lagrangian' && spec.name === undefined && path !== root) fault(path, 'expected a name: its multipliers are kept under it');
  if (spec.op === 'lagrangian') faults += lagrangianFaults(spec, key, terms, base, say);
  if (spec.op === 'ensemble' && spec.membersMin > spec.of.length) fault(key('membersMin'), `expected at most ${spec.of.length}, the number of members, got ${spec.membersMin}`);
  return faults;
}

/** Rule (c), and what the run must know of a constraint to move its multiplier. */
function lagrangianFaults(spec: LagrangianSpec, key: (inner: string) => string, terms: readonly TypedTerm[], base: Granularity, say: Say): number {
  let faults = 0;
  const fault: Say = (...issue) => {
    faults += 1;
    say(...issue);
  };
  spec.constraints.forEach((constraint, index) => {
    const { name, type, path } = terms[index + 1] as TypedTerm;
    const named = 'threshold' in constraint ? 'threshold' : constraint.atMost === undefined ? 'atLeast' : 'atMost';
    const threshold = 'threshold' in constraint ? constraint.threshold : ((constraint.atMost ?? constraint.atLeast) as number);
    if (name === undefined) fault(path, 'expected a name: the multiplier follows the mean that is stored under it');
    if (type.elements !== null || type.granularity !== base) fault(path, `expected one number for each ${base}, of which means are kept, got ${widthText(type)} for each ${type.granularity}`, type.elements === null ? 'LAUREL_REWARD_GRANULARITY' : 'LAUREL_REWARD_WIDTH');
    const where = key(`constraints.${index}.${named}`);
    if (type.range === null) fault(where, `expected a term whose bounds are known, so that the threshold can be checked: give the source of ${name ?? 'the term'} a range`, 'LAUREL_REWARD_THRESHOLD');
    else if (threshold < type.range[0] || threshold > type.range[1]) fault(where, `expected a threshold in the units of ${name ?? 'the term'}, between ${type.range[0]} and ${type.range[1]}, got ${threshold}`, 'LAUREL_REWARD_THRESHOLD');
  });
  return faults;
}

/** The name of an element of a vector: that of its term, without what it is an element of. */
export function elementName(name: string | undefined, index: number): string {
  return name?.split('.').pop() ?? String(index);
}

/** Rules (a) and (b): one granularity, and one list of elements. */
function combined(spec: Exclude<CombineSpec, AssignSpec>, path: string, terms: readonly TypedTerm[], { say, base }: Surroundings): ExprType | undefined {
  const [first] = terms;
  // Nothing has weight: a known 0.
  if (first === undefined) return { granularity: base, elements: null, range: [0, 0] };
  const other = terms.find((term) => term.type.granularity !== first.type.granularity);
  if (other !== undefined) {
    say(other.path, `expected units of one granularity: ${first.name ?? 'the first term'} is of each ${first.type.granularity}, ${other.name ?? 'this term'} of each ${other.type.granularity}; bring one of them there with {"op": "assign", "of": ..., "to": "${first.type.granularity}", "rule": ...}`, 'LAUREL_REWARD_GRANULARITY');
    return undefined;
  }
  const { granularity } = first.type;
  if (spec.op === 'vector') return { granularity, elements: terms.map((term, index) => elementName(term.name, index)), range: hull(terms.map((term) => term.type.range)) };
  // Logits and preconditions are single numbers beside what is combined.
  const main = spec.op === 'gate' || spec.op === 'cascade' ? terms.slice(0, spec.of.length) : terms;
  const wide = terms.find((term) => !sameElements(term.type.elements, first.type.elements) && (main.includes(term) || term.type.elements !== null));
  if (wide !== undefined) {
    say(wide.path, `expected terms with the same elements: ${first.name ?? 'the first term'} is ${widthText(first.type)}, ${wide.name ?? 'this term'} is ${widthText(wide.type)}; name one element as source.element`, 'LAUREL_REWARD_WIDTH');
    return undefined;
  }
  return { granularity, elements: first.type.elements, range: rangeOf(spec, main) };
}

function sameElements(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((name, index) => name === b[index]);
}

function widthText({ elements }: ExprType): string {
  return elements === null ? 'one number' : `a vector of ${elements.join(', ')}`;
}

function assigned(spec: AssignSpec, path: string, [of, by]: readonly TypedTerm[], place: Surroundings): ExprType | undefined {
  const { say, levels, spans } = place;
  const { type } = of as TypedTerm;
  const key = (inner: string): string => (path === '' ? inner : `${path}.${inner}`);
  const fault = (inner: string, message: string, code: ErrorCode = 'LAUREL_REWARD_GRANULARITY'): undefined => void say(key(inner), message, code);
  if (!levels.includes(spec.to)) return fault('to', `expected a granularity of which this environment has units (${levels.join(', ')}), got ${spec.to}`);
  if (spec.to === type.granularity) return fault('to', `expected another granularity than ${spec.to}, which it has already`);
  const down = isCoarser(type.granularity, spec.to);
  const isDown = (DOWN_RULES as readonly string[]).includes(spec.rule);
  if (down !== isDown) return fault('rule', `expected a rule from ${type.granularity} to ${down ? 'finer' : 'coarser'} units, got ${spec.rule}`);
  if (spec.conserve && !CONSERVING_RULES.includes(spec.rule)) return fault('rule', `expected a rule whose parts add up to the whole (${CONSERVING_RULES.join(', ')}), got ${spec.rule}`);
  if (down && spans && !CAUSAL_RULES.includes(spec.rule)) return fault('rule', `expected ${CAUSAL_RULES.join(', ')}: an episode goes on in later segments, so what it is worth is not known at its earlier steps, got ${spec.rule}`, 'LAUREL_REWARD_NOT_CAUSAL');
  const wants = spec.rule === 'proportional' || spec.rule === 'attributed';
  if (wants !== (by !== undefined)) return fault('by', wants ? `expected a term of each ${spec.to} for the rule ${spec.rule}` : `expected no such key for the rule ${spec.rule}`);
  if (by !== undefined && by.type.granularity !== spec.to) return fault('by', `expected a term of each ${spec.to}, got one of each ${by.type.granularity}`);
  if (by !== undefined && by.type.elements !== null) return fault('by', 'expected one number, got a vector', 'LAUREL_REWARD_WIDTH');
  return { granularity: spec.to, elements: type.elements, range: assignedRange(spec, type.range) };
}

function assignedRange({ rule }: AssignSpec, range: Range | null): Range | null {
  if (range === null || rule === 'sum' || rule === 'proportional' || rule === 'attributed') return null;
  // Units that get nothing, or less.
  return rule === 'last' || rule === 'even' || rule === 'discounted' ? hull([range, [0, 0]]) : range;
}

function hull(ranges: readonly (Range | null)[]): Range | null {
  if (ranges.some((range) => range === null)) return null;
  const known = ranges as readonly Range[];
  return known.length === 0 ? null : [Math.min(...known.map(([low]) => low)), Math.max(...known.map(([, high]) => high))];
}

function rangeOf(spec: Exclude<CombineSpec, AssignSpec>, terms: readonly TypedTerm[]): Range | null {
  const ranges = terms.map(({ type }) => type.range);
  switch (spec.op) {
    case 'linear':
      return linearRange(spec, terms);
    case 'lagrangian':
      // Multipliers may become anything.
      return null;
    case 'gate':
      return hull(ranges);
    case 'cascade':
      return hull([...ranges, ...spec.require.map(({ floor }): Range => [floor, floor]), ...(spec.otherwise === null ? [] : [[spec.otherwise, spec.otherwise] as const])]);
    case 'ensemble':
      return spec.rule === 'vote' ? [0, 1] : spec.rule === 'pessimistic' ? null : hull(ranges);
    case 'nonlinear':
      return nonlinearRange(spec, ranges);
    case 'vector':
      return hull(ranges);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown combinator ${JSON.stringify(never)}`);
    }
  }
}

function linearRange({ weights, bias = 0 }: LinearSpec, terms: readonly TypedTerm[]): Range | null {
  let sum: Range = [bias, bias];
  for (const { name, type } of terms) {
    const weight = boundsOf(weights[name as string] ?? 0);
    if (weight === null || type.range === null) return null;
    const corners = weight.flatMap((one) => (type.range as Range).map((bound) => one * bound));
    // An unknown term adds nothing.
    sum = [sum[0] + Math.min(0, ...corners), sum[1] + Math.max(0, ...corners)];
  }
  return sum;
}

function nonlinearRange(spec: CombineSpecOf<'nonlinear'>, ranges: readonly (Range | null)[]): Range | null {
  if (spec.rule === 'lexicographic') return [0, spec.of.length];
  if (spec.rule === 'threshold') return [Math.min(spec.above, spec.below), Math.max(spec.above, spec.below)];
  if (ranges.some((range) => range === null)) return null;
  const known = ranges as readonly Range[];
  if (spec.rule === 'product') return known.reduce((product, range) => {
    const corners = product.flatMap((a) => range.map((b) => a * b));
    return [Math.min(...corners), Math.max(...corners)] as const;
  });
  if (spec.rule === 'signed-geometric-mean') {
    const bound = Math.max(...known.flat().map(Math.abs));
    return [-bound, bound];
  }
  const pick = spec.rule === 'min' ? Math.min : Math.max;
  return [pick(...known.map(([low]) => low)), pick(...known.map(([, high]) => high))];
}

function isRequested(weight: Weight): boolean {
  return typeof weight !== 'number' && 'request' in weight;
}
