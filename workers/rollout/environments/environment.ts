/**
 * What the rest of Laurel knows of an environment: its spaces as data, and a group of copies stepped together.
 *
 * A group owns its observation buffers. `reset` and `step` write into them, the collector copies out of them, so no
 * object is made for a transition. Episodes are deterministic: the same seed and the same actions give the same
 * bytes, or the environment says `deterministic: false`.
 */

/** Storage type of one observation tensor; the smallest that holds its values. */
export type TensorType = 'uint8' | 'int16' | 'int32' | 'float32';

/** How a network should read a tensor. `glyphs`: integer ids with `vocabulary` many values; `text`: zero-padded latin-1 bytes; `image`: H x W x C bytes. */
export type ObservationKind = 'glyphs' | 'text' | 'statistics' | 'vector' | 'image';

export interface ObservationSpace {
  readonly type: TensorType;
  /** Shape of one environment's tensor, without the batch axis. */
  readonly shape: readonly number[];
  readonly kind: ObservationKind;
  /** Number of distinct ids, for `glyphs` (and any integer tensor that is to be embedded). */
  readonly vocabulary?: number;
  /** For `statistics` and `vector`: value / scale lies roughly in [-1, 1]; one number, or one for each element. */
  readonly scale?: number | readonly number[];
}

export type ActionSpace =
  | { readonly kind: 'discrete'; readonly count: number; readonly names?: readonly string[] }
  | { readonly kind: 'continuous'; readonly size: number; readonly low: readonly number[]; readonly high: readonly number[] };

export interface Spaces {
  /** Observation tensors by name; iteration order is the order of the columns in a segment. */
  readonly observations: Readonly<Record<string, ObservationSpace>>;
  readonly action: ActionSpace;
  /** Names of the environment's own reward components, one f32 each for every transition. */
  readonly rewards: readonly string[];
  /** Upper bound of the message that follows an action, in bytes; 0: the environment has no messages. */
  readonly textBytesMax: number;
  /** Names of the numbers reported once for each ended episode (dungeon level, success, ...). */
  readonly episodeStatistics: readonly string[];
}

export type ObservationBuffer = Uint8Array | Int16Array | Int32Array | Float32Array;

/** 64 bits of seed for one episode as two unsigned 32-bit words. */
export interface EpisodeSeed {
  readonly high: number;
  readonly low: number;
}

/** Filled by `step`, row i for environment i. Reused between calls. */
export interface StepOutcome {
  /** `size * rewards.length` values, environment-major. */
  readonly rewards: Float32Array;
  /** 1 where the episode ended by the environment's own rules (no value follows). */
  readonly terminated: Uint8Array;
  /** 1 where it was cut from outside (time limit): the value of the last observation still counts. */
  readonly truncated: Uint8Array;
  /** Raw bytes of the message that follows the action, the terminal one included; empty array: no message. */
  readonly texts: Uint8Array[];
  /** 1 where the environment failed (its process died, its library refused): the episode ends as failed, the group goes on. */
  readonly failed: Uint8Array;
}

export interface EnvironmentGroup {
  readonly spaces: Spaces;
  readonly size: number;
  /** True: a replay from seed and actions that differs is a defect here. False (Gymnasium): it is the environment's, and its episode ends as failed. */
  readonly deterministic: boolean;
  /** One buffer for each observation tensor, `size * product(shape)` values, environment-major. Always the newest observation. */
  readonly observations: Readonly<Record<string, ObservationBuffer>>;
  /** Starts a new episode in environment `index`; its observation rows hold the first observation afterwards. */
  reset(index: number, seed: EpisodeSeed): void | Promise<void>;
  /**
   * Steps environments. `actions`: one id for each environment (discrete) or `size * action.size` values (continuous).
   * `only`: step just these indices (replay); the others keep everything. After a done step the observation rows hold
   * the last observation until `reset`.
   */
  step(actions: Int32Array | Float32Array, outcome: StepOutcome, only?: readonly number[]): void | Promise<void>;
  /** Numbers of the episode that runs (or has just ended) in environment `index`, in the order of `spaces.episodeStatistics`. */
  statistics(index: number): Float32Array;
  close(): void | Promise<void>;
}

export function createStepOutcome(spaces: Spaces, size: number): StepOutcome {
  return {
    rewards: new Float32Array(size * spaces.rewards.length),
    terminated: new Uint8Array(size),
    truncated: new Uint8Array(size),
    texts: Array.from({ length: size }, () => new Uint8Array(0)),
    failed: new Uint8Array(size),
  };
}
