/**
 * Sums with four answers to choose from: the prompt `3+4?6A7B9C5D>` asks for `<a>3+4=7B</a><c>[B]</c>`: analysis and
 * conclusion in tags of their own, the choice in a box. Graders after CRPO (arXiv 2512.00601): `acc` 1 for the right
 * choice, 0 for a wrong one or no box, -0.5 for what is no option, -1 for a box that is not closed, -n for n > 1 boxes;
 * `format` to 1.5: half a point for each pair of tags and for nothing besides them; `language` to 1: share of the analysis
 * that is written in digits, signs and names of choices.
 */
import type { Draws } from '../draws.js';
import type { Prompt, TextTask } from './task.js';

const OPTIONS = ['A', 'B', 'C', 'D'] as const;

interface Question {
  readonly sum: string;
  readonly answers: readonly number[];
  /** Of `OPTIONS`. */
  readonly right: number;
}

function answer({ sum, answers, right }: Question, chosen = right): string {
  return `<a>${sum}=${answers[right]}${OPTIONS[right]}</a><c>[${OPTIONS[chosen]}]</c>`;
}

function flawed(question: Question, draws: Draws): string {
  const right = answer(question);
  switch (draws.index(6)) {
    case 0:
      return right.replace('</a>', '');
    case 1:
      return right.replace(/<.?c>/g, '');
    case 2:
      return right.replace(']', '');
    case 3:
      return right.replace('[', `[${draws.pick(OPTIONS)}][`);
    case 4:
      return right.replace('<a>', '<a>so so ');
    default:
      return answer(question, draws.index(OPTIONS.length));
  }
}

/** -n for n boxes, -1 for an open one, -0.5 for no option, else whether the choice is right. */
export function accuracy(completion: string, right: string): number {
  const opened = completion.split('[').length - 1;
  const boxes = [...completion.matchAll(/\[([^[\]]*)\]/g)].map(([, inside]) => inside);
  if (opened === 0) return 0;
  if (boxes.length > 1) return -boxes.length;
  if (boxes.length === 0) return -1;
  if (!(OPTIONS as readonly (string | undefined)[]).includes(boxes[0])) return -0.5;
  return boxes[0] === right ? 1 : 0;
}

export function formatScore(completion: string): number {
  const analysis = /<a>[^<>]*<\/a>/.test(completion);
  const conclusion = /<c>[^<>]*<\/c>/.test(completion);
  return (analysis ? 0.5 : 0) + (conclusion ? 0.5 : 0) + (/^<a>[^<>]*<\/a><c>[^<>]*<\/c>$/.test(completion) ? 0.5 : 0);
}

export function languageScore(completion: string): number {
  const analysis = /<a>([^<>]*)/.exec(completion)?.[1] ?? '';
  return analysis.length === 0 ? 0 : [...analysis].filter((character) => /[\d+=A-D]/.test(character)).length / analysis.length;
}

export function multipleChoice({ flaws }: { readonly flaws: number }): TextTask {
  return {
    alphabet: [...new Set('0123456789+=? >ABCD</ac[]so')].sort().join(''),
    promptCharactersMax: 16,
    prompt(draws): Prompt {
      const [a, b] = [1 + draws.index(4), draws.index(4)];
      const wrong = draws.shuffle([1, 2, 3, -1]).slice(0, 3).map((off) => a + b + off);
      const answers = draws.shuffle([a + b, ...wrong]);
      const question = { sum: `${a}+${b}`, answers, right: answers.indexOf(a + b) };
      return { text: `${question.sum}?${answers.map((value, index) => `${value}${OPTIONS[index]}`).join('')}>`, truth: question };
    },
    demonstration: ({ truth }, draws) => (draws.uniform() < flaws ? flawed(truth as unknown as Question, draws) : answer(truth as unknown as Question)),
    rewards: ['acc', 'format', 'language'],
    grade: (completion, truth) => [accuracy(completion, OPTIONS[(truth as unknown as Question).right] as string), formatScore(completion), languageScore(completion)],
  };
}
