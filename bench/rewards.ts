/**
 * Rows of reward evaluation for each second of a core: each kind of source on what it reads (steps with messages and a position, or
 * completions with ground truth), each combinator over three sources. The reference of a row is the cheapest of its kind: the
 * environment's own reward for sources, the weighted sum for combinators.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveJob } from '../proto/resolve.js';
import { sourceSchema } from '../proto/reward-sources.js';
import { CounterRandom } from '../proto/philox.js';
import { Graph } from '../workers/learner/graph/graph.js';
import * as op from '../workers/learner/graph/ops.js';
import { RewardGraph } from '../workers/reward/graph.js';
import { sharedIsolate } from '../workers/reward/programs/isolate-client.js';
import { compileSource } from '../workers/reward/sources/registry.js';
import type { CompiledSource } from '../workers/reward/sources/source.js';
import { unitLevel, type UnitLevel, type Units } from '../workers/reward/units.js';
import { digestOf } from '../workers/store/artifacts.js';
import { median } from './peer.js';
import type { Row } from './pipeline.js';

const STEPS = 8_192;
const EPISODE = 64;
const MESSAGES = 500;
const COMPLETIONS = 1_024;
const ROUNDS = 5;
const ROUND_SECONDS = 0.1;

const random = new CounterRandom(1, 'test');
const WORDS = ['kill', 'newt', 'door', 'open', 'key', 'gold', 'soup', 'egg', 'rice', 'take', 'you', 'the', 'a', 'see', 'hear'];
const sentence = (place: number): string => Array.from({ length: 8 }, (_, word) => WORDS[Math.floor(WORDS.length * random.uniform(place, word))] as string).join(' ') + ` ${place}`;

function steps(): UnitLevel {
  const episode = Int32Array.from({ length: STEPS }, (_, unit) => Math.floor(unit / EPISODE));
  return unitLevel({
    granularity: 'step',
    units: STEPS,
    textIndex: Int32Array.from({ length: STEPS }, (_, unit) => Math.floor(MESSAGES * random.uniform(unit, 3))),
    texts: Array.from({ length: MESSAGES }, (_, place) => sentence(place)),
    textCount: new Int32Array(STEPS).fill(1),
    envReward: Float32Array.from({ length: STEPS }, (_, unit) => random.uniform(unit)),
    rewardNames: ['score'],
    episode,
    position: Int32Array.from({ length: STEPS }, (_, unit) => unit % EPISODE),
    done: Uint8Array.from({ length: STEPS }, (_, unit) => (unit % EPISODE === EPISODE - 1 ? 1 : 0)),
    numbers: { 'observation.position': { width: 4, values: Float32Array.from({ length: 4 * STEPS }, (_, at) => random.uniform(at, 1)) }, logprob: { width: 1, values: new Float32Array(STEPS).fill(-1) } },
  });
}

function completions(): UnitLevel {
  const each = Int32Array.from({ length: COMPLETIONS }, (_, unit) => unit);
  const answer = (unit: number): string => `{"d":"${sentence(unit)}","m":${unit}} [${unit},0,4,4]`;
  return unitLevel({
    granularity: 'episode',
    units: COMPLETIONS,
    textIndex: each,
    texts: Array.from(each, answer),
    textCount: new Int32Array(COMPLETIONS).fill(1),
    truth: { index: each, values: Array.from(each, (unit) => ({ d: sentence(unit + 1), m: unit, box: [unit + 1, 1, 4, 4] })) },
    strings: { prompt: { index: each, texts: Array.from(each, sentence) } },
  });
}

/** Seconds of the processor for one evaluation, whatever else the machine does: the median of some rounds, after one that warms up. */
async function seconds(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const begun = process.cpuUsage();
    let [count, spent] = [0, 0];
    while (spent < ROUND_SECONDS) {
      await run();
      count += 1;
      const { user, system } = process.cpuUsage(begun);
      spent = (user + system) / 1e6;
    }
    if (round >= 0) times.push(spent / count);
  }
  return median(times);
}

const rule = (spec: object): unknown => ({ kind: 'rule', rule: spec });
const PLACE = { of: 'observation.position' };

