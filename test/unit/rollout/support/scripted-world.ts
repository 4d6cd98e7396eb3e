/** A small deterministic world whose endings follow a script, and a policy whose outputs can be worked out by hand. */
import type { GroupPolicy, LoadedPolicy, PolicyOutputs } from '../../../../workers/rollout/policy/group-policy.js';
import type { ActionSpace, EnvironmentGroup, EpisodeSeed, Spaces, StepOutcome } from '../../../../workers/rollout/environments/environment.js';

export type Ending = 'go' | 'terminate' | 'truncate' | 'fail';

export interface WorldScript {
  readonly action?: ActionSpace;
  /** What the `step`-th step (from 1) does in the episode of this seed; `episode` counts the resets of the environment, from 0. */
  readonly ending?: (index: number, episode: number, step: number, seed: EpisodeSeed) => Ending;
  readonly text?: (index: number, step: number, state: number) => string | Uint8Array;
  readonly deterministic?: boolean;
  /** Mixed into the state at every reset: makes replays differ. */
  readonly drift?: () => number;
  /** Answers with promises, as a world in another process does. */
  readonly slow?: boolean;
}

interface Place {
  seed: EpisodeSeed;
  resets: number;
  steps: number;
  state: number;
}

/** Observations: `position` [state, steps, index] f32 and `cells` int16; rewards `main` and `side`. */
export class ScriptedWorld implements EnvironmentGroup {
  readonly spaces: Spaces;
  readonly deterministic: boolean;
  readonly observations: { position: Float32Array; cells: Int16Array };
  readonly seeds: EpisodeSeed[][];
  steppedRows = 0;
  closed = false;
  private readonly places: Place[];
  private readonly textBuffers: Uint8Array[];

  constructor(
    readonly size: number,
    private readonly script: WorldScript = {},
  ) {
    this.spaces = {
      observations: { position: { type: 'float32', shape: [3], kind: 'vector' }, cells: { type: 'int16', shape: [2, 2], kind: 'glyphs', vocabulary: 100 } },
      action: script.action ?? { kind: 'discrete', count: 4 },
      rewards: ['main', 'side'],
      textBytesMax: 64,
      episodeStatistics: ['depth', 'luck'],
    };
    this.deterministic = script.deterministic ?? true;
    this.observations = { position: new Float32Array(size * 3), cells: new Int16Array(size * 4) };
    this.places = Array.from({ length: size }, () => ({ seed: { high: 0, low: 0 }, resets: -1, steps: 0, state: 0 }));
    this.seeds = Array.from({ length: size }, () => []);
    this.textBuffers = Array.from({ length: size }, () => new Uint8Array(64));
  }

  reset(index: number, seed: EpisodeSeed): void | Promise<void> {
    const place = this.places[index]!;
    this.seeds[index]!.push(seed);
    place.seed = seed;
    place.resets++;
    place.steps = 0;
    place.state = ((seed.low ^ seed.high) + (this.script.drift?.() ?? 0)) % 97;
    if (place.state < 0) place.state += 97;
    this.show(index);
    return this.script.slow ? Promise.resolve() : undefined;
  }

  step(actions: Int32Array | Float32Array, outcome: StepOutcome, only?: readonly number[]): void | Promise<void> {
    for (const index of only ?? this.places.keys()) this.stepOne(index, actions, outcome);
    return this.script.slow ? new Promise((resolve) => setImmediate(resolve)) : undefined;
  }

  statistics(index: number): Float32Array {
    const place = this.places[index]!;
    return Float32Array.of(place.state, place.steps);
  }

  close(): void {
    this.closed = true;
  }

  private stepOne(index: number, actions: Int32Array | Float32Array, outcome: StepOutcome): void {
    const place = this.places[index]!;
    const width = this.spaces.action.kind === 'discrete' ? 1 : this.spaces.action.size;
    let mixed = place.state;
    for (let at = 0; at < width; at++) mixed = mixed * 31 + Math.round(100 * (actions[index * width + at] as number)) + 7;
    place.state = Math.abs(mixed) % 97;
    place.steps++;
    this.steppedRows++;
    const ending = this.script.ending?.(index, place.resets, place.steps, place.seed) ?? 'go';
    outcome.rewards[index * 2] = place.state / 10;
    outcome.rewards[index * 2 + 1] = ending === 'terminate' ? 1 : 0;
    outcome.terminated[index] = ending === 'terminate' ? 1 : 0;
    outcome.truncated[index] = ending === 'truncate' ? 1 : 0;
    outcome.failed[index] = ending === 'fail' ? 1 : 0;
    const text = this.script.text?.(index, place.steps, place.state) ?? '';
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
    // The same buffer for every text, as in a real world: the collector must copy.
    const buffer = this.textBuffers[index]!;
    buffer.set(bytes);
    outcome.texts[index] = buffer.subarray(0, bytes.length);
    this.show(index);
  }

  private show(index: number): void {
    const { state, steps } = this.places[index]!;
    this.observations.position.set([state, steps, index], index * 3);
    this.observations.cells.set([state, steps % 100, index, 7], index * 4);
  }
}

/** What ScriptedPolicy gives as value for an observation and the memory before it. */
export function scriptedValue(state: number, steps: number, memory: number): number {
  return Math.fround(state / 8 + steps / 16 + memory / 32);
}

/** Two values of memory: the number of observations seen in the episode, and the last state plus 1. */
export class ScriptedPolicy implements GroupPolicy {
  readonly valueCount = 1;
  readonly stateSize = 2;
  runs = 0;
  state: Float32Array;
  broken = false;
  private version = 0;
  private next: Float32Array | null = null;

  constructor(private readonly world: ScriptedWorld) {
    this.state = new Float32Array(world.size * 2);
  }

  /** Each version has other preferences. */
  usePolicy(policy: LoadedPolicy): void {
    this.version = policy.version;
  }

  setState(state: Float32Array): void {
    this.state.set(state);
  }

  clearState(index: number): void {
    this.state.fill(0, index * 2, index * 2 + 2);
  }

  async run(): Promise<PolicyOutputs> {
    this.runs++;
    const { size, spaces, observations } = this.world;
    const width = spaces.action.kind === 'discrete' ? spaces.action.count : 2 * spaces.action.size;
    const distribution = new Float32Array(size * width);
    const value = new Float32Array(size);
    const next = new Float32Array(size * 2);
    for (let index = 0; index < size; index++) {
      const state = observations.position[index * 3] as number;
      const steps = observations.position[index * 3 + 1] as number;
      const memory = this.state[index * 2] as number;
      value[index] = this.broken ? NaN : scriptedValue(state, steps, memory);
      for (let at = 0; at < width; at++) distribution[index * width + at] = Math.sin(state + at * 3 + memory + this.version);
      next.set([memory + 1, state + 1], index * 2);
    }
    this.next = next;
    return { distribution, value };
  }

  advance(): void {
    if (this.next) this.state = this.next;
    this.next = null;
  }
}

export const VERSION_3: LoadedPolicy = { version: 3, tensors: {} };
