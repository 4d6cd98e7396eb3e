/** An ONNX file that a user brings: checked against what the job says of it, then asked one row at a time. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { LaurelError } from '../../../proto/errors.js';
import type { OnnxSource } from '../../../proto/reward-onnx.js';
import { CounterRandom } from '../../../proto/philox.js';

/** What a job says of a model file. */
export interface UserModelSpec extends Pick<OnnxSource, 'file' | 'inputs' | 'output' | 'providers' | 'golden' | 'tolerance'> {
  /** Numbers that the output has for a row; null: as many as it has. */
  readonly width: number | null;
}

type Provider = 'cpu' | 'cuda';
type Row = ArrayLike<number>;
export type Rows = Readonly<Record<string, Row>>;

/** One thread, one row: the same bits whatever else is asked. */
const options = (provider: Provider) => ({ executionProviders: provider === 'cpu' ? ['cpu'] : ['cuda', 'cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 3 }) satisfies InferenceSession.SessionOptions;

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array, int64: BigInt64Array } as const;
type ElementType = keyof typeof ARRAYS;

/** Numbers that a random row for the comparison of providers is drawn from. */
const PROBES = 4;
/** Of what runs on a GPU from what runs on the CPU, absolute, or relative where that is more. */
const PROVIDER_TOLERANCE = 1e-2;

interface Input {
  readonly type: ElementType;
  /** Without the batch; 0: free. */
  readonly shape: readonly number[];
}

export class UserModel {
  private constructor(
    readonly provider: Provider,
    private readonly session: InferenceSession,
    private readonly inputs: Readonly<Record<string, Input>>,
    private readonly output: string,
    /** Numbers of a value. */
    private readonly width: number | null,
  ) {}

  /** @throws LaurelError LAUREL_MODEL_INVALID where it cannot be loaded, has other inputs or outputs, or gives other numbers than the golden rows say */
  static async open(bytes: Uint8Array, spec: UserModelSpec): Promise<UserModel> {
    const provider = await providerOf(bytes, spec.providers);
    const model = await UserModel.load(bytes, spec, provider);
    for (const [index, { inputs, output }] of spec.golden.entries()) model.expect(await model.run(inputs), output, spec.tolerance, `golden row ${index}`);
    if (provider !== 'cpu') {
      const reference = await UserModel.load(bytes, spec, 'cpu');
      const rows = spec.golden.length > 0 ? spec.golden.map(({ inputs }) => inputs) : Array.from({ length: PROBES }, (_, probe) => model.probe(probe));
      for (const row of rows) model.expect(await model.run(row), await reference.run(row), PROVIDER_TOLERANCE, `${provider} against the CPU`);
      await reference.release();
    }
    return model;
  }

  private static async load(bytes: Uint8Array, spec: UserModelSpec, provider: Provider): Promise<UserModel> {
    const session = await InferenceSession.create(bytes, options(provider)).catch((cause: unknown) => {
      throw invalid(`expected ${spec.file.path} to be a model that loads, got: ${(cause as Error).message.slice(0, 300)}`);
    });
    const { path } = spec.file;
    const [wanted, found] = [Object.keys(spec.inputs).sort(), [...session.inputNames].sort()];
    if (wanted.join() !== found.join()) throw invalid(`expected ${path} to have the inputs ${wanted.join(', ')}, it has ${found.join(', ')}`);
    if (!session.outputNames.includes(spec.output)) throw invalid(`expected ${path} to have the output ${spec.output}, it has ${session.outputNames.join(', ')}`);
    const inputs: Record<string, Input> = {};
    for (const metadata of session.inputMetadata) {
      if (!metadata.isTensor || !(metadata.type in ARRAYS)) throw invalid(`expected the input ${metadata.name} of ${path} to be a tensor of ${Object.keys(ARRAYS).join(', ')}, it is ${metadata.isTensor ? metadata.type : 'none'}`);
      const [batch, ...shape] = metadata.shape;
      if (typeof batch === 'number' && batch !== 1) throw invalid(`expected the first dimension of ${metadata.name} of ${path} to be 1 or free, it is ${batch}`);
      inputs[metadata.name] = { type: metadata.type as ElementType, shape: shape.map((size) => (typeof size === 'number' ? size : 0)) };
    }
    return new UserModel(provider, session, inputs, spec.output, spec.width);
  }

  /** Numbers that an input has for one row; null: as many as there are. */
  widthOf(name: string): number | null {
    const shape = this.inputs[name]?.shape ?? [];
    return shape.includes(0) ? null : shape.reduce((product, size) => product * size, 1);
  }

  /** @throws LaurelError LAUREL_MODEL_INVALID where a row or the output is of another width */
  async run(rows: Rows): Promise<number[]> {
    const feeds = Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, tensorOf(name, input, rows[name] ?? [])]));
    const result = (await this.session.run(feeds, [this.output]))[this.output] as Tensor;
    const values = Array.from(result.data as ArrayLike<number | bigint>, Number);
    if (this.width !== null && values.length !== this.width) throw invalid(`expected the output ${this.output} to have ${this.width} numbers for a row, it has ${values.length}`);
    return values;
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  private probe(place: number): Rows {
    const random = new CounterRandom(0, 'verification');
    return Object.fromEntries(Object.keys(this.inputs).map((name, input) => [name, Array.from({ length: this.widthOf(name) ?? 1 }, (_, at) => random.uniform(place, input, at))]));
  }

  private expect(values: readonly number[], wanted: readonly number[], tolerance: number, what: string): void {
    const place = values.findIndex((value, index) => !(Math.abs(value - (wanted[index] as number)) <= tolerance * Math.max(1, Math.abs(wanted[index] as number))));
    if (place >= 0) throw invalid(`${what}: expected ${wanted[place]} in ${this.output} (place ${place}), got ${values[place]}; is it the model that the job was written for?`);
  }
}

