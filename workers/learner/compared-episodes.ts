/** Advantages of whole episodes of fixed length, compared within groups that began alike: pure functions of numbers. */
import type { ActorCriticSpec } from '../../proto/learning.js';
import type { TrainingBatch } from './stepper.js';
import { isEqualGroup, leaveOneOut, standardised } from './text/advantages.js';

export interface EpisodeGrid {
  /** T, a multiple of `episodeSteps`. */
  readonly steps: number;
  readonly episodeSteps: number;
  /** Columns beside each other that began alike; the columns of the batch are a multiple of it. */
  readonly groupSize: number;
}

export interface ComparedEpisodes {
  /** f32 [T, B]; 0 where the weight is 0. */
  readonly advantage: Float32Array;
  /** f32 [T, B]: 0 for all of an episode of which a reward is unknown, or which does not fill its place in the grid. */
  readonly weight: Float32Array;
  readonly metrics: { readonly rewardMean: number; readonly returnMean: number; readonly equalGroups: number };
}

/** What is read of a batch, each f32 [T, B]. `done` is 1 where an episode ended. */
export type Episodes = Pick<TrainingBatch, 'reward' | 'weight' | 'done'>;

export function comparedEpisodes({ correction }: Pick<ActorCriticSpec, 'correction'>, { reward, weight, done }: Episodes, { steps, episodeSteps, groupSize }: EpisodeGrid): ComparedEpisodes {
  const width = reward.length / steps;
  const advantage = new Float32Array(reward.length);
  const counted = new Float32Array(reward.length);
  const groups: number[][] = [];
  for (let begin = 0; begin < steps; begin += episodeSteps) {
    for (let column = 0; column < width; column += groupSize) {
      const rows = (member: number): number[] => Array.from({ length: episodeSteps }, (_, step) => (begin + step) * width + column + member);
      const returns = Array.from({ length: groupSize }, (_, member) => returnOf(rows(member), reward, weight, done));
      const advantages = correction === 'rloo' ? leaveOneOut(returns) : standardised(returns);
      groups.push(returns);
      advantages.forEach((value, member) => {
        if (Number.isNaN(value)) return;
        for (const row of rows(member)) [advantage[row], counted[row]] = [value, 1];
      });
    }
  }
  const known = groups.flat().filter((value) => !Number.isNaN(value));
  const returnMean = known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length;
  return { advantage, weight: counted, metrics: { rewardMean: returnMean / episodeSteps, returnMean, equalGroups: groups.filter(isEqualGroup).length / groups.length } };
}

/** Undiscounted; NaN where it is not known. */
function returnOf(rows: readonly number[], reward: Float32Array, weight: Float32Array, done: Float32Array): number {
  const whole = rows.every((row, step) => weight[row] === 1 && done[row] === (step === rows.length - 1 ? 1 : 0));
  return whole ? rows.reduce((sum, row) => sum + (reward[row] as number), 0) : NaN;
}
