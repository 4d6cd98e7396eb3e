/**
 * An empty room with marked places that are to be visited in an order. What is seen is where one stands: which places were
 * visited is not seen, so a reward that depends on it is not a function of what is seen. Messages name the places.
 */
import { CounterRandom } from '../../../../proto/philox.js';
import type { LandmarksSpec } from '../../../../proto/environments.js';
import type { EpisodeSeed, Spaces } from '../environment.js';
import type { EnvironmentModel, ModelOutcome } from '../model-group.js';

export const LANDMARK_ACTIONS = ['north', 'east', 'south', 'west'] as const;
const STEP_X = [0, 1, 0, -1] as const;
const STEP_Y = [-1, 0, 1, 0] as const;
const NAMES = ['A', 'B', 'C', 'D'] as const;
const TEXT_BYTES_MAX = 16;
const text = (words: string): Uint8Array => Uint8Array.from(Buffer.from(words, 'latin1'));
const AT = NAMES.map((name) => text(`you stand on ${name}`));

const rowsOf = ({ size, rows }: LandmarksSpec): number => rows ?? size;

export function landmarksSpaces(spec: LandmarksSpec): Spaces {
  return {
    observations: { place: { type: 'uint8', shape: [1], kind: 'glyphs', vocabulary: spec.size * rowsOf(spec) } },
    action: { kind: 'discrete', count: LANDMARK_ACTIONS.length, names: LANDMARK_ACTIONS },
    rewards: ['inOrder', ...NAMES.slice(0, spec.landmarks).map((name) => `at${name}`)],
    textBytesMax: TEXT_BYTES_MAX,
    episodeStatistics: ['success', 'visited', 'stepsToSuccess'],
  };
}

export class Landmarks implements EnvironmentModel {
  private at = 0;
  /** Landmarks that were visited in their order. */
  private visited = 0;
  private steps = 0;
  private readonly places: readonly number[];

  constructor(private readonly spec: LandmarksSpec) {
    const { size } = spec;
    const last = size * rowsOf(spec) - 1;
    // The corners, opposite ones first: the way from each to the next is the longest there is.
    this.places = [0, last, size - 1, last - size + 1].slice(0, spec.landmarks);
  }

  reset(seed: EpisodeSeed): void {
    const places = this.spec.size * rowsOf(this.spec);
    const random = new CounterRandom(seed.low, 'environment');
    const free = Array.from({ length: places }, (_, place) => place).filter((place) => !this.places.includes(place));
    this.at = free[Math.floor(random.uniform(0, seed.high) * free.length)] as number;
    this.visited = this.steps = 0;
  }

  step(action: ArrayLike<number>): ModelOutcome {
    const { size } = this.spec;
    const [x, y] = [(this.at % size) + (STEP_X[action[0] as number] as number), Math.floor(this.at / size) + (STEP_Y[action[0] as number] as number)];
    if (x >= 0 && y >= 0 && x < size && y < rowsOf(this.spec)) this.at = y * size + x;
    this.steps += 1;
    const landmark = this.places.indexOf(this.at);
    if (landmark === this.visited) this.visited += 1;
    const terminated = this.visited === this.places.length;
    return { rewards: [terminated ? 1 : 0, ...this.places.map((_, index) => (index === landmark ? 1 : 0))], terminated, ...(landmark < 0 ? {} : { text: AT[landmark] as Uint8Array }) };
  }

  observe(): Readonly<Record<string, ArrayLike<number>>> {
    return { place: [this.at] };
  }

  statistics(): readonly number[] {
    const success = this.visited === this.places.length;
    return [success ? 1 : 0, this.visited, success ? this.steps : this.spec.episodeStepsMax];
  }
}
