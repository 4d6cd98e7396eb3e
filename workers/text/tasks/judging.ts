/**
 * Which of two answers to a sum is right: the prompt `3+5:7A8B>` asks for `<t>8B</t>[B]`, a thought (the sum, and who
 * says so) and then the verdict. Graders after R1-Reward (arXiv 2505.02835): `format` 0 or 1; `acc` whether the right one is
 * named; `consistent` 1 where the thought speaks for the verdict, -1 where it speaks for the other one, 0 where it speaks for
 * none; `judged` = acc (1 + 0.5 consistent).
 */
import type { Prompt, TextTask } from './task.js';

const WHOLE = /^<t>\d[AB]<\/t>\[[AB]\]$/;
/** Answers are below it. */
const DIGITS = 10;
const CONSISTENCY_WEIGHT = 0.5;

interface Pair {
  readonly sum: string;
  /** What A and B say. */
  readonly answers: readonly number[];
  /** 0: A, 1: B. */
  readonly right: number;
}

const NAMES = ['A', 'B'] as const;

const written = (answers: readonly number[], thought: number, named: number): string => `<t>${answers[thought]}${NAMES[thought]}</t>[${NAMES[named]}]`;

/** Which one a text names: 0, 1, or -1 for none or both. */
function namedIn(text: string): number {
  const found = new Set([...text.matchAll(/\[([AB])\]/g)].map(([, name]) => name));
  return found.size === 1 ? NAMES.findIndex((name) => found.has(name)) : -1;
}

/** Whether the thought speaks for the verdict (1), for the other answer (-1), or for none (0). */
export function consistency(text: string): number {
  const named = namedIn(text);
  const thought = NAMES.findIndex((name) => name === /<t>\d([AB])/.exec(text)?.[1]);
  return named === -1 || thought === -1 ? 0 : thought === named ? 1 : -1;
}

export function judging({ flaws }: { readonly flaws: number }): TextTask {
  return {
    alphabet: '0123456789+:AB></t[]',
    promptCharactersMax: 9,
    prompt(draws): Prompt {
      const a = 1 + draws.index(4);
      const sum = a + draws.index(4);
      const wrong = draws.pick([-2, -1, 1, 2].map((off) => sum + off).filter((value) => value >= 0 && value < DIGITS));
      const right = draws.index(2);
      const answers = right === 0 ? [sum, wrong] : [wrong, sum];
      const asked = `${a}+${sum - a}`;
      return { text: `${asked}:${answers.map((answer, index) => `${answer}${NAMES[index]}`).join('')}>`, truth: { sum: asked, answers, right } };
    },
    /** A flawed one names the wrong answer, thinks the wrong one and names the right, or leaves something out. */
    demonstration({ truth }, draws) {
      const { answers, right } = truth as unknown as Pair;
      const [best, other] = [right, 1 - right];
      if (draws.uniform() >= flaws) return written(answers, best, best);
      switch (draws.index(4)) {
        case 0:
          return written(answers, best, other);
        case 1:
          return written(answers, other, best);
        case 2:
          return written(answers, other, other);
        default:
          return written(answers, best, best).replace(draws.pick(['</t>', '<t>', ']']), '');
      }
    },
    rewards: ['format', 'acc', 'consistent', 'judged'],
    grade(completion, truth) {
      const acc = namedIn(completion) === (truth as unknown as Pair).right ? 1 : 0;
      const consistent = consistency(completion);
      return [WHOLE.test(completion) ? 1 : 0, acc, consistent, acc * (1 + CONSISTENCY_WEIGHT * consistent)];
    },
  };
}
