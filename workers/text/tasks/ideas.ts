/**
 * Ideas under control: the prompt `badge 6>` names a field (five letters) and asks for novelty with the weight 0.6; an idea
 * is six letters. Scores stand for three reward models (after arXiv 2412.14626): `novelty` square root of the share of
 * letters outside the field, `feasibility` of those within it, `effectiveness` share of distinct letters. The roots make
 * what is best a mixture that moves with the weights, not one end of it. The ground truth of a prompt holds its weights;
 * `asked` is the sum by these, so each request is rewarded as it asks.
 */
import type { Draws } from '../draws.js';
import type { Prompt, TextTask } from './task.js';

const LETTERS = 'abcdefghij';
const FIELD_LETTERS = 5;
const IDEA_LETTERS = 6;
/** Tenths that a prompt may ask for. */
export const NOVELTY_TENTHS = [2, 4, 6, 8] as const;
const EFFECTIVENESS_WEIGHT = 0.2;
/** Of the letters of a demonstration. At one half a letter would say nothing of the field, and imitation would not learn to look at it. */
const WITHIN_SHARE = 0.9;

/** Of the first six letters; what is missing counts for nothing. */
export function ideaScores(text: string, field: string): { readonly novelty: number; readonly feasibility: number; readonly effectiveness: number } {
  const letters = [...text].filter((letter) => LETTERS.includes(letter)).slice(0, IDEA_LETTERS);
  const within = letters.filter((letter) => field.includes(letter)).length;
  return { novelty: Math.sqrt((letters.length - within) / IDEA_LETTERS), feasibility: Math.sqrt(within / IDEA_LETTERS), effectiveness: new Set(letters).size / IDEA_LETTERS };
}

export function ideas(): TextTask {
  return {
    alphabet: `${LETTERS}0123456789 >`,
    promptCharactersMax: FIELD_LETTERS + 3,
    prompt(draws: Draws): Prompt {
      const field = draws.shuffle([...LETTERS]).slice(0, FIELD_LETTERS).join('');
      const tenths = draws.pick(NOVELTY_TENTHS);
      return { text: `${field} ${tenths}>`, truth: { field, novelty: tenths / 10, feasibility: 1 - tenths / 10, effectiveness: EFFECTIVENESS_WEIGHT }, tag: `novelty-${tenths}` };
    },
    /** More from within the field than from outside: whoever imitates this sees the field and does not heed the control. */
    demonstration({ truth }, draws) {
      const { field } = truth as unknown as { readonly field: string };
      const outside = [...LETTERS].filter((letter) => !field.includes(letter));
      return Array.from({ length: IDEA_LETTERS }, () => draws.pick(draws.uniform() < WITHIN_SHARE ? [...field] : outside)).join('');
    },
    rewards: ['novelty', 'feasibility', 'effectiveness', 'asked'],
    grade(completion, truth) {
      const asked = truth as unknown as ReturnType<typeof ideaScores> & { readonly field: string };
      const { novelty, feasibility, effectiveness } = ideaScores(completion, asked.field);
      return [novelty, feasibility, effectiveness, asked.novelty * novelty + asked.feasibility * feasibility + asked.effectiveness * effectiveness];
    },
  };
}
