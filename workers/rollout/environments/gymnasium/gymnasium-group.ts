/** Any Gymnasium environment: copies in one Python process, one exchange for each step of the group. */
import { ensurePythonEnvironment } from '../../../assets/python-environment.js';
import type { GymnasiumSpec } from '../../../../proto/environments.js';
import type { ActionSpace, EnvironmentGroup, EpisodeSeed, ObservationBuffer, ObservationSpace, Spaces, StepOutcome, TensorType } from '../environment.js';
import { PythonProcess } from './python-process.js';

/** Packages of the environment that Laurel makes; a job may name an interpreter with others. */
export const PACKAGES = ['gymnasium==1.2.3', 'numpy==2.2.6'];
const TEXT_BYTES_MAX = 256;
const ARRAYS = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array } as const;

interface Leaf extends ObservationSpace {
  readonly name: string;
}
interface Opened {
  readonly observations: readonly Leaf[];
  readonly action: ActionSpace;
  readonly row: number;
}

const known = new Map<string, Promise<Spaces>>();

/** Spaces by asking the environment once. @throws LaurelError LAUREL_ENVIRONMENT_UNKNOWN, LAUREL_ENVIRONMENT_FAILED, LAUREL_ASSET_MISSING */
export function gymnasiumSpaces(spec: GymnasiumSpec): Promise<Spaces> {
  const key = JSON.stringify(spec);
  const spaces = known.get(key) ?? askSpaces(spec);
  known.set(key, spaces);
  spaces.catch(() => known.delete(key));
  return spaces;
}

async function askSpaces(spec: GymnasiumSpec): Promise<Spaces> {
  const { process, opened } = await open(spec, 1);
  await process.close();
  return spacesOf(opened);
}

async function open(spec: GymnasiumSpec, size: number): Promise<{ process: PythonProcess; opened: Opened }> {
  const interpreter = spec.python ?? (await ensurePythonEnvironment('gymnasium', PACKAGES));
  const process = new PythonProcess(interpreter);
  try {
    const { header } = await process.request({ command: 'open', size, id: spec.id, kwargs: spec.kwargs, episodeStepsMax: spec.episodeStepsMax ?? null });
    return { process, opened: header as unknown as Opened };
  } catch (error) {
    await process.close();
    throw error;
  }
}

function spacesOf({ observations, action }: Opened): Spaces {
  const entries = observations.map(({ name, type, shape, kind, vocabulary }): [string, ObservationSpace] => [name, { type, shape, kind, ...(vocabulary === undefined ? {} : { vocabulary }) }]);
  return { observations: Object.fromEntries(entries), action, rewards: ['reward'], textBytesMax: TEXT_BYTES_MAX, episodeStatistics: ['return'] };
}

export async function createGymnasiumGroup(spec: GymnasiumSpec, size: number): Promise<GymnasiumGroup> {
  const { process, opened } = await open(spec, size);
  return new GymnasiumGroup(spec, size, process, opened);
}

export class GymnasiumGroup implements EnvironmentGroup {
  readonly spaces: Spaces;
  /** Gymnasium asks it of environments and cannot hold them to it: one that does not keep to it loses the episode, not the run. */
  readonly deterministic = false;
  readonly observations: Readonly<Record<string, ObservationBuffer>>;
  private readonly leaves: readonly { readonly bytes: number; readonly target: Uint8Array }[];
  private readonly returns: Float64Array;
  private readonly all: readonly number[];

  constructor(
    private readonly spec: GymnasiumSpec,
    readonly size: number,
    private process: PythonProcess,
    private readonly opened: Opened,
  ) {
    this.spaces = spacesOf(opened);
    this.returns = new Float64Array(size);
    this.all = Array.from({ length: size }, (_, index) => index);
    const buffers = opened.observations.map((leaf) => {
      const elements = leaf.shape.reduce((product, one) => product * one, 1);
      const buffer = new ARRAYS[leaf.type as TensorType](elements * size);
      return { name: leaf.name, buffer, bytes: elements * buffer.BYTES_PER_ELEMENT };
    });
    this.observations = Object.fromEntries(buffers.map(({ name, buffer }) => [name, buffer]));
    this.leaves = buffers.map(({ buffer, bytes }) => ({ bytes, target: new Uint8Array(buffer.buffer) }));
  }

  async reset(index: number, seed: EpisodeSeed): Promise<void> {
    // A process that died with its episodes is replaced: they were reported as failed.
    if (!this.process.alive) this.process = (await open(this.spec, this.size)).process;
    // Some environments take no more than 31 bits of seed.
    const { body } = await this.process.request({ command: 'reset', index, seed: (seed.low ^ Math.imul(seed.high, 0x9e3779b1)) >>> 1 });
    this.returns[index] = 0;
    this.writeRow(index, body);
  }

  async step(actions: Int32Array | Float32Array, outcome: StepOutcome, only: readonly number[] = this.all): Promise<void> {
    if (only.length === 0) return;
    const { action } = this.opened;
    const width = action.kind === 'discrete' ? 1 : action.size;
    const sent = action.kind === 'discrete' ? new Int32Array(only.length) : new Float32Array(only.length * width);
    only.forEach((index, place) => sent.set(actions.subarray(index * width, (index + 1) * width), place * width));
    let frame;
    try {
      frame = await this.process.request({ command: 'step', only, discrete: action.kind === 'discrete' }, new Uint8Array(sent.buffer));
    } catch (error) {
      if (this.process.alive) throw error;
      for (const index of only) this.fail(index, outcome);
      return;
    }
    this.read(frame.header as { texts: number[]; rows: number[] }, frame.body, outcome, only);
  }

  statistics(index: number): Float32Array {
    return Float32Array.of(this.returns[index] as number);
  }

  async close(): Promise<void> {
    await this.process.close();
  }

  private read(header: { readonly texts: readonly number[]; readonly rows: readonly number[] }, body: Uint8Array, outcome: StepOutcome, only: readonly number[]): void {
    const rewards = new DataView(body.buffer, body.byteOffset);
    const flags = only.length * 4;
    let text = flags + only.length * 3;
    let row = text + header.texts.reduce((sum, bytes) => sum + bytes, 0);
    only.forEach((index, place) => {
      const reward = rewards.getFloat32(place * 4, true);
      outcome.rewards[index] = reward;
      this.returns[index] = (this.returns[index] as number) + reward;
      outcome.terminated[index] = body[flags + place * 3] as number;
      outcome.truncated[index] = body[flags + place * 3 + 1] as number;
      outcome.failed[index] = body[flags + place * 3 + 2] as number;
      const textBytes = header.texts[place] as number;
      outcome.texts[index] = body.slice(text, text + textBytes);
      text += textBytes;
      const rowBytes = header.rows[place] as number;
      // A failed environment has no observation; its last one stays.
      if (rowBytes > 0) this.writeRow(index, body.subarray(row, row + rowBytes));
      row += rowBytes;
    });
  }

  private fail(index: number, outcome: StepOutcome): void {
    outcome.rewards[index] = 0;
    outcome.terminated[index] = 0;
    outcome.truncated[index] = 0;
    outcome.failed[index] = 1;
    outcome.texts[index] = new Uint8Array(0);
  }

  private writeRow(index: number, row: Uint8Array): void {
    let at = 0;
    for (const { bytes, target } of this.leaves) {
      target.set(row.subarray(at, at + bytes), index * bytes);
      at += bytes;
    }
  }
}
