/**
 * Uses after a release: the prompt `+a .b -a .a>` (take a, use b, release a, use a) has the fault at place 4, and asks for
 * `bad 4`; one without asks for `ok`. Few prompts have a fault. Graders: `correct` verdict, `location` of the fault,
 * `scaled`: the mean of both times the weight of the true class, (1 / share) to mean 1 over the classes; and what recall
 * and F1 are made of: `fault` there is one, `hit` it is found, `alarm` one is told where there is none.
 */
import type { Prompt, TextTask } from './task.js';

const NAMES = ['a', 'b'] as const;
const STEPS = 4;
const ATTEMPTS_MAX = 200;

interface Verdict {
  /** Place of the use after the release, from 1; null: there is none. */
  readonly at: number | null;
}

/** The first use of a name that was released before, as a place from 1. */
export function faultIn(steps: readonly string[]): number | null {
  const released = new Set<string>();
  for (const [index, step] of steps.entries()) {
    const name = step.slice(1);
    if (step.startsWith('.') && released.has(name)) return index + 1;
    if (step.startsWith('-')) released.add(name);
    if (step.startsWith('+')) released.delete(name);
  }
  return null;
}

const written = ({ at }: Verdict): string => (at === null ? 'ok' : `bad ${at}`);

export function detection({ flaws, faultShare }: { readonly flaws: number; readonly faultShare: number }): TextTask {
  const weights = { fault: 0.5 / faultShare, none: 0.5 / (1 - faultShare) };
  return {
    alphabet: '+-. >okbad1234',
    promptCharactersMax: STEPS * 3,
    prompt(draws): Prompt {
      const wanted = draws.uniform() < faultShare;
      for (let attempt = 0; ; attempt++) {
        const steps = Array.from({ length: STEPS }, () => `${draws.pick(['+', '-', '.'])}${draws.pick(NAMES)}`);
        const at = faultIn(steps);
        if ((at !== null) === wanted || attempt === ATTEMPTS_MAX) return { text: `${steps.join(' ')}>`, truth: { at } };
      }
    },
    /** A flawed one overlooks the fault, or tells a wrong place. */
    demonstration({ truth }, draws) {
      const { at } = truth as unknown as Verdict;
      if (at === null || draws.uniform() >= flaws) return written({ at });
      return draws.uniform() < 0.8 ? 'ok' : written({ at: 1 + draws.index(STEPS) });
    },
    rewards: ['correct', 'location', 'scaled', 'fault', 'hit', 'alarm'],
    grade(completion, truth) {
      const { at } = truth as unknown as Verdict;
      const told = /^bad [1-4]$/.test(completion);
      const correct = at === null ? (completion === 'ok' ? 1 : 0) : told ? 1 : 0;
      const location = completion === written({ at }) ? 1 : 0;
      const weight = at === null ? weights.none : weights.fault;
      return [correct, location, (weight * (correct + location)) / 2, at === null ? 0 : 1, at !== null && told ? 1 : 0, at === null && told ? 1 : 0];
    },
  };
}
