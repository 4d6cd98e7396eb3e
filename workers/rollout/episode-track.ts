/** What is remembered of the episode that runs in one environment: enough to replay it and to sum it up when it ends. */
import type { ActionSpace } from './environments/environment.js';
import { TextCounts } from './text-counts.js';

const ACTIONS_MIN = 256;

export class EpisodeTrack {
  /** Number of the episode in its environment, from 0; -1 before the first. */
  episode = -1;
  /** Steps so far. */
  steps = 0;
  /** Sum of each reward component so far; float64, so that the order of a long sum does not matter much. */
  readonly returns: Float64Array;
  readonly texts = new TextCounts();
  private readonly valuesPerAction: number;
  private log: Int32Array | Float32Array;

  constructor(space: ActionSpace, rewards: number) {
    this.valuesPerAction = space.kind === 'discrete' ? 1 : space.size;
    this.log = space.kind === 'discrete' ? new Int32Array(ACTIONS_MIN) : new Float32Array(ACTIONS_MIN * space.size);
    this.returns = new Float64Array(rewards);
  }

  begin(episode: number): void {
    this.episode = episode;
    this.steps = 0;
    this.returns.fill(0);
    this.texts.clear();
  }

  /** Takes in one step: the action of row `row` in `actions`, and the rewards of that row. */
  add(row: number, actions: Int32Array | Float32Array, rewards: Float32Array): void {
    const width = this.valuesPerAction;
    const at = this.steps * width;
    if (at + width > this.log.length) this.growLog();
    for (let index = 0; index < width; index++) this.log[at + index] = actions[row * width + index] as number;
    const components = this.returns.length;
    for (let index = 0; index < components; index++) this.returns[index] = (this.returns[index] as number) + (rewards[row * components + index] as number);
    this.steps++;
  }

  /** The actions of the episode so far, little endian, four bytes a value; a copy. */
  actionBytes(): Uint8Array {
    const actions = this.log.slice(0, this.steps * this.valuesPerAction);
    return new Uint8Array(actions.buffer);
  }

  private growLog(): void {
    const larger = this.log instanceof Int32Array ? new Int32Array(this.log.length * 2) : new Float32Array(this.log.length * 2);
    larger.set(this.log);
    this.log = larger;
  }
}
