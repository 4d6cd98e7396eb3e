/**
 * A text adventure in turns: the prompt `kn,me,gs>` asks to fetch three things (key, map, gem) one after another, each in
 * its direction, and the player writes a turn for each, `kn;me;gs`. A turn that goes for the thing that is wanted next, where
 * it is, gets it, any other is lost; there are four turns at most, so one may be lost. Graders after the guide to multi-turn
 * agents (arXiv 2510.01132): `won` 1 where all things were got; `dense` the sum of the turn rewards, each that of the turn
 * by the number of turns that gave one where the game is won, by the number of things where it is lost (so never above 1);
 * `turns` share of the turns that gave one.
 */
import type { Draws } from '../draws.js';
import type { Prompt, TextTask } from './task.js';

const DIRECTIONS = ['n', 'e', 's', 'w'] as const;
/** Key, map, gem, cup, hat, bow. */
const THINGS = ['k', 'm', 'g', 'c', 'h', 'b'] as const;
const WANTED = 3;
const TURNS_MAX = 4;
const SEPARATOR = ';';

/** Reward of each turn as the world gives it: 1 where the turn got what was wanted next, else 0. */
export function turnRewards(text: string, wanted: readonly string[]): number[] {
  let got = 0;
  return text
    .split(SEPARATOR)
    .slice(0, TURNS_MAX)
    .map((turn) => {
      if (got === wanted.length || turn !== wanted[got]) return 0;
      got += 1;
      return 1;
    });
}

/** Rewards of the turns as they are handed out: by the number of rewarded turns where the game is won, else by what could be got. */
export function denseRewards(given: readonly number[], most: number): number[] {
  const total = given.reduce((sum, one) => sum + one, 0);
  const positive = given.filter((one) => one > 0).length;
  const scale = total >= most ? Math.max(1, positive) : most;
  return given.map((one) => one / scale);
}

export function adventure({ flaws }: { readonly flaws: number }): TextTask {
  return {
    alphabet: [...THINGS, ...DIRECTIONS, SEPARATOR, ',', '>'].sort().join(''),
    promptCharactersMax: 9,
    prompt(draws: Draws): Prompt {
      const wanted = draws.shuffle(THINGS).slice(0, WANTED).map((thing) => `${thing}${draws.pick(DIRECTIONS)}`);
      return { text: `${wanted.join(',')}>`, truth: wanted };
    },
    /** A flaw is a turn that goes anywhere; turns are flawed by themselves. */
    demonstration({ truth }, draws) {
      const wanted = truth as unknown as string[];
      return wanted.map((turn) => (draws.uniform() < flaws ? `${turn[0]}${draws.pick(DIRECTIONS)}` : turn)).join(SEPARATOR);
    },
    rewards: ['won', 'dense', 'turns'],
    grade(completion, truth) {
      const wanted = truth as unknown as string[];
      const given = turnRewards(completion, wanted);
      const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
      return [sum(given) === wanted.length ? 1 : 0, sum(denseRewards(given, wanted.length)), sum(given) / Math.max(1, given.length)];
    },
  };
}
