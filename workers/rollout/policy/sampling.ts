/**
 * Actions from policy outputs. A draw is a pure function of (seed, counter), so that a retry, another worker or a
 * rebuilt shard takes the same actions.
 *
 * Log-probabilities are those of the trainer's log-softmax: float32 logits in, float32 result, with the sums between
 * carried in float64, so they differ from a float32 log-softmax by its own rounding only.
 */
import { LaurelError } from '../../../proto/errors.js';
import type { CounterRandom } from '../../../proto/philox.js';
import type { ActionSpace } from '../environments/environment.js';

const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** `sample`: by probability. `greedy`: the likeliest action (the first of several), the mean where actions are continuous. */
export type SamplingMode = 'sample' | 'greedy';

/**
 * Values that describe one environment's action distribution, `parametersPerAction` of them: the logits (discrete), or
 * the means followed by the logarithms of the standard deviations (continuous).
 */
export interface ActionSampler {
  readonly parametersPerAction: number;
  /** Values of one action: 1 (an id), or `action.size`. */
  readonly valuesPerAction: number;
  /**
   * Draws the action of row `row` under the counter (c0, c1, c2): (shard, environment, step of that environment) in a
   * run, (episode, 1, step) in an evaluation. The action goes to `actions` at `row * valuesPerAction`.
   * @returns its log-probability.
   * @throws LaurelError LAUREL_NUMBER_INVALID where an output is not a number.
   */
  draw(outputs: Float32Array, row: number, c0: number, c1: number, c2: number, actions: Int32Array | Float32Array): number;
}

export function createActionSampler(space: ActionSpace, random: CounterRandom, mode: SamplingMode): ActionSampler {
  return space.kind === 'discrete' ? new CategoricalSampler(space.count, random, mode) : new GaussianSampler(space.size, random, mode);
}

/** Inverse of the cumulative distribution of softmax(logits). A logit of -Infinity is an action that cannot be taken. */
class CategoricalSampler implements ActionSampler {
  readonly valuesPerAction = 1;
  private readonly masses: Float64Array;

  constructor(
    readonly parametersPerAction: number,
    private readonly random: CounterRandom,
    private readonly mode: SamplingMode,
  ) {
    this.masses = new Float64Array(parametersPerAction);
  }

  draw(outputs: Float32Array, row: number, c0: number, c1: number, c2: number, actions: Int32Array | Float32Array): number {
    const count = this.parametersPerAction;
    const first = row * count;
    let highest = -Infinity;
    let likeliest = 0;
    for (let action = 0; action < count; action++) {
      const logit = outputs[first + action] as number;
      if (logit > highest) {
        highest = logit;
        likeliest = action;
      }
    }
    let total = 0;
    for (let action = 0; action < count; action++) {
      const mass = Math.exp((outputs[first + action] as number) - highest);
      this.masses[action] = mass;
      total += mass;
    }
    // The likeliest action alone has mass 1: anything else means a NaN, +Infinity, or nothing but -Infinity.
    if (!(total >= 1) || highest === Infinity) throw invalidOutputs(outputs.subarray(first, first + count), row);
    const chosen = this.mode === 'greedy' ? likeliest : this.inverse(this.random.uniform(c0, c1, c2) * total, likeliest);
    actions[row] = chosen;
    return Math.fround((outputs[first + chosen] as number) - highest - Math.log(total));
  }

  /** First action whose cumulative mass passes the threshold, summed in the order of the total, so that the last one does. */
  private inverse(threshold: number, fallback: number): number {
    let cumulative = 0;
    for (let action = 0; action < this.parametersPerAction; action++) {
      cumulative += this.masses[action] as number;
      if (cumulative > threshold) return action;
    }
    return fallback;
  }
}

/** Independent normal distributions; the action is kept as drawn and bounded only for the environment. */
class GaussianSampler implements ActionSampler {
  readonly parametersPerAction: number;

  constructor(
    readonly valuesPerAction: number,
    private readonly random: CounterRandom,
    private readonly mode: SamplingMode,
  ) {
    this.parametersPerAction = 2 * valuesPerAction;
  }

  draw(outputs: Float32Array, row: number, c0: number, c1: number, c2: number, actions: Int32Array | Float32Array): number {
    const first = row * this.parametersPerAction;
    let logProb = 0;
    for (let index = 0; index < this.valuesPerAction; index++) {
      const mean = outputs[first + index] as number;
      const logDeviation = outputs[first + this.valuesPerAction + index] as number;
      const deviation = Math.exp(logDeviation);
      const noise = this.mode === 'greedy' ? 0 : this.random.normal(c0, c1, c2, index);
      const at = row * this.valuesPerAction + index;
      actions[at] = mean + deviation * noise;
      // From the action as stored (float32), because the trainer sees no other.
      const distance = ((actions[at] as number) - mean) / deviation;
      logProb -= 0.5 * distance * distance + logDeviation + HALF_LOG_TWO_PI;
    }
    if (!Number.isFinite(logProb)) throw invalidOutputs(outputs.subarray(first, first + this.parametersPerAction), row);
    return Math.fround(logProb);
  }
}

/** What the environment gets: continuous actions within their bounds, discrete ones as they are. */
export function boundActions(space: ActionSpace, actions: Int32Array | Float32Array, bounded: Int32Array | Float32Array): void {
  if (space.kind === 'discrete') {
    bounded.set(actions);
    return;
  }
  for (let index = 0; index < actions.length; index++) {
    const low = space.low[index % space.size] ?? -Infinity;
    const high = space.high[index % space.size] ?? Infinity;
    bounded[index] = Math.min(high, Math.max(low, actions[index] as number));
  }
}

/** Buffer for one action of each environment. */
export function createActionBuffer(space: ActionSpace, size: number): Int32Array | Float32Array {
  return space.kind === 'discrete' ? new Int32Array(size) : new Float32Array(size * space.size);
}

function invalidOutputs(outputs: Float32Array, row: number): LaurelError {
  return new LaurelError('LAUREL_NUMBER_INVALID', `expected the policy's outputs for environment ${row} to describe a distribution, got ${Array.from(outputs.subarray(0, 16)).join(', ')}`, {
    row,
  });
}
