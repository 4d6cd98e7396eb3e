/** What an evaluation gives: figures with their 95 % intervals. */
import { meanInterval, type MeanInterval } from '../../rollout/mean-interval.js';
import type { Dataset } from '../dataset.js';
import type { Scoring } from '../scoring.js';

export interface EvaluationContext {
  readonly scoring: Scoring;
  readonly data: Dataset;
}

export interface Evaluated {
  /** Pairs, lists, units: whatever the figures are means over. */
  readonly items: number;
  readonly means: Readonly<Record<string, MeanInterval>>;
}

/** A number that is no sample mean. */
export function exact(value: number): MeanInterval {
  return { mean: value, halfWidth: 0 };
}

/** Mean with its interval; with one value the interval is unknown and left at 0. */
export function sampled(values: readonly number[]): MeanInterval {
  return meanInterval(values) ?? exact(values[0] ?? NaN);
}
