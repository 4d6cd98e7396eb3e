/**
 * Writes completions: many rows at once, a token each at a time, with the keys and values of what stands before kept in
 * a cache. A draw depends on its own address alone (seed, prompt, sample, position), and what is stored with it is the
 * log-probability under which it was drawn.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { LaurelError } from '../../../proto/errors.js';
import type { CounterRandom } from '../../../proto/philox.js';
import { parameterFeeds, type Feeds } from '../../learner/loss-session.js';
import { LENGTH_STEP } from '../../learner/text/text-network.js';
import { decodeModel, prefillModel } from '../../learner/transformer/generation.js';
import { headWidth } from '../../learner/transformer/specification.js';
import type { Transformer } from '../../learner/transformer/transformer.js';
import { END_TOKEN } from '../../text/tokens.js';

const SESSIONS_MAX = 24;

/** What is asked of a row. */
export interface RowRequest {
  readonly promptTokens: readonly number[];
  /** First three words of the counter; the position is the fourth. */
  readonly address: readonly [number, number, number];
}

export interface WrittenRow {
  readonly tokens: number[];
  /** Nats, one for each token. */
  readonly logProbs: number[];
  readonly ended: boolean;
}

export interface Written {
  readonly rows: readonly WrittenRow[];
  /** Duration of each step of all rows, milliseconds. */
  readonly stepMs: readonly number[];
}

export class Generator {
  private readonly sessions = new Map<string, Promise<InferenceSession>>();
  private parameters: Feeds = {};

  constructor(
    private readonly transformer: Transformer,
    private readonly temperature: number,
    private readonly completionTokensMax: number,
    private readonly endToken = END_TOKEN,
  ) {}

  /** @throws LaurelError LAUREL_MODEL_INVALID */
  useParameters(values: Readonly<Record<string, Float32Array>>): void {
    this.parameters = parameterFeeds(this.transformer.parameters, values);
  }

