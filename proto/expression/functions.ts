/** The functions of the expression language and their types; workers/reward/programs/functions.ts says what they do. */
import type { Type } from './types.js';

/** `T`: any type, the same wherever it stands in one signature. */
export type Pattern = Type | 'T' | { readonly list: Pattern } | { readonly to: Pattern };

export interface Signature {
  /** `{to: X}`: a function `name => X` of the elements of the list before it. */
  readonly takes: readonly Pattern[];
  readonly gives: Pattern;
  /** How many of the last parameters may be left out. */
  readonly optional?: number;
  /** The last parameter may be repeated. */
  readonly many?: true;
  readonly says: string;
  /** Place of a parameter that must be a literal regular expression. */
  readonly pattern?: number;
}

const n: Type = 'number';
const b: Type = 'boolean';
const t: Type = 'text';
const j: Type = 'json';
const list = (of: Pattern): Pattern => ({ list: of });
const to = (of: Pattern): Pattern => ({ to: of });
const number = (says: string): Signature => ({ takes: [n], gives: n, says });

export const FUNCTIONS: Readonly<Record<string, Signature>> = {
  abs: number('absolute value'),
  floor: number('largest whole number not above'),
  ceil: number('smallest whole number not below'),
  round: number('nearest whole number, halves upwards'),
  sign: number('-1, 0 or 1'),
  sqrt: number('square root'),
  exp: number('e to the power'),
  log: number('natural logarithm'),
  tanh: number('hyperbolic tangent'),
  sigmoid: number('1 / (1 + e^-x)'),
  min: { takes: [n], many: true, gives: n, says: 'smallest' },
  max: { takes: [n], many: true, gives: n, says: 'largest' },
  clamp: { takes: [n, n, n], gives: n, says: 'value, low, high' },

  lower: { takes: [t], gives: t, says: 'in lower case' },
  upper: { takes: [t], gives: t, says: 'in upper case' },
  trim: { takes: [t], gives: t, says: 'without space at the ends' },
  characters: { takes: [t], gives: n, says: 'number of characters (UTF-16 units)' },
  contains: { takes: [t, t], gives: b, says: 'whether the second stands in the first' },
  startsWith: { takes: [t, t], gives: b, says: 'whether the first begins with the second' },
  endsWith: { takes: [t, t], gives: b, says: 'whether the first ends with the second' },
  slice: { takes: [t, n, n], optional: 1, gives: t, says: 'from, to (not included; negative: from the end)' },
  replace: { takes: [t, t, t], gives: t, says: 'every occurrence of the second by the third' },
  words: { takes: [t], gives: list(t), says: 'runs of letters and digits, in lower case' },
  lines: { takes: [t], gives: list(t), says: 'lines' },
  split: { takes: [t, t], gives: list(t), says: 'parts between the second' },
  matches: { takes: [t, t], pattern: 1, gives: b, says: 'whether a regular expression (RE2) is found' },
  capture: { takes: [t, t], pattern: 1, gives: t, says: 'its first group, or the match; fails where it is not found' },
  captures: { takes: [t, t], pattern: 1, gives: list(t), says: 'all of them, without overlap' },
  number: { takes: [t], gives: n, says: 'the number that a text spells; fails where it spells none' },
  show: { takes: [n], gives: t, says: 'a number as text' },

  parse: { takes: [t], gives: j, says: 'JSON; fails where it is none' },
  isJson: { takes: [t], gives: b, says: 'whether it is JSON' },
  has: { takes: [j, t], gives: b, says: 'whether an object has the key' },
  keys: { takes: [j], gives: list(t), says: 'keys of an object' },
  items: { takes: [j], gives: list(j), says: 'elements of an array' },
  asNumber: { takes: [j], gives: n, says: 'a JSON number' },
  asText: { takes: [j], gives: t, says: 'a JSON text; other JSON as it is written' },
  asBoolean: { takes: [j], gives: b, says: 'a JSON boolean' },
  isNumber: { takes: [j], gives: b, says: 'whether it is a JSON number' },
  same: { takes: [j, j], gives: b, says: 'whether both are the same JSON' },

  count: { takes: [list('T'), to(b)], optional: 1, gives: n, says: 'how many, or for how many it is true' },
  map: { takes: [list('T'), to('U' as Pattern)], gives: list('U' as Pattern), says: 'the value for each' },
  filter: { takes: [list('T'), to(b)], gives: list('T'), says: 'those for which it is true' },
  any: { takes: [list('T'), to(b)], gives: b, says: 'whether it is true for one' },
  all: { takes: [list('T'), to(b)], gives: b, says: 'whether it is true for all' },
  sum: { takes: [list(n)], gives: n, says: 'sum; of none 0' },
  mean: { takes: [list(n)], gives: n, says: 'mean; fails for none' },
  least: { takes: [list(n)], gives: n, says: 'smallest; fails for none' },
  greatest: { takes: [list(n)], gives: n, says: 'largest; fails for none' },
  distinct: { takes: [list(t)], gives: list(t), says: 'each once, in order' },
  member: { takes: [list(t), t], gives: b, says: 'whether the text is one of them' },

  f1: { takes: [t, t], gives: n, says: 'F1 of the words' },
  jaccard: { takes: [list(t), list(t)], gives: n, says: 'shared over all distinct' },
  iou: { takes: [list(n), list(n)], gives: n, says: 'of two boxes x, y, w, h' },
  giou: { takes: [list(n), list(n)], gives: n, says: 'generalised, of two boxes x, y, w, h' },
  distance: { takes: [list(n), list(n)], gives: n, says: 'Euclidean' },

  or: { takes: ['T', 'T'], gives: 'T', says: 'the first, or the second where it fails' },
  fails: { takes: ['T'], gives: b, says: 'whether it fails' },
};
