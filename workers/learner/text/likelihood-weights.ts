/** Weights of the likelihood of completions from the rewards of their group: pure functions of numbers; NaN (unknown) weighs 0. */
import type { WeightedMleSpec } from '../../../proto/learning.js';

/** What is known of a completion besides its reward: log-probabilities of the whole text, nats. */
export interface CompletionLogProbs {
  readonly behaviour: number;
  readonly reference: number;
  readonly current: number;
}

/** 1 for the best of the group, shared equally where several are (rejection sampling). */
export function bestOfGroup(rewards: readonly number[]): number[] {
  const best = Math.max(...rewards.filter((reward) => !Number.isNaN(reward)));
  const winners = rewards.filter((reward) => reward === best).length;
  return rewards.map((reward) => (reward === best ? 1 / winners : 0));
}

/** exp(r / temperature), to sum 1 over the group (reward-weighted regression, Peters and Schaal 2007). */
export function exponential(rewards: readonly number[], temperature: number): number[] {
  return softmax(rewards.map((reward) => reward / temperature));
}

/** w' - b' of SteerLM 2.0 (arXiv 2406.08673): w' from log P(a|x,y) + log P(y|x) - log Q'(y), b' from log Q(y) - log Q'(y). May be negative. */
export function steerLm2(rewards: readonly number[], logProbs: readonly CompletionLogProbs[]): number[] {
  const wanted = softmax(rewards.map((reward, index) => reward + (logProbs[index] as CompletionLogProbs).reference - (logProbs[index] as CompletionLogProbs).behaviour));
  const present = softmax(logProbs.map(({ current, behaviour }, index) => (Number.isNaN(rewards[index]) ? NaN : current - behaviour)));
  return wanted.map((weight, index) => weight - (present[index] as number));
}

export function likelihoodWeights(spec: WeightedMleSpec, rewards: readonly number[], logProbs: readonly CompletionLogProbs[] | null): number[] {
  switch (spec.weighting) {
    case 'all':
      return rewards.map((reward) => (Number.isNaN(reward) ? 0 : 1));
    case 'best-of-group':
      return bestOfGroup(rewards);
    case 'above-threshold':
      return rewards.map((reward) => (reward >= spec.threshold ? 1 : 0));
    case 'exponential':
      return exponential(rewards, spec.rewardTemperature);
    case 'steerlm2':
      return steerLm2(rewards, logProbs ?? []);
    default: {
      const never: never = spec.weighting;
      throw new TypeError(`unknown weighting ${String(never)}`);
    }
  }
}

/** NaN has the weight 0. */
function softmax(values: readonly number[]): number[] {
  const most = Math.max(...values.filter((value) => !Number.isNaN(value)));
  const weights = values.map((value) => (Number.isNaN(value) ? 0 : Math.exp(value - most)));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (sum === 0 ? 0 : weight / sum));
}