async function providerOf(bytes: Uint8Array, wanted: OnnxSource['providers']): Promise<Provider> {
  if (wanted === 'cpu') return 'cpu';
  const offered = hasCudaLibrary();
  // Libraries of CUDA and a GPU are looked for when a session is made.
  const works = offered && (await InferenceSession.create(bytes, { executionProviders: ['cuda'], logSeverityLevel: 4 }).then(async (session) => (await session.release(), true)).catch(() => false));
  if (works) return 'cuda';
  if (wanted === 'cuda') throw invalid(`expected the provider cuda, onnxruntime ${offered ? 'cannot use it here (no GPU, or its libraries are missing)' : 'was installed without it (ONNXRUNTIME_NODE_INSTALL=cuda12)'}; use "auto" or "cpu"`);
  return 'cpu';
}

/** onnxruntime names the provider whether its library was fetched or not, and complains loudly where it was not. */
function hasCudaLibrary(): boolean {
  if (!listSupportedBackends().some(({ name }) => name === 'cuda')) return false;
  const root = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
  return existsSync(join(root, 'bin', 'napi-v6', process.platform, process.arch, 'libonnxruntime_providers_cuda.so'));
}

function tensorOf(name: string, { type, shape }: Input, row: Row): Tensor {
  const fixed = shape.reduce((product, size) => product * (size === 0 ? 1 : size), 1);
  const free = shape.filter((size) => size === 0).length;
  const rest = row.length / fixed;
  if (free > 1 || !Number.isInteger(rest) || rest === 0 || (free === 0 && rest !== 1)) throw invalid(`expected a row of shape [${shape.map((size) => size || 'free').join(', ')}] for the input ${name}, got ${row.length} numbers`);
  const dims = [1, ...shape.map((size) => (size === 0 ? rest : size))];
  if (type === 'int64') return new Tensor('int64', BigInt64Array.from(Array.from(row, (value) => BigInt(Math.trunc(value)))), dims);
  return new Tensor(type, ARRAYS[type].from(row) as Float32Array, dims) as Tensor;
}

function invalid(message: string): LaurelError {
  return new LaurelError('LAUREL_MODEL_INVALID', message);
}
