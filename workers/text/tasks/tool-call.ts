/**
 * Calls of tools: the prompt `add 3 5;wait 4>` asks for `[add a=3 b=5][wait t=4]`. Graders after ToolRL (arXiv
 * 2504.13958, section 3): `format` 0 or 1, `correct` 6 S / S_max - 3 with S = Jaccard of tool names + for each call, best
 * matched, Jaccard of parameter names + number of equal values, and -3 where the text is no list of calls; `exact` 1 where
 * the calls are those asked for.
 */
import type { Draws } from '../draws.js';
import type { Json, Prompt, TextTask } from './task.js';

const TOOLS = { add: ['a', 'b'], mul: ['x', 'y'], wait: ['t'], turn: ['d', 's'] } as const satisfies Readonly<Record<string, readonly string[]>>;
const NAMES = Object.keys(TOOLS) as (keyof typeof TOOLS)[];
const CALL = /\[([a-z]+)((?: [a-z]=\d)*)\]/g;
const CALLS_MAX = 4;

export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string>>;
}

function written(calls: readonly ToolCall[]): string {
  return calls.map((call) => `[${[call.name, ...Object.entries(call.arguments).map(([name, value]) => `${name}=${value}`)].join(' ')}]`).join('');
}

/** The calls that a text is made of, and of nothing else; null where it is not. */
export function parseCalls(text: string): ToolCall[] | null {
  const calls = [...text.matchAll(CALL)];
  if (calls.length === 0 || calls.length > CALLS_MAX || calls.map(([whole]) => whole).join('') !== text) return null;
  return calls.map(([, name = '', given = '']) => ({ name, arguments: Object.fromEntries(given.split(' ').slice(1).map((pair) => pair.split('=') as [string, string])) }));
}

/** S and S_max of ToolRL. */
export function matchScore(wanted: readonly ToolCall[], made: readonly ToolCall[]): { readonly score: number; readonly best: number } {
  const names = (calls: readonly ToolCall[]): string[] => calls.map((call) => call.name);
  const best = 1 + wanted.reduce((sum, call) => sum + 1 + Object.keys(call.arguments).length, 0);
  return { score: jaccard(names(wanted), names(made)) + bestMatching(wanted, made), best };
}

/** The greatest sum over pairs of a wanted and a made call, each used once. */
function bestMatching(wanted: readonly ToolCall[], made: readonly ToolCall[]): number {
  const [first, ...rest] = wanted;
  if (first === undefined) return 0;
  const skipped = bestMatching(rest, made);
  return made.reduce((most, call, index) => Math.max(most, pairScore(first, call) + bestMatching(rest, made.toSpliced(index, 1))), skipped);
}

/** Only calls of one tool are a pair. */
function pairScore(wanted: ToolCall, made: ToolCall): number {
  if (wanted.name !== made.name) return 0;
  const equal = Object.entries(wanted.arguments).filter(([name, value]) => made.arguments[name] === value).length;
  return jaccard(Object.keys(wanted.arguments), Object.keys(made.arguments)) + equal;
}

function jaccard(a: readonly string[], b: readonly string[]): number {
  const [x, y] = [new Set(a), new Set(b)];
  const union = new Set([...x, ...y]).size;
  return union === 0 ? 1 : [...x].filter((one) => y.has(one)).length / union;
}

function drawnCall(draws: Draws): ToolCall {
  const name = draws.pick(NAMES);
  return { name, arguments: Object.fromEntries(TOOLS[name].map((parameter) => [parameter, String(draws.index(10))])) };
}

function flawed(calls: readonly ToolCall[], draws: Draws): string {
  const right = written(calls);
  switch (draws.index(4)) {
    case 0:
      return right.replace(']', '');
    case 1:
      return right.replace('=', '');
    case 2:
      return right.replace(/\d/g, (digit) => (draws.uniform() < 0.5 ? String(draws.index(10)) : digit));
    default:
      return written([{ ...(calls[0] as ToolCall), name: draws.pick(NAMES) }, ...calls.slice(1)]);
  }
}

export function toolCall({ flaws, calls: most }: { readonly flaws: number; readonly calls: number }): TextTask {
  return {
    alphabet: [...new Set([...NAMES, ...Object.values(TOOLS).flat(), '0123456789 ;>[]='].join(''))].sort().join(''),
    promptCharactersMax: most * 9,
    prompt(draws): Prompt {
      const calls = Array.from({ length: 1 + draws.index(most) }, () => drawnCall(draws));
      return { text: `${calls.map((call) => [call.name, ...Object.values(call.arguments)].join(' ')).join(';')}>`, truth: calls as unknown as Json };
    },
    demonstration: ({ truth }, draws) => (draws.uniform() < flaws ? flawed(truth as unknown as ToolCall[], draws) : written(truth as unknown as ToolCall[])),
    rewards: ['format', 'correct', 'exact'],
    grade(completion, truth) {
      const wanted = truth as unknown as ToolCall[];
      const made = parseCalls(completion);
      if (made === null) return [0, -3, 0];
      const { score, best } = matchScore(wanted, made);
      return [1, (6 * score) / best - 3, written(made) === written(wanted) ? 1 : 0];
    },
  };
}
