/** An expert walks on a grid: what it does is seen, its reward is not. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { occupancy, softPolicy, type Process } from '../soft-control.js';
import { Draw, sigmoid } from './draw.js';

type ExpertSpec = DataSpecOf<'expert'>;

const STREAM = { reward: 1, episode: 2, pair: 3 } as const;
const MOVES = [[0, 1], [1, 0], [0, -1], [-1, 0]] as const;
const DISCOUNT = 0.9;
/** Reward of the far corner; the other cells have normal ones around 0. */
const GOAL_REWARD = 2;

/** Every state with every action is a unit; `visits` is what the episodes show, `occupancy` what the expert does on average. */
export function makeExpert(spec: ExpertSpec, seed: number): Record<string, Dataset> {
  const { size, horizon } = spec;
  const [states, actions] = [size * size, MOVES.length];
  const rows = states * actions;
  const draw = new Draw(seed, STREAM.reward);
  const cellReward = Float32Array.from({ length: states }, (_, state) => (state === states - 1 ? GOAL_REWARD : 0.3 * draw.normal(state)));
  const next = Float32Array.from({ length: rows }, (_, row) => neighbour(size, Math.floor(row / actions), row % actions));
  const start = Float32Array.from({ length: states }, (_, state) => (state < size ? 1 / size : 0));
  const reward = next.map((state) => cellReward[state] as number);
  const process: Process = { states, actions, next, start, horizon, discount: DISCOUNT };
  const logPolicy = softPolicy(process, reward);
  const column = (values: ArrayLike<number>) => ({ width: 1, values: Float32Array.from(values) });
  const embedding = new Float32Array(rows * rows);
  for (let row = 0; row < rows; row++) embedding[row * rows + row] = 1;
  return {
    train: {
      rows,
      units: {
        embedding: { width: rows, values: embedding },
        state: column(Array.from({ length: rows }, (_, row) => Math.floor(row / actions))),
        next: column(next),
        start: column(Array.from({ length: rows }, (_, row) => start[Math.floor(row / actions)] as number)),
        visits: column(visits(spec, process, logPolicy, new Draw(seed, STREAM.episode))),
        occupancy: column(occupancy(process, logPolicy)),
        reward: column(reward),
      },
      pairs: comparisons(spec, logPolicy, new Draw(seed, STREAM.pair)),
      lists: null,
      facts: { actions, horizon, discount: DISCOUNT },
    },
  };
}

function neighbour(size: number, state: number, action: number): number {
  const [dx, dy] = MOVES[action] as readonly [number, number];
  const [x, y] = [(state % size) + dx, Math.floor(state / size) + dy];
  return x < 0 || y < 0 || x >= size || y >= size ? state : y * size + x;
}

/** Share of the steps of some episodes with each unit. */
function visits({ episodes, horizon }: ExpertSpec, { actions, next, start }: Process, logPolicy: Float64Array, draw: Draw): Float32Array {
  const counts = new Float32Array(logPolicy.length);
  const choose = (weights: ArrayLike<number>, uniform: number): number => {
    let mass = 0;
    for (let index = 0; index < weights.length; index++) if ((mass += weights[index] as number) > uniform) return index;
    return weights.length - 1;
  };
  for (let episode = 0; episode < episodes; episode++) {
    let state = choose(start, draw.uniform(episode, 0));
    for (let step = 0; step < horizon; step++) {
      const action = choose(logPolicy.subarray(state * actions, (state + 1) * actions).map(Math.exp), draw.uniform(episode, 1 + step));
      const row = state * actions + action;
      counts[row] = (counts[row] as number) + 1 / (episodes * horizon);
      state = next[row] as number;
    }
  }
  return counts;
}

/** Pairs of units by how much better the expert likes one: probabilities of the difference of advantages. */
function comparisons({ pairs: count }: ExpertSpec, logPolicy: Float64Array, draw: Draw): Dataset['pairs'] {
  const first = Int32Array.from({ length: count }, (_, pair) => draw.below(logPolicy.length, pair, 0));
  const second = first.map((row, pair) => (row + 1 + draw.below(logPolicy.length - 1, pair, 1)) % logPolicy.length);
  return { count, first, second, label: Float32Array.from(first, (row, pair) => sigmoid((logPolicy[row] as number) - (logPolicy[second[pair] as number] as number))), columns: {} };
}
