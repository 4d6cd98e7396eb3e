/** Column storage of the segment that is being played; filled in place and used again for the next one. */
import type { EnvironmentGroup, ObservationBuffer, Spaces } from './environments/environment.js';

const TEXT_BYTES_MIN = 1 << 16;

/** Number of elements of one observation. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

interface ObservationColumn {
  readonly name: string;
  readonly width: number;
  readonly target: ObservationBuffer;
  /** One view for each environment into the group's buffer, made once: copying a row then makes no object. */
  readonly sources: readonly ObservationBuffer[];
}

/** Rows are environment-major: row = environment * steps + step. */
export class SegmentBuffers {
  readonly rows: number;
  readonly observations: readonly ObservationColumn[];
  readonly environment: Int32Array;
  readonly episode: Int32Array;
  readonly step: Int32Array;
  readonly action: Int32Array | Float32Array;
  readonly behaviourLogProb: Float32Array;
  /** `rows * valueCount`, as are the bootstrap values. */
  readonly value: Float32Array;
  readonly bootstrapValue: Float32Array;
  readonly envReward: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly textCount: Int32Array;
  readonly policyVersion: Int32Array;
  /** Texts lie in the order in which they came (step-major). */
  private readonly textStarts: Int32Array;
  private readonly textLengths: Int32Array;
  private texts = new Uint8Array(TEXT_BYTES_MIN);
  private textBytes = 0;

  constructor(
    private readonly spaces: Spaces,
    group: EnvironmentGroup,
    private readonly steps: number,
    readonly valueCount = 1,
  ) {
    const rows = group.size * steps;
    this.rows = rows;
    this.observations = Object.entries(spaces.observations).map(([name, space]) => {
      const width = elementCount(space.shape);
      const source = group.observations[name] as ObservationBuffer;
      return {
        name,
        width,
        target: allocateLike(source, rows * width),
        sources: Array.from({ length: group.size }, (_, index) => source.subarray(index * width, (index + 1) * width)),
      };
    });
    this.environment = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / steps));
    this.episode = new Int32Array(rows);
    this.step = new Int32Array(rows);
    this.action = spaces.action.kind === 'discrete' ? new Int32Array(rows) : new Float32Array(rows * spaces.action.size);
    this.behaviourLogProb = new Float32Array(rows);
    this.value = new Float32Array(rows * valueCount);
    this.bootstrapValue = new Float32Array(rows * valueCount);
    this.envReward = new Float32Array(rows * spaces.rewards.length);
    this.terminated = new Uint8Array(rows);
    this.truncated = new Uint8Array(rows);
    this.textCount = new Int32Array(rows);
    this.policyVersion = new Int32Array(rows);
    this.textStarts = new Int32Array(rows);
    this.textLengths = new Int32Array(rows);
  }

  clear(policyVersion: number): void {
    this.bootstrapValue.fill(0);
    this.textLengths.fill(0);
    this.textCount.fill(0);
    this.textBytes = 0;
    this.policyVersion.fill(policyVersion);
  }

  /** Copies what all environments show now into the rows of `step`. */
  putObservations(step: number): void {
    for (const { target, sources, width } of this.observations) {
      for (let index = 0; index < sources.length; index++) target.set(sources[index] as ObservationBuffer, (index * this.steps + step) * width);
    }
  }

  /** Copies one environment's action and rewards into `row`. */
  putOutcome(row: number, index: number, actions: Int32Array | Float32Array, rewards: Float32Array): void {
    const width = this.spaces.action.kind === 'discrete' ? 1 : this.spaces.action.size;
    for (let at = 0; at < width; at++) this.action[row * width + at] = actions[index * width + at] as number;
    const components = this.spaces.rewards.length;
    for (let at = 0; at < components; at++) this.envReward[row * components + at] = rewards[index * components + at] as number;
  }

  /** Copies the value functions of one environment to `row`. */
  putValues(target: Float32Array, row: number, values: Float32Array, index: number): void {
    for (let head = 0; head < this.valueCount; head++) target[row * this.valueCount + head] = values[index * this.valueCount + head] as number;
  }

  putText(row: number, text: Uint8Array, count: number): void {
    while (this.textBytes + text.length > this.texts.length) {
      const larger = new Uint8Array(this.texts.length * 2);
      larger.set(this.texts);
      this.texts = larger;
    }
    this.texts.set(text, this.textBytes);
    this.textStarts[row] = this.textBytes;
    this.textLengths[row] = text.length;
    this.textCount[row] = count;
    this.textBytes += text.length;
  }

  /** Texts in the order of the rows: `rows + 1` offsets and the bytes. */
  orderedTexts(): { readonly offsets: Int32Array; readonly bytes: Uint8Array } {
    const offsets = new Int32Array(this.rows + 1);
    const bytes = new Uint8Array(this.textBytes);
    let end = 0;
    for (let row = 0; row < this.rows; row++) {
      const start = this.textStarts[row] as number;
      const length = this.textLengths[row] as number;
      if (length > 0) bytes.set(this.texts.subarray(start, start + length), end);
      end += length;
      offsets[row + 1] = end;
    }
    return { offsets, bytes };
  }
}

export function allocateLike(source: ObservationBuffer, length: number): ObservationBuffer {
  if (source instanceof Uint8Array) return new Uint8Array(length);
  if (source instanceof Int16Array) return new Int16Array(length);
  if (source instanceof Int32Array) return new Int32Array(length);
  return new Float32Array(length);
}
