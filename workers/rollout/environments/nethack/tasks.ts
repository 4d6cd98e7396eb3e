/**
 * Tasks as data: what a step is worth and when it ends the episode, from numbers before and after it.
 */
import type { NetHackSpec } from '../../../../proto/environments.js';
import type { NetHackTask } from './options.js';

/** What a step changed, as far as tasks look at it. */
export interface StepFacts {
  readonly scoreBefore: number;
  readonly scoreAfter: number;
  readonly turnBefore: number;
  readonly turnAfter: number;
  /** Number of the level within its dungeon. */
  readonly levelNumber: number;
  readonly arrivedByStairs: boolean;
  /** True where the Oracle stands on one of the eight squares around the hero, seen with a clear mind. */
  readonly besideOracle: boolean;
  readonly hallucinating: boolean;
}

export interface TaskResult {
  reward: number;
  /** The task is done: the episode ends. */
  success: boolean;
}

interface Task {
  /** Name of the reward component. */
  readonly reward: string;
  judge(facts: StepFacts, options: NetHackSpec, result: TaskResult): void;
}

/** A step in which the game's time stands still costs this much. */
const FROZEN_STEP_REWARD = -0.01;
const SUCCESS_REWARD = 50;

export const TASKS: Readonly<Record<NetHackTask, Task>> = {
  /** Gain in the game's own score. */
  score: {
    reward: 'score',
    judge(facts, _options, result) {
      result.reward = facts.scoreAfter - facts.scoreBefore + (facts.turnAfter === facts.turnBefore ? FROZEN_STEP_REWARD : 0);
      result.success = false;
    },
  },
  /** Come down the stairs to a level. */
  staircase: {
    reward: 'staircase',
    judge(facts, options, result) {
      result.success = facts.arrivedByStairs && facts.levelNumber === options.level;
      result.reward = result.success ? SUCCESS_REWARD : 0;
    },
  },
  /** Stand beside the Oracle. A hallucinating hero sees oracles everywhere: that does not count. */
  oracle: {
    reward: 'oracle',
    judge(facts, _options, result) {
      result.success = facts.besideOracle && !facts.hallucinating;
      result.reward = result.success ? SUCCESS_REWARD : 0;
    },
  },
};
