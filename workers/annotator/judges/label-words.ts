/** Reading a verdict from what a model says: from probabilities of the next token, or strictly from text. */
import { PAIR_CHOICES, type PairChoice } from '../../../proto/judges.js';

/** Label words by the name of their answer, as a prompt has them. */
export type Words = Readonly<Record<string, string>>;

/** What each answer counts for: P(helpful), or P(the first message is preferred) with a tie as one half. */
export const ANSWER_VALUES: Readonly<Record<string, number>> = { helpful: 1, unhelpful: 0, first: 1, second: 0, tie: 0.5 };

/** Sums of probability over the spellings of each label word, by the name of its answer. */
export type LabelMass = Readonly<Record<string, number>>;

/** The answer whose word a token spells, whatever its case and the blanks around it (also `▁` and `Ġ`, as vocabularies write them). */
export function answerOfToken(token: string, words: Words): string | undefined {
  const spelled = token.replace(/^[▁Ġ]+/u, '').trim().toLowerCase();
  return Object.keys(words).find((answer) => spelled === (words[answer] as string).toLowerCase());
}

/** Sums `[token, probability]` pairs by label word. */
export function massOf(pairs: Iterable<readonly [string, number]>, words: Words): LabelMass {
  const mass: Record<string, number> = Object.fromEntries(Object.keys(words).map((answer) => [answer, 0]));
  for (const [token, probability] of pairs) {
    const answer = answerOfToken(token, words);
    if (answer !== undefined && Number.isFinite(probability)) mass[answer]! += probability;
  }
  return mass;
}

/** Mean value of the answers among the label words, in [0, 1]; undefined where they have less than `massFloor` together: that is no verdict. */
export function probabilityOf(mass: LabelMass, massFloor: number): number | undefined {
  let joint = 0;
  let value = 0;
  for (const [answer, share] of Object.entries(mass)) {
    joint += share;
    value += share * (ANSWER_VALUES[answer] as number);
  }
  if (!(joint > 0) || joint < massFloor) return undefined;
  return value / joint;
}

/** The likeliest choice of a pair, the earlier one where two are equal; null: the words are those of one message. */
export function choiceOf(mass: LabelMass): PairChoice | null {
  if (!('tie' in mass)) return null;
  return PAIR_CHOICES.reduce((best, choice) => ((mass[choice] ?? 0) > (mass[best] ?? 0) ? choice : best));
}

/**
 * The answer where the reply is one of the words and nothing else, or its last line is (`Answer: Yes.`). A word in the
 * middle of an explanation is no verdict, nor is a reply that was cut off while it explained.
 */
export function parseVerdict(reply: string, words: Words, cut: boolean): string | undefined {
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
  return answerOfToken(bare, words);
}

/** The answer where the last line of an explanation is `Answer: <word>` and nothing else. A reply that was cut has no last line. */
export function parseReasoned(reply: string, words: Words, cut: boolean): string | undefined {
  const last = reply.replace(/<think>[\s\S]*?<\/think>/gu, '').trim().split('\n').at(-1)?.trim() ?? '';
  const field = /^[*_`"']*answer\s*:[*_`"']*\s*(.+)$/iu.exec(last)?.[1];
  if (field === undefined || cut) return undefined;
  return answerOfToken(field.replace(/^[\s"'`*_]+/u, '').replace(/[\s"'`*_.!]+$/u, ''), words);
}

/** The answer where the reply is a JSON object whose `answer` is a label word. */
export function parseJsonAnswer(reply: string, words: Words): string | undefined {
  try {
    const { answer } = JSON.parse(reply) as { answer?: unknown };
    return typeof answer === 'string' ? answerOfToken(answer, words) : undefined;
  } catch {
    return undefined;
  }
}
