/** A model file as a function of columns: its inputs are named after them, and its shapes say how many rows go in at once. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { LaurelError } from '../../proto/errors.js';
import type { Scores } from '../reward/fits/fit.js';
import type { UnitColumn } from './dataset.js';

/** One thread: sums are in the same order on every machine with these instructions. */
const SESSION = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' } as const satisfies InferenceSession.SessionOptions;

export class ModelFile {
  private constructor(
    private readonly session: InferenceSession,
    /** Name and width of each input. */
    readonly inputs: Readonly<Record<string, number>>,
    readonly rows: number,
  ) {}

  /** @throws LaurelError LAUREL_MODEL_INVALID where the file cannot be loaded or an input is no matrix of fixed shape */
  static async open(bytes: Uint8Array): Promise<ModelFile> {
    const session = await InferenceSession.create(bytes, SESSION).catch((cause: unknown) => {
      throw new LaurelError('LAUREL_MODEL_INVALID', `expected a model that can be loaded, got: ${cause instanceof Error ? cause.message : String(cause)}`, {}, { cause });
    });
    const inputs: Record<string, number> = {};
    let rows = 0;
    for (const input of session.inputMetadata) {
      const [count, width] = input.isTensor ? input.shape : [];
      if (typeof count !== 'number' || typeof width !== 'number' || (rows !== 0 && count !== rows)) throw new LaurelError('LAUREL_MODEL_INVALID', `expected every input to be a matrix with the same fixed number of rows, got ${input.name} ${JSON.stringify(input)}`);
      inputs[input.name] = width;
      rows = count;
    }
    return new ModelFile(session, inputs, rows);
  }

  /**
   * Outputs for `count` rows of the columns, named as the inputs; the last call is filled up with zeros.
   * @throws LaurelError LAUREL_SCHEMA_MISMATCH where a column is missing or of another width
   */
  async run(count: number, column: (name: string) => UnitColumn, outputs: readonly string[]): Promise<Record<string, Scores>> {
    const columns = Object.entries(this.inputs).map(([name, width]) => {
      const found = column(name);
      if (found.width !== width) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected ${width} numbers in column ${name}, got ${found.width}`, { name });
      return [name, found] as const;
    });
    const made = new Map<string, { width: number; values: Float32Array }>();
    for (let from = 0; from < count; from += this.rows) {
      const taken = Math.min(this.rows, count - from);
      const feeds = Object.fromEntries(
        columns.map(([name, { width, values }]) => {
          const block = new Float32Array(this.rows * width);
          block.set(values.subarray(from * width, (from + taken) * width));
          return [name, new OrtTensor('float32', block, [this.rows, width])];
        }),
      );
      const results = await this.session.run(feeds, [...outputs]);
      for (const name of outputs) {
        const { data, dims } = results[name] as OrtTensor;
        const width = dims[1] as number;
        const whole = made.get(name) ?? { width, values: new Float32Array(count * width) };
        made.set(name, whole);
        whole.values.set((data as Float32Array).subarray(0, taken * width), from * width);
      }
    }
    return Object.fromEntries(made);
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
