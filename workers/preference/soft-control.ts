/** Soft-optimal policies of small decision processes with known moves, and where they lead. Units are (state, action), state-major. */
import { unitNumbers, type Dataset } from './dataset.js';

export interface Process {
  readonly states: number;
  readonly actions: number;
  /** State after each unit. */
  readonly next: Float32Array;
  /** Probability of beginning in each state. */
  readonly start: Float32Array;
  readonly horizon: number;
  readonly discount: number;
}

/** Sweeps of value iteration: with a discount of 0.9 the error falls below 1e-9. */
const SWEEPS = 200;

export function processOf(data: Dataset): Process {
  const { actions, horizon, discount } = data.facts as { actions: number; horizon: number; discount: number };
  const start = unitNumbers(data, 'start');
  const states = data.rows / actions;
  return { states, actions, next: unitNumbers(data, 'next'), start: Float32Array.from({ length: states }, (_, state) => start[state * actions] as number), horizon, discount };
}

/** log pi(a | s) = Q(s, a) - log sum exp Q with Q = r + gamma V(next): the maximum-entropy policy of temperature 1. */
export function softPolicy({ states, actions, next, discount }: Process, reward: ArrayLike<number>): Float64Array {
  const value = new Float64Array(states);
  const q = new Float64Array(states * actions);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (let row = 0; row < q.length; row++) q[row] = (reward[row] as number) + discount * (value[next[row] as number] as number);
    for (let state = 0; state < states; state++) value[state] = logSumExp(q.subarray(state * actions, (state + 1) * actions));
  }
  return q.map((one, row) => one - (value[Math.floor(row / actions)] as number));
}

/** Share of the steps of an episode that are spent with each state and action; sums to 1. */
export function occupancy({ states, actions, next, start, horizon }: Process, logPolicy: Float64Array): Float64Array {
  const total = new Float64Array(states * actions);
  let here = Float64Array.from(start);
  for (let step = 0; step < horizon; step++) {
    const there = new Float64Array(states);
    for (let row = 0; row < total.length; row++) {
      const mass = (here[Math.floor(row / actions)] as number) * Math.exp(logPolicy[row] as number);
      total[row] = (total[row] as number) + mass / horizon;
      there[next[row] as number] = (there[next[row] as number] as number) + mass;
    }
    here = there;
  }
  return total;
}

/** Half the sum of absolute differences of two distributions. */
export function totalVariation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let row = 0; row < a.length; row++) sum += Math.abs((a[row] as number) - (b[row] as number));
  return sum / 2;
}

function logSumExp(values: Float64Array): number {
  const highest = Math.max(...values);
  return highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
}
