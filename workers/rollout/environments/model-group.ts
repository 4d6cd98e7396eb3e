/** Environments that are a few numbers each (a mass, a pendulum, a portfolio), stepped together. */
import type { EnvironmentGroup, EpisodeSeed, ObservationBuffer, Spaces, StepOutcome } from './environment.js';

const NO_TEXT = new Uint8Array(0);
const BUFFERS = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array } as const;

export interface ModelOutcome {
  /** One value for each of `Spaces.rewards`. */
  readonly rewards: readonly number[];
  readonly terminated: boolean;
  /** Latin-1 bytes of the message that follows the action; absent: none. */
  readonly text?: Uint8Array;
}

/** One environment. Pure arithmetic: the same seed and the same actions give the same numbers. */
export interface EnvironmentModel {
  reset(seed: EpisodeSeed): void;
  /** @param action one id (discrete), or `size` values, not yet clipped to the bounds of the space (continuous) */
  step(action: ArrayLike<number>): ModelOutcome;
  /** Values of each observation tensor, in the order of its elements. */
  observe(): Readonly<Record<string, ArrayLike<number>>>;
  /** In the order of `Spaces.episodeStatistics`. */
  statistics(): readonly number[];
}

export class ModelGroup implements EnvironmentGroup {
  readonly deterministic = true;
  readonly observations: Readonly<Record<string, ObservationBuffer>>;
  private readonly models: readonly EnvironmentModel[];
  private readonly steps: Int32Array;
  private readonly widths: ReadonlyMap<string, number>;
  private readonly actionWidth: number;
  private readonly all: readonly number[];

  /** @param episodeStepsMax steps after which an episode is truncated */
  constructor(
    readonly spaces: Spaces,
    readonly size: number,
    private readonly episodeStepsMax: number,
    create: () => EnvironmentModel,
  ) {
    this.models = Array.from({ length: size }, create);
    this.steps = new Int32Array(size);
    this.all = Array.from({ length: size }, (_, index) => index);
    this.actionWidth = spaces.action.kind === 'discrete' ? 1 : spaces.action.size;
    const spacesOf = Object.entries(spaces.observations);
    this.widths = new Map(spacesOf.map(([name, { shape }]) => [name, shape.reduce((product, one) => product * one, 1)]));
    this.observations = Object.fromEntries(spacesOf.map(([name, { type }]) => [name, new BUFFERS[type](size * (this.widths.get(name) as number))]));
  }

  reset(index: number, seed: EpisodeSeed): void {
    this.model(index).reset(seed);
    this.steps[index] = 0;
    this.observe(index);
  }

  step(actions: Int32Array | Float32Array, outcome: StepOutcome, only: readonly number[] = this.all): void {
    for (const index of only) {
      const { rewards, terminated, text } = this.model(index).step(actions.subarray(index * this.actionWidth, (index + 1) * this.actionWidth));
      const steps = (this.steps[index] as number) + 1;
      this.steps[index] = steps;
      outcome.rewards.set(rewards, index * this.spaces.rewards.length);
      outcome.texts[index] = text ?? NO_TEXT;
      outcome.terminated[index] = terminated ? 1 : 0;
      outcome.truncated[index] = !terminated && steps >= this.episodeStepsMax ? 1 : 0;
      outcome.failed[index] = 0;
      this.observe(index);
    }
  }

  statistics(index: number): Float32Array {
    return Float32Array.from(this.model(index).statistics());
  }

  close(): void {
    // Nothing is held outside of memory.
  }

  private model(index: number): EnvironmentModel {
    return this.models[index] as EnvironmentModel;
  }

  private observe(index: number): void {
    for (const [name, values] of Object.entries(this.model(index).observe())) {
      (this.observations[name] as ObservationBuffer).set(values, index * (this.widths.get(name) as number));
    }
  }
}

export const clipped = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
