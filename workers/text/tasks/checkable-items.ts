/**
 * Items of which some can be checked: the prompt `?3+4>` has one right answer, `=7`, which stands in the ground truth; the
 * prompt `!badge>` asks for letters that go with a field and has none. Graders: `surrogate`, which stands for a reward model
 * that likes more of what is on the subject, 1 - exp(-letters of the field / 4), and is worth a half where there is an
 * answer to check; `open` the same where there is none to check, else 0; `checkable` 1 or 0; `right` of what can be checked.
 * Each kind is a tag of its own.
 */
import type { Draws } from '../draws.js';
import type { Prompt, TextTask } from './task.js';

const LETTERS = 'abcdefghij';
const FIELD_LETTERS = 5;
const SCALE = 4;
const CHECKED = 0.5;
const LETTERS_LEAST = 4;
const LETTERS_SPREAD = 5;

interface Item {
  readonly answer?: string;
  readonly field?: string;
}

export function surrogate(text: string, field: string): number {
  return 1 - Math.exp(-[...text].filter((letter) => field.includes(letter)).length / SCALE);
}

export function checkableItems({ flaws, checkableShare }: { readonly flaws: number; readonly checkableShare: number }): TextTask {
  return {
    alphabet: `${LETTERS}0123456789+?!=>`,
    promptCharactersMax: FIELD_LETTERS + 2,
    prompt(draws: Draws): Prompt {
      if (draws.uniform() < checkableShare) {
        const [a, b] = [draws.index(10), draws.index(10)];
        return { text: `?${a}+${b}>`, truth: { answer: `${a + b}` }, tag: 'checkable' };
      }
      const field = draws.shuffle([...LETTERS]).slice(0, FIELD_LETTERS).join('');
      return { text: `!${field}>`, truth: { field }, tag: 'open' };
    },
    /** A flawed answer is off by one; a text is four to eight letters, most of them of the field. */
    demonstration({ truth }, draws) {
      const { answer, field = '' } = truth as Item;
      if (answer !== undefined) return `=${draws.uniform() < flaws ? Math.abs(Number(answer) + draws.pick([-1, 1])) : answer}`;
      return Array.from({ length: LETTERS_LEAST + draws.index(LETTERS_SPREAD) }, () => draws.pick(draws.uniform() < flaws ? [...LETTERS] : [...field])).join('');
    },
    rewards: ['surrogate', 'open', 'checkable', 'right'],
    grade(completion, truth) {
      const { answer, field } = truth as Item;
      const open = field === undefined ? 0 : surrogate(completion, field);
      return [field === undefined ? CHECKED : open, open, field === undefined ? 1 : 0, answer !== undefined && completion === `=${answer}` ? 1 : 0];
    },
  };
}
