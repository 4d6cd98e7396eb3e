/** Reading the scores of a list from what a judge says: strictly, each text once, or not at all. */
import { LIST_SCORES } from '../../../proto/reward-judge.js';
import { listLabels } from '../list.js';

/**
 * What each text is worth, 0 to 1, where the reply ends with `{"scores": {"A": 4, ...}}` in which each letter of the list
 * stands once with a whole score in range, and no other; undefined: that is no answer to the list.
 * @param count texts of the list
 * @param json the reply is one JSON object, whose last field are the scores
 */
export function parseScores(reply: string, count: number, json: boolean): number[] | undefined {
  const text = reply.replace(/<think>[\s\S]*?<\/think>/gu, '').replace(/\s*```\s*$/u, '').trim();
  const found = /\{\s*"scores"\s*:\s*(\{([^{}]*)\})\s*\}$/u.exec(json ? finalField(text) : text);
  const scores = found && (parsed(found[1] as string) as Readonly<Record<string, unknown>> | undefined);
  if (!found || !scores) return undefined;
  // A letter that stands twice shows in the text alone: what is parsed has the last of both.
  if ((found[2] as string).split(',').length !== count || Object.keys(scores).length !== count) return undefined;
  return scoredValues(listLabels(count).map((label) => scores[label]), count);
}

/** What each text is worth, 0 to 1, from as many whole scores as there are texts; undefined where they are not that. */
export function scoredValues(scores: unknown, count: number): number[] | undefined {
  if (!Array.isArray(scores) || scores.length !== count || !scores.every(isScore)) return undefined;
  return scores.map((score) => (score - LIST_SCORES.least) / (LIST_SCORES.most - LIST_SCORES.least));
}

function isScore(score: unknown): score is number {
  return typeof score === 'number' && Number.isInteger(score) && score >= LIST_SCORES.least && score <= LIST_SCORES.most;
}

/** An object with the scores alone, where the text is an object of which they are the last field; else nothing. */
function finalField(text: string): string {
  const scores = /"scores"\s*:\s*\{[^{}]*\}\s*\}$/u.exec(text)?.[0];
  return scores !== undefined && text.startsWith('{') && parsed(text) !== undefined ? `{${scores}` : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
