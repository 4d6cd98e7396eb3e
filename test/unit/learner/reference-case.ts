/** The cases of test/reference/learner/cases.json as arrays; the same formulas as in its make_fixtures.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { actorCriticSchema, comparesEpisodes, networkPolicySchema, type ActorCriticSpec, type NetworkPolicySpec } from '../../../proto/learning.js';
import { comparedEpisodes } from '../../../workers/learner/compared-episodes.js';
import { sizeOf, type Shape } from '../../../workers/learner/graph/graph.js';
import { Network } from '../../../workers/learner/networks/network.js';
import { freshTrainerState, type TrainerState } from '../../../workers/learner/loss-session.js';
import type { TrainingBatch } from '../../../workers/learner/stepper.js';
import type { ObservationSpace, Spaces } from '../../../workers/rollout/environments/environment.js';

const ROOT = join(import.meta.dirname, '..', '..');

export interface ReferenceCase {
  readonly name: string;
  readonly policy: NetworkPolicySpec;
  readonly learn: ActorCriticSpec;
  readonly spaces: Spaces;
  /** [T, B]. */
  readonly grid: readonly [number, number];
  /** Length of all episodes, where they are compared. */
  readonly episodeSteps?: number;
  readonly seed: number;
}

interface DescribedCase extends Pick<ReferenceCase, 'name' | 'grid' | 'episodeSteps' | 'seed'> {
  readonly policy: unknown;
  readonly learn: unknown;
  readonly spaces: Pick<Spaces, 'observations' | 'action'>;
}

export interface Expected {
  readonly name: string;
  /** One entry for each step. */
  readonly metrics: readonly Readonly<Record<string, number>>[];
  readonly parameters: Readonly<Record<string, { readonly shape: readonly number[]; readonly stride: number; readonly norm: number; readonly sample: readonly number[] }>>;
}

export function readCases(): ReferenceCase[] {
  const { cases } = JSON.parse(readFileSync(join(ROOT, 'reference', 'learner', 'cases.json'), 'utf8')) as { cases: DescribedCase[] };
  return cases.map((one) => ({ ...one, policy: networkPolicySchema.parse(one.policy), learn: actorCriticSchema.parse(one.learn), spaces: { ...one.spaces, rewards: ['reward'], textBytesMax: 0, episodeStatistics: [] } }));
}

export function readExpected(): Expected[] {
  return (JSON.parse(readFileSync(join(ROOT, 'fixtures', 'learner', 'steps.json'), 'utf8')) as { cases: Expected[] }).cases;
}

export function networkOf(one: ReferenceCase): Network {
  return new Network(one.spaces, one.policy);
}

export function stateOf({ seed }: ReferenceCase, network: Network): TrainerState {
  const parameters = Object.fromEntries(
    network.parameters.map(({ name, shape }, index) => [name, floats(1000 * seed + index, shape, shape.length > 1 ? 1.2 / Math.max(1, shape[0] as number) ** 0.5 : 0.1)]),
  );
  return freshTrainerState(parameters);
}

export function batchOf({ grid: [steps, width], seed, spaces, episodeSteps }: ReferenceCase, { stateSize, valueCount: heads }: Network): TrainingBatch {
  const rows = steps * width;
  const base = 100_000 * seed;
  const observations = Object.fromEntries(Object.entries(spaces.observations).map(([name, space], index) => [name, observation(space, base + index, rows)]));
  const ended = (value: number, row: number): boolean => (episodeSteps === undefined ? value > 0.7 : (Math.floor(row / width) + 1) % episodeSteps === 0 || value > 0.99);
  const done = Float32Array.from(wave(base + 50, rows), (value, row) => (ended(value, row) ? 1 : 0));
  const terminated = wave(base + 51, rows).map((value) => value > 0);
  const bootstrap = floats(base + 52, [rows * heads], 0.5);
  const { action } = spaces;
  return {
    observations,
    state: stateSize > 0 ? floats(base + 53, [width, stateSize], 0.5) : null,
    keep: Float32Array.from({ length: rows }, (_, row) => (row < width ? 1 : 1 - (done[row - width] as number))),
    action: action.kind === 'discrete' ? BigInt64Array.from(integers(base + 54, rows, action.count), BigInt) : floats(base + 54, [rows, action.size]),
    behaviourLogProb: floats(base + 55, [rows], 0.4, -1.5),
    behaviourValue: floats(base + 56, [rows * heads], 0.6),
    bootstrapValue: bootstrap.map((value, index) => {
      const row = Math.floor(index / heads);
      return done[row] === 1 ? (terminated[row] === true ? 0 : value) : row >= rows - width ? value : 0;
    }),
    reward: floats(base + 57, [rows * heads]),
    done,
    weight: Float32Array.from(wave(base + 58, rows), (value) => (value > 0.8 ? 0 : 1)),
  };
}

/** What the learner makes of a batch before a step, with the figures that it adds to the metrics of the step. */
export function compared({ grid: [steps], learn, episodeSteps }: ReferenceCase, batch: TrainingBatch): { readonly batch: TrainingBatch; readonly figures: Readonly<Record<string, number>> } {
  if (!comparesEpisodes(learn)) return { batch, figures: {} };
  const { advantage, weight, metrics } = comparedEpisodes(learn, batch, { steps, episodeSteps: episodeSteps as number, groupSize: learn.groupSize as number });
  return { batch: { ...batch, advantage, weight }, figures: metrics };
}

function observation(space: ObservationSpace, stream: number, rows: number): Uint8Array | Int16Array | Int32Array | Float32Array {
  const count = rows * sizeOf(space.shape);
  if (space.kind === 'glyphs') return Int16Array.from(integers(stream, count, space.vocabulary as number));
  if (space.kind === 'text' || space.kind === 'image') return Uint8Array.from(integers(stream, count, 256));
  return space.type === 'int32' ? Int32Array.from(integers(stream, count, 25)) : floats(stream, [count], 2);
}

function wave(stream: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.sin(12.9898 * (index + 1) + 78.233 * stream));
}
function floats(stream: number, shape: Shape, scale = 1, offset = 0): Float32Array {
  return Float32Array.from(wave(stream, sizeOf(shape)), (value) => offset + scale * value);
}
function integers(stream: number, count: number, below: number): number[] {
  return wave(stream, count).map((value) => Math.trunc(((value + 1) / 2) * below) % below);
}
