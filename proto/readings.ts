/** Where a rule looks: a text, the ground truth, or a number of a unit, as a path. */
import { z } from 'zod';

/** `text`, `prompt`, `truth`, `truth.answer`, `truth.boxes[0].x` */
const TEXT_PATH = /^(text|prompt|reference|truth)((\.[A-Za-z_][A-Za-z0-9_-]*|\[\d{1,4}\])*)$/;
/** `characters`, `words`, `count`, `position`, `env.score`, `observation.position[1]`, `action[0]`, `logprob`, `truth.limit` */
const NUMBER_PATH = /^(characters|words|count|position|(env|observation|action|logprob|embedding)(\.[A-Za-z0-9_-]+)?(\[\d{1,5}\])?|truth((\.[A-Za-z_][A-Za-z0-9_-]*|\[\d{1,4}\])*))$/;

export const readingSchema = z.string().max(200).regex(TEXT_PATH);
export const numberReadingSchema = z.string().max(200).regex(NUMBER_PATH);

export type Step = string | number;

/** First name of a path, and the steps into it. */
export function stepsOf(path: string): { readonly root: string; readonly steps: readonly Step[] } {
  const parts = [...path.matchAll(/([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]/g)].map((match): Step => match[1] ?? Number(match[2]));
  return { root: parts[0] as string, steps: parts.slice(1) };
}

/** What lies at the end of the steps; undefined: nothing. Looks at own keys only. */
export function valueAt(value: unknown, steps: readonly Step[]): unknown {
  let at = value;
  for (const step of steps) {
    if (typeof step === 'number') at = Array.isArray(at) ? (at as unknown[])[step] : undefined;
    else at = at !== null && typeof at === 'object' && !Array.isArray(at) && Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

/**
 * What is wrong with a regular expression; undefined: nothing. Rules are matched in time linear in the text (RE2), so what
 * would need backtracking is refused.
 */
export function patternFault(pattern: string): string | undefined {
  try {
    new RegExp(pattern);
  } catch (error) {
    return (error as Error).message;
  }
  const refused = /(?:^|[^\\])(?:\\\\)*(\(\?(?:[=!]|<[=!])|\\[1-9]|\\k<)/.exec(pattern.replace(/\[(?:[^\]\\]|\\.)*\]/g, 'x'))?.[1];
  return refused === undefined ? undefined : `${refused} needs backtracking, which rules must not; expected a pattern without look-around and back references (RE2)`;
}