/** What is compiled anew in each round, so that nothing is remembered from the one before. */
const ON_STEPS: Readonly<Record<string, unknown>> = {
  env: { kind: 'env' },
  'rule first-match': rule({ kind: 'first-match', rules: [{ match: 'exact', pattern: 'x', value: 1 }, { match: 'regex', pattern: 'gold|key', value: 0.5 }] }),
  'rule indicator': rule({ kind: 'indicator', number: 'observation.position[1]', from: 0.5 }),
  'rule expression': rule({ kind: 'expression', expression: 'let p = numbers("observation.position"); contains(text, "gold") ? distance(p, [0, 0, 0, 0]) : -p[1]' }),
  'novelty count': { kind: 'novelty', bonus: { kind: 'count', ...PLACE } },
  'novelty nearest': { kind: 'novelty', bonus: { kind: 'nearest', ...PLACE } },
  'novelty distillation': { kind: 'novelty', bonus: { kind: 'distillation', ...PLACE } },
  'spec ltl': { kind: 'spec', objective: { kind: 'ltl', formula: 'F (key & X F door)', propositions: { key: 'contains(text, "key")', door: 'contains(text, "door")' } } },
  'spec sharpe': { kind: 'spec', objective: { kind: 'sharpe', of: 'env("score")' } },
  embedding: { kind: 'embedding', goal: 'kill the newt' },
  'implicit confidence': { kind: 'implicit', form: 'confidence' },
};
const ON_COMPLETIONS: Readonly<Record<string, unknown>> = {
  'rule regex': rule({ kind: 'regex', pattern: '"m":(\\d+)', gives: 'number' }),
  'rule parses': rule({ kind: 'parses', pick: '^(.*\\}) ' }),
  'rule json-schema': rule({ kind: 'json-schema', pick: '^(.*\\}) ', schema: { type: 'object', required: ['d', 'm'], properties: { m: { type: 'integer' } } } }),
  'rule exact': rule({ kind: 'exact', against: 'truth.d' }),
  'rule f1': rule({ kind: 'f1', against: 'truth.d' }),
  'rule jaccard': rule({ kind: 'jaccard', against: 'truth.d' }),
  'rule iou': rule({ kind: 'iou', pick: '\\[(.*)\\]', against: 'truth.box', generalised: true }),
  'rule length': rule({ kind: 'length', target: 4 }),
  'rule javascript, a fresh isolate for each row': rule({ kind: 'javascript', program: 'function reward(unit) { return unit.text.length + unit.truth.m }' }),
};
const COMBINATORS: Readonly<Record<string, object>> = {
  linear: { op: 'linear', weights: { a: 1, b: 0.5, c: 0.25 } },
  gate: { op: 'gate', of: ['a', 'b'], by: ['b', 'c'] },
  'nonlinear signed-geometric-mean': { op: 'nonlinear', rule: 'signed-geometric-mean', of: ['a', 'b', 'c'] },
  cascade: { op: 'cascade', of: ['a', 'b'], require: [{ of: 'c', min: 0.5, floor: -1 }] },
  ensemble: { op: 'ensemble', of: ['a', 'b', 'c'], rule: 'pessimistic' },
  'assign from episode to step': { op: 'assign', of: 'e', to: 'step', rule: 'last' },
};

async function sourceSeconds(spec: unknown, level: UnitLevel, file?: Uint8Array): Promise<number> {
  const parsed = sourceSchema.parse(spec);
  const units: Units = { base: level.granularity, levels: { [level.granularity]: level } };
  return seconds(async () => {
    const source: CompiledSource = compileSource('source', parsed);
    const prepared = await source.prepare?.(level, { units, file }, {});
    source.evaluate(level, { units, prepared });
  });
}

export async function benchRewards(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const [played, written] = [steps(), completions()];
  const cheapest = STEPS / (await sourceSeconds(ON_STEPS['env'], played));
  const tell = (what: string, rate: number, reference: number): void => void rows.push({ what, unit: 'rows/s of a core', ours: rate, reference, ratio: rate / reference });
  for (const [what, spec] of Object.entries(ON_STEPS)) tell(`${what} (${STEPS} steps)`, STEPS / (await sourceSeconds(spec, played)), cheapest);
  for (const [what, spec] of Object.entries(ON_COMPLETIONS)) tell(`${what} (${COMPLETIONS} completions)`, COMPLETIONS / (await sourceSeconds(spec, written)), cheapest);
  tell(`onnx, a layer of 4 x 16 x 1, one row at a time (${STEPS} steps)`, STEPS / (await onnxSeconds(played)), cheapest);
  await sharedIsolate().close();
  const episodes = unitLevel({ granularity: 'episode', units: STEPS / EPISODE, envReward: new Float32Array(STEPS / EPISODE).fill(1), rewardNames: ['score'], done: new Uint8Array(STEPS / EPISODE).fill(1) });
  const units: Units = { base: 'step', levels: { step: { ...played, parent: played.episode }, episode: episodes } };
  const rates: Record<string, number> = {};
  for (const [what, combine] of Object.entries(COMBINATORS)) rates[what] = STEPS / (await combinedSeconds(combine, units));
  for (const [what, rate] of Object.entries(rates)) tell(`${what}, with the sources it needs (${STEPS} steps)`, rate, rates['linear'] as number);
  return rows;
}

async function onnxSeconds(level: UnitLevel): Promise<number> {
  const g = new Graph('bench');
  const weights = (rows: number, columns: number) => g.constant(Float32Array.from({ length: rows * columns }, (_, at) => random.uniform(at, 2) - 0.5), [rows, columns]);
  g.output('reward', op.matmul(g, op.tanh(g, op.matmul(g, g.input('place', [1, 4]), weights(4, 16))), weights(16, 1)));
  const bytes = g.build({});
  const folder = await mkdtemp(join(tmpdir(), 'laurel-bench-'));
  const path = join(folder, 'bench.onnx');
  await writeFile(path, bytes);
  try {
    return await sourceSeconds({ kind: 'onnx', file: { path, digest: digestOf(bytes) }, inputs: { place: 'observation.position' }, output: 'reward', providers: 'cpu' }, level, bytes);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function combinedSeconds(combine: object, units: Units): Promise<number> {
  const env = { kind: 'env' };
  const parts = resolveJob({ name: 'bench', environment: { kind: 'grid-world' }, sources: { a: env, b: { ...env, scale: 2 }, c: { ...env, scale: -1 }, ...('to' in combine ? { e: { ...env, granularity: 'episode' } } : {}) }, combine, stop: { versions: 1 } });
  const graph = new RewardGraph(parts);
  return seconds(async () => void graph.evaluate(units, await graph.prepare(units, {}), 'weights' in combine ? { a: 1, b: 0.5, c: 0.25 } : {}));
}
