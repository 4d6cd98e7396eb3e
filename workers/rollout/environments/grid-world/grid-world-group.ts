/** Grid worlds stepped together. */
import type { GridWorldSpec } from '../../../../proto/environments.js';
import type { EnvironmentGroup, EpisodeSeed, Spaces, StepOutcome } from '../environment.js';
import { MESSAGE_BYTES_MAX, messageOf } from './messages.js';
import { ACTIONS, CELL, CELL_COUNT, colourOf, isKey, World } from './world.js';

/** The agent sees this many cells in each direction; it stands in the middle. */
const VIEW_RADIUS = 3;
const VIEW_SIDE = 2 * VIEW_RADIUS + 1;
const VIEW_CELLS = VIEW_SIDE * VIEW_SIDE;
const STATISTICS = 4 + 1 + 1 + 6 + 1;

export function gridWorldSpaces(_options: GridWorldSpec): Spaces {
  return {
    observations: {
      view: { type: 'uint8', shape: [VIEW_SIDE, VIEW_SIDE], kind: 'glyphs', vocabulary: CELL_COUNT },
      message: { type: 'uint8', shape: [MESSAGE_BYTES_MAX], kind: 'text' },
      statistics: { type: 'float32', shape: [STATISTICS], kind: 'statistics', scale: 1 },
    },
    action: { kind: 'discrete', count: ACTIONS.length, names: ACTIONS },
    rewards: ['goal'],
    textBytesMax: MESSAGE_BYTES_MAX,
    episodeStatistics: ['success', 'keysPicked', 'doorsOpened', 'doorsPassed', 'stepsToGoal'],
  };
}

export class GridWorldGroup implements EnvironmentGroup {
  readonly spaces: Spaces;
  readonly deterministic = true;
  readonly observations: { readonly view: Uint8Array; readonly message: Uint8Array; readonly statistics: Float32Array };
  private readonly worlds: World[];
  private readonly steps: Int32Array;
  private readonly all: readonly number[];

  constructor(
    private readonly options: GridWorldSpec,
    readonly size: number,
  ) {
    this.spaces = gridWorldSpaces(options);
    this.worlds = Array.from({ length: size }, () => new World(options));
    this.steps = new Int32Array(size);
    this.all = Array.from({ length: size }, (_, index) => index);
    this.observations = { view: new Uint8Array(size * VIEW_CELLS), message: new Uint8Array(size * MESSAGE_BYTES_MAX), statistics: new Float32Array(size * STATISTICS) };
  }

  reset(index: number, seed: EpisodeSeed): void {
    this.world(index).reset(seed);
    this.steps[index] = 0;
    this.observe(index, messageOf('none', 0));
  }

  step(actions: Int32Array | Float32Array, outcome: StepOutcome, only: readonly number[] = this.all): void {
    const { episodeStepsMax, rewardDecay } = this.options;
    for (const index of only) {
      const world = this.world(index);
      const { kind, thing } = world.act(actions[index] as number);
      const steps = (this.steps[index] as number) + 1;
      this.steps[index] = steps;
      const message = messageOf(kind, thing);
      outcome.texts[index] = message;
      outcome.rewards[index] = world.atGoal ? (rewardDecay ? 1 - (0.9 * steps) / episodeStepsMax : 1) : 0;
      outcome.terminated[index] = world.atGoal ? 1 : 0;
      outcome.truncated[index] = !world.atGoal && steps >= episodeStepsMax ? 1 : 0;
      outcome.failed[index] = 0;
      this.observe(index, message);
    }
  }

  statistics(index: number): Float32Array {
    const { atGoal, keysPicked, doorsOpened, doorsPassed } = this.world(index);
    return Float32Array.of(atGoal ? 1 : 0, keysPicked, doorsOpened, doorsPassed, atGoal ? (this.steps[index] as number) : this.options.episodeStepsMax);
  }

  close(): void {
    // Nothing is held outside of memory.
  }

  private world(index: number): World {
    return this.worlds[index] as World;
  }

  private observe(index: number, message: Uint8Array): void {
    const { view, message: text, statistics } = this.observations;
    const world = this.world(index);
    let at = index * VIEW_CELLS;
    for (let y = world.y - VIEW_RADIUS; y <= world.y + VIEW_RADIUS; y++) {
      for (let x = world.x - VIEW_RADIUS; x <= world.x + VIEW_RADIUS; x++) {
        const inside = x >= 0 && y >= 0 && x < world.width && y < world.height;
        view[at++] = inside ? (world.cells[y * world.width + x] as number) : CELL.outside;
      }
    }
    const start = index * MESSAGE_BYTES_MAX;
    text.fill(0, start, start + MESSAGE_BYTES_MAX);
    text.set(message, start);
    const base = index * STATISTICS;
    statistics.fill(0, base, base + STATISTICS);
    statistics[base + world.facing] = 1;
    if (world.carried !== 0) {
      statistics[base + 4] = 1;
      if (isKey(world.carried)) {
        statistics[base + 5] = 1;
        statistics[base + 6 + colourOf(world.carried)] = 1;
      }
    }
    statistics[base + 12] = (this.steps[index] as number) / this.options.episodeStepsMax;
  }
}