  /**
   * One completion for each row. Rows of equal prompts that stand together are read once.
   * @throws LaurelError LAUREL_NUMBER_INVALID
   */
  async write(requests: readonly RowRequest[], random: CounterRandom): Promise<Written> {
    const rows = requests.length;
    const cache = await this.prefill(requests);
    const written = requests.map((): WrittenRow & { ended: boolean } => ({ tokens: [], logProbs: [], ended: false }));
    const token = BigInt64Array.from(requests, ({ promptTokens }) => BigInt(promptTokens[promptTokens.length - 1] as number));
    const position = BigInt64Array.from(requests, ({ promptTokens }) => BigInt(promptTokens.length - 1));
    const stepMs: number[] = [];
    for (let step = 0; step < this.completionTokensMax && written.some((row) => !row.ended); step++) {
      const begun = performance.now();
      cache.makeRoom(Number(position.reduce((most, one) => (one > most ? one : most), 0n)) + 1);
      const session = await this.session('decode', rows, cache.length);
      const results = await session.run({ ...this.parameters, ...cache.feeds(), token: new Tensor('int64', token, [rows, 1]), position: new Tensor('int64', position, [rows, 1]) });
      cache.add(results, position);
      const logProbs = (results['log_prob'] as Tensor).data as Float32Array;
      const vocabulary = this.transformer.spec.vocabulary;
      for (let row = 0; row < rows; row++) {
        const one = written[row] as WrittenRow & { ended: boolean };
        if (one.ended) continue;
        const [a, b, c] = (requests[row] as RowRequest).address;
        const drawn = draw(logProbs, row * vocabulary, vocabulary, random.uniform(a, b, c, step));
        one.tokens.push(drawn);
        one.logProbs.push(logProbs[row * vocabulary + drawn] as number);
        one.ended = drawn === this.endToken;
        token[row] = BigInt(drawn);
        position[row] = (position[row] as bigint) + 1n;
      }
      stepMs.push(performance.now() - begun);
    }
    return { rows: written, stepMs };
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).release();
    this.sessions.clear();
  }

  /** Reads each prompt once and copies its keys and values to all rows that continue it. */
  private async prefill(requests: readonly RowRequest[]): Promise<Cache> {
    const prompts: (readonly number[])[] = [];
    const promptOf = requests.map(({ promptTokens }) => {
      if (prompts.at(-1)?.join() !== promptTokens.join()) prompts.push(promptTokens);
      return prompts.length - 1;
    });
    const length = roundUp(Math.max(...prompts.map((prompt) => prompt.length)));
    const tokens = new BigInt64Array(prompts.length * length);
    prompts.forEach((prompt, row) => prompt.forEach((token, at) => (tokens[row * length + at] = BigInt(token))));
    const session = await this.session('prefill', prompts.length, length);
    const results = await session.run({ ...this.parameters, tokens: new Tensor('int64', tokens, [prompts.length, length]) });
    return new Cache(this.transformer, promptOf, length, results);
  }

  private session(kind: 'prefill' | 'decode', rows: number, length: number): Promise<InferenceSession> {
    const key = `${kind}/${rows}/${length}`;
    const known = this.sessions.get(key);
    if (known) return known;
    const model = kind === 'prefill' ? prefillModel(this.transformer, rows, length) : decodeModel(this.transformer, rows, length, this.temperature);
    // One thread: rollout workers are spread over the cores as processes, and one thread always sums in the same order.
    const made = InferenceSession.create(model, { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' });
    this.sessions.set(key, made);
    for (const [oldest, unused] of this.sessions) {
      if (this.sessions.size <= SESSIONS_MAX) break;
      this.sessions.delete(oldest);
      void unused.then((session) => session.release());
    }
    return made;
  }
}

/** Keys and values of all rows; grows with the longest of them. */
class Cache {
  length: number;
  /** By input name, [rows, heads, length, head width]. */
  private arrays: Map<string, Float32Array>;
  private readonly heads: number;
  private readonly width: number;
  private readonly rows: number;

  constructor(transformer: Transformer, promptOf: readonly number[], promptLength: number, results: InferenceSession.ReturnType) {
    const { layers, heads, context } = transformer.spec;
    this.heads = heads;
    this.width = headWidth(transformer.spec);
    this.rows = promptOf.length;
    this.length = Math.min(promptLength, roundUp(context));
    const size = heads * promptLength * this.width;
    this.arrays = new Map(
      Array.from({ length: layers }, (_, layer) => [`key.${layer}`, `value.${layer}`])
        .flat()
        .map((name) => {
          const source = (results[name] as Tensor).data as Float32Array;
          const array = new Float32Array(this.rows * size);
          promptOf.forEach((prompt, row) => array.set(source.subarray(prompt * size, (prompt + 1) * size), row * size));
          return [name, array];
        }),
    );
  }

  /** Entries for positions below `length`. */
  makeRoom(length: number): void {
    if (length <= this.length) return;
    const [before, after] = [this.length * this.width, roundUp(length) * this.width];
    this.arrays = new Map(
      [...this.arrays].map(([name, array]) => {
        const grown = new Float32Array(this.rows * this.heads * after);
        for (let head = 0; head < this.rows * this.heads; head++) grown.set(array.subarray(head * before, (head + 1) * before), head * after);
        return [name, grown];
      }),
    );
    this.length = roundUp(length);
  }

  feeds(): Record<string, Tensor> {
    return Object.fromEntries([...this.arrays].map(([name, array]) => [`cache.${name}`, new Tensor('float32', array, [this.rows, this.heads, this.length, this.width])]));
  }

  /** Takes the key and value of each row's newest token over, at its position. */
  add(results: InferenceSession.ReturnType, position: BigInt64Array): void {
    const { heads, width, length } = this;
    for (const [name, array] of this.arrays) {
      const source = (results[name] as Tensor).data as Float32Array;
      for (let row = 0; row < this.rows; row++) {
        const at = Number(position[row]);
        for (let head = 0; head < heads; head++) {
          const from = (row * heads + head) * width;
          const to = ((row * heads + head) * length + at) * width;
          for (let index = 0; index < width; index++) array[to + index] = source[from + index] as number;
        }
      }
    }
  }
}

function roundUp(length: number): number {
  return Math.ceil(length / LENGTH_STEP) * LENGTH_STEP;
}

/** The first token whose cumulated probability exceeds `u`; the last possible one where rounding leaves a rest. @throws LaurelError LAUREL_NUMBER_INVALID */
function draw(logProbs: Float32Array, offset: number, count: number, u: number): number {
  let sum = 0;
  let last = -1;
  for (let token = 0; token < count; token++) {
    const probability = Math.exp(logProbs[offset + token] as number);
    if (!(probability >= 0)) throw new LaurelError('LAUREL_NUMBER_INVALID', `expected log-probabilities of tokens, got ${logProbs[offset + token]}; lower the learning rate`);
    if (probability > 0) last = token;
    sum += probability;
    if (u < sum) return token;
  }
  return last;
}
