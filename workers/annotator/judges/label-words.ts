/** Reading a verdict from what a model says: from probabilities of the next token, or strictly from text. */
import type { PromptTemplate } from '../prompts/prompt-template.js';

type Words = PromptTemplate['words'];

/** Sums of probability over the spellings of each label word. */
export interface LabelMass {
  readonly helpful: number;
  readonly unhelpful: number;
}

/** The label word that a token spells, whatever its case and the blanks around it (also `▁` and `Ġ`, as vocabularies write them). */
export function wordOfToken(token: string, words: Words): keyof LabelMass | undefined {
  const spelled = token.replace(/^[▁Ġ]+/u, '').trim().toLowerCase();
  if (spelled === words.helpful.toLowerCase()) return 'helpful';
  if (spelled === words.unhelpful.toLowerCase()) return 'unhelpful';
  return undefined;
}

/** Sums `[token, probability]` pairs by label word. */
export function massOf(pairs: Iterable<readonly [string, number]>, words: Words): LabelMass {
  const mass = { helpful: 0, unhelpful: 0 };
  for (const [token, probability] of pairs) {
    const word = wordOfToken(token, words);
    if (word !== undefined && Number.isFinite(probability)) mass[word] += probability;
  }
  return mass;
}

/** P(helpful) among the two words, in [0, 1]; undefined where they have less than `massFloor` together: that is no verdict. */
export function probabilityOf(mass: LabelMass, massFloor: number): number | undefined {
  const joint = mass.helpful + mass.unhelpful;
  if (!(joint > 0) || joint < massFloor) return undefined;
  return mass.helpful / joint;
}

/**
 * 1 or 0 where the reply is one of the words and nothing else, or its last line is (`Answer: Yes.`). A word in the middle
 * of an explanation is no verdict, nor is a reply that was cut off while it explained.
 */
export function parseVerdict(reply: string, words: Words, cut: boolean): 0 | 1 | undefined {
  const lines = reply
    .replace(/<think>[\s\S]*?<\/think>/gu, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const last = lines.at(-1);
  if (last === undefined || (cut && lines.length > 1)) return undefined;
  const bare = last
    .replace(/^[\s"'`*_#>-]*(?:(?:final\s+)?(?:answer|label|verdict)\s*(?:is)?\s*:)?/iu, '')
    .replace(/^[\s"'`*_([]+/u, '')
    .replace(/[\s"'`*_.!)\]]+$/u, '');
  const word = wordOfToken(bare, words);
  return word === undefined ? undefined : word === 'helpful' ? 1 : 0;
}
