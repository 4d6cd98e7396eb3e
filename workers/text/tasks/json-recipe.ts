/**
 * A recipe as JSON: the prompt `soup egg 25>` asks for `{"d":"soup","m":"egg","t":25}`. Components after RL-Struct
 * (arXiv 2512.00319): `struct` share of the keys, `format` nothing around the object, `valid` parses, `correct` share of the
 * keys with their values, `length` brevity. Only `valid` asks whether the whole can be parsed.
 */
import type { Draws } from '../draws.js';
import type { Json, Prompt, TextTask } from './task.js';

const DISHES = ['soup', 'stew', 'pie', 'salad', 'roll', 'curry'] as const;
const MAINS = ['egg', 'rice', 'bean', 'corn', 'fish', 'leek', 'plum'] as const;
const MINUTES = [5, 10, 15, 20, 25, 30, 45] as const;
const KEYS = ['d', 'm', 't'] as const;
/** Characters up to which a text is as brief as can be. */
const BRIEF = 20;

interface Recipe {
  readonly d: string;
  readonly m: string;
  readonly t: number;
}

function answer({ d, m, t }: Recipe): string {
  return JSON.stringify({ d, m, t });
}

/** Most often a comma is missing, which none of the graders but `valid` sees. */
function flawed(recipe: Recipe, draws: Draws): string {
  const right = answer(recipe);
  switch (draws.index(8)) {
    case 0:
      return right.slice(0, -1);
    case 1:
      return answer({ ...recipe, m: draws.pick(MAINS), t: draws.pick(MINUTES) });
    case 2:
      return `ok ${right}`;
    case 3:
    case 4:
      return right.replace(',"t', '"t');
    default:
      return right.replace(',', '');
  }
}

export function jsonRecipe({ flaws }: { readonly flaws: number }): TextTask {
  return {
    alphabet: [...new Set([...DISHES, ...MAINS, ...MINUTES.map(String), answer({ d: '', m: '', t: 0 }), ' >ok'].join(''))].sort().join(''),
    promptCharactersMax: 16,
    prompt(draws): Prompt {
      const recipe = { d: draws.pick(DISHES), m: draws.pick(MAINS), t: draws.pick(MINUTES) };
      return { text: `${recipe.d} ${recipe.m} ${recipe.t}>`, truth: recipe };
    },
    demonstration: ({ truth }, draws) => (draws.uniform() < flaws ? flawed(truth as unknown as Recipe, draws) : answer(truth as unknown as Recipe)),
    rewards: ['struct', 'format', 'valid', 'correct', 'length'],
    grade(completion, truth) {
      const parsed = parseObject(completion);
      const found = KEYS.filter((key) => completion.includes(`"${key}":`)).length / KEYS.length;
      const right = KEYS.filter((key) => completion.includes(`"${key}":${JSON.stringify((truth as { readonly [key: string]: Json })[key])}`)).length / KEYS.length;
      const bare = completion.startsWith('{') && completion.endsWith('}') ? 1 : 0;
      return [found, bare, parsed === null ? 0 : 1, right, Math.min(1, BRIEF / Math.max(1, completion.length))];
    },
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
