/** What the functions of the expression language do (their types: proto/expression/functions.ts). */
import { boxIou, generalisedIou, type Box } from '../../text/geometry.js';
import { canonicalJson } from '../../store/artifacts.js';
import { numberIn } from '../rules/numbers-in-text.js';
import { jaccardOf, tokenF1 } from '../rules/overlap.js';
import { jsonOf } from '../rules/parses.js';
import { LinearPattern } from '../rules/patterns.js';
import { wordsOf } from '../rules/unit-view.js';
import { failed } from './fault.js';

/** Arguments have the types that the signature says: the expression was checked. */
type Implementation = (...values: never[]) => unknown;

const patterns = new Map<string, LinearPattern>();

function pattern(source: string): LinearPattern {
  let known = patterns.get(source);
  if (!known) patterns.set(source, (known = new LinearPattern(source)));
  return known;
}

function some(numbers: readonly number[], what: string): readonly number[] {
  if (numbers.length === 0) throw failed(`expected numbers for ${what}, got none`);
  return numbers;
}

function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw failed(`expected a JSON object, got ${kindOf(json)}`);
  return json as Record<string, unknown>;
}

export function kindOf(json: unknown): string {
  return json === undefined ? 'nothing' : json === null ? 'null' : Array.isArray(json) ? 'an array' : `a JSON ${typeof json}`;
}

function box(numbers: readonly number[]): Box {
  const [x, y, w, h] = numbers;
  if (numbers.length !== 4 || (w as number) < 0 || (h as number) < 0) throw failed(`expected a box x, y, w, h with sizes not below 0, got [${numbers.slice(0, 6).join(', ')}]`);
  return { x: x as number, y: y as number, w: w as number, h: h as number };
}

function typed<T>(json: unknown, type: 'number' | 'boolean'): T {
  if (typeof json !== type) throw failed(`expected a JSON ${type}, got ${kindOf(json)}`);
  return json as T;
}

export const IMPLEMENTATIONS: Readonly<Record<string, Implementation>> = {
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
  round: Math.round,
  sign: Math.sign,
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  min: Math.min,
  max: Math.max,
  clamp: (x: number, low: number, high: number) => Math.min(high, Math.max(low, x)),

  lower: (text: string) => text.toLowerCase(),
  upper: (text: string) => text.toUpperCase(),
  trim: (text: string) => text.trim(),
  characters: (text: string) => text.length,
  contains: (text: string, part: string) => text.includes(part),
  startsWith: (text: string, part: string) => text.startsWith(part),
  endsWith: (text: string, part: string) => text.endsWith(part),
  slice: (text: string, from: number, to?: number) => text.slice(from, to),
  replace: (text: string, part: string, by: string) => text.split(part).join(by),
  words: wordsOf,
  lines: (text: string) => text.split(/\r?\n/),
  split: (text: string, separator: string) => text.split(separator),
  matches: (text: string, source: string) => pattern(source).test(text),
  capture: (text: string, source: string) => {
    const found = pattern(source).capture(text);
    if (found === undefined) throw failed(`expected ${source} in the text, it is not there`);
    return found;
  },
  captures: (text: string, source: string) => pattern(source).captures(text),
  number: (text: string) => {
    const number = numberIn(text);
    if (number === undefined) throw failed(`expected a number, got ${JSON.stringify(text.slice(0, 100))}`);
    return number;
  },
  show: String,

  parse: (text: string) => {
    const json = jsonOf(text);
    if (json === undefined) throw failed(`expected JSON, got ${JSON.stringify(text.slice(0, 100))}`);
    return json.value;
  },
  isJson: (text: string) => jsonOf(text) !== undefined,
  has: (json: unknown, key: string) => Object.hasOwn(objectOf(json), key),
  keys: (json: unknown) => Object.keys(objectOf(json)),
  items: (json: unknown) => {
    if (!Array.isArray(json)) throw failed(`expected a JSON array, got ${kindOf(json)}`);
    return json as unknown[];
  },
  asNumber: (json: unknown) => typed<number>(json, 'number'),
  asText: (json: unknown) => (typeof json === 'string' ? json : JSON.stringify(json)),
  asBoolean: (json: unknown) => typed<boolean>(json, 'boolean'),
  isNumber: (json: unknown) => typeof json === 'number',
  same: (a: unknown, b: unknown) => canonicalJson(a) === canonicalJson(b),

  count: (list: readonly unknown[], holds?: (value: unknown) => boolean) => (holds ? list.filter((value) => holds(value)).length : list.length),
  map: (list: readonly unknown[], of: (value: unknown) => unknown) => list.map((value) => of(value)),
  filter: (list: readonly unknown[], holds: (value: unknown) => boolean) => list.filter((value) => holds(value)),
  any: (list: readonly unknown[], holds: (value: unknown) => boolean) => list.some((value) => holds(value)),
  all: (list: readonly unknown[], holds: (value: unknown) => boolean) => list.every((value) => holds(value)),
  sum: (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0),
  mean: (numbers: readonly number[]) => some(numbers, 'mean').reduce((sum, number) => sum + number, 0) / numbers.length,
  least: (numbers: readonly number[]) => some(numbers, 'least').reduce((a, b) => Math.min(a, b)),
  greatest: (numbers: readonly number[]) => some(numbers, 'greatest').reduce((a, b) => Math.max(a, b)),
  distinct: (texts: readonly string[]) => [...new Set(texts)],
  member: (texts: readonly string[], text: string) => texts.includes(text),

  f1: (a: string, b: string) => tokenF1(wordsOf(a), wordsOf(b)),
  jaccard: jaccardOf,
  iou: (a: readonly number[], b: readonly number[]) => boxIou(box(a), box(b)),
  giou: (a: readonly number[], b: readonly number[]) => generalisedIou(box(a), box(b)),
  distance: (a: readonly number[], b: readonly number[]) => {
    if (a.length !== b.length) throw failed(`expected two lists of one length, got ${a.length} and ${b.length}`);
    return Math.hypot(...a.map((value, index) => value - (b[index] as number)));
  },
};
