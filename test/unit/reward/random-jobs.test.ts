import type { Table } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readTable, readTables } from '../../../proto/flight/tables.js';
import { ERROR_TABLE, LaurelError } from '../../../proto/errors.js';
import type { Job } from '../../../proto/job.js';
import type { RewardRef } from '../../../proto/references.js';
import { constantWeights } from '../../../proto/reward-combine.js';
import { advanceRewardState, initialRewardState, type RewardState } from '../../../proto/reward-state.js';
import { resolveJob } from '../../../proto/resolve.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { machineResources } from '../../../workers/annotator/judge-resources.js';
import type { LabelView } from '../../../workers/annotator/label-table.js';
import { completionUnits } from '../../../workers/reward/completion-units.js';
import { RewardGraph, TOTAL } from '../../../workers/reward/graph.js';
import { JudgementBook, type Judgement } from '../../../workers/reward/judgements.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { encodeRewards } from '../../../workers/reward/reward-record.js';
import { Scorer } from '../../../workers/reward/scorer.js';
import { segmentUnits } from '../../../workers/reward/segment-units.js';
import type * as Registry from '../../../workers/reward/sources/registry.js';
import type { SourceContext } from '../../../workers/reward/sources/source.js';
import type { Units } from '../../../workers/reward/units.js';
import { digestOf } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { encodeCompletions, type Completion } from '../../../workers/text/completions.js';
import { COMBINATORS, Draw, randomJob, SHAPES, SOURCES, type Workload } from '../../support/random-jobs.js';
import { readerOf, SMALL_JOB, SmallRun } from '../../support/small-run.js';

const JOBS = 2_000;
/** Of these, the ones that go through files. */
const STORED_JOBS = 20;
const TEST_MS_MAX = 300_000;

/** Reads a file of a user. */
const NOT_DRAWN: readonly string[] = ['onnx'];

/** What stands under a mask must never be looked at: with `poison` on, sources put a number there that would show. */
const masked = vi.hoisted(() => ({ poison: false }));
vi.mock('../../../workers/reward/sources/registry.js', async (original) => {
  const registry = await original<typeof Registry>();
  return {
    ...registry,
    compileSource(...given: Parameters<typeof registry.compileSource>) {
      const source = registry.compileSource(...given);
      const poisoned = (column: RewardColumn): RewardColumn => ({ ...column, value: column.value.map((value, unit) => (column.mask[unit] === 0 && masked.poison ? 12_345 : value)) });
      return {
        ...source,
        evaluate(...input: Parameters<typeof source.evaluate>) {
          const made = source.evaluate(...input);
          return Array.isArray(made) ? (made as readonly RewardColumn[]).map(poisoned) : poisoned(made as RewardColumn);
        },
      };
    },
  };
});

/** Every third text has no label. */
const LABELS: LabelView = (() => {
  const get = (text: Uint8Array | string) => {
    const sum = [...(typeof text === 'string' ? text : Buffer.from(text).toString('latin1'))].reduce((total, letter) => total + letter.charCodeAt(0), 0);
    return sum % 3 === 0 ? undefined : { probability: (sum % 10) / 10, entry: sum % 7, human: false };
  };
  return { position: 9, labels: 9, get, byJudge: get, verdicts: () => [], failedAttempts: () => 0, ref: () => ({ annotator: 'a', position: 9, labels: 9 }) };
})();

/** Asks the judge of a job each time, and forgets what it said about every third question. */
const BOOK = new JudgementBook({ get: () => Promise.resolve(undefined), putIfAbsent: () => Promise.resolve({ created: true }) } as unknown as ObjectStore, machineResources());
const judgedBy = (spec: Extract<Job['sources'][string], { kind: 'judge' }>) => async (questions: readonly Uint8Array[]) => {
  const judgements = await BOOK.of({ run: 'r', source: 's', shard: 0, seq: 0 }, spec, questions);
  const late = ({ question, reply, model, tokensIn, tokensOut }: Judgement): Judgement => ({ question, status: 'late', value: null, reply, model, tokensIn, tokensOut });
  return new Map([...judgements].map(([question, judgement]) => [question, parseInt(question.slice(-2), 16) % 3 === 0 ? late(judgement) : judgement]));
};

/** The same units as one batch, and as several; each with the history that a graph asks for. */
interface Batches {
  whole(graph: RewardGraph, job: Job): Units;
  parts(graph: RewardGraph, job: Job): readonly Units[];
}

describe('jobs put together at random', () => {
  let run: SmallRun;
  let workloads: Readonly<Record<Workload, Batches>>;

  beforeAll(async () => {
    // Episodes run across segments of 6 steps.
    run = await SmallRun.prepare({ ...SMALL_JOB, rollout: { shards: 1, environmentsPerShard: 3, segmentSteps: 6 } });
    const segments = (await run.collect(4)).flatMap((batch) => batch.segments);
    const tables = await Promise.all(segments.map(async ({ key }) => readTables((await run.store.get(key))!)[0]!));
    workloads = { 'grid-world': gridBatches(tables), text: textBatches() };
  }, TEST_MS_MAX);
  afterAll(() => run.close());

  it(`${JOBS} of them are each refused with a code, or score to finite numbers that no mask and no batching changes`, { timeout: TEST_MS_MAX }, async () => {
    const seen = { refused: 0, scored: 0, unknown: 0, codes: new Set<string>(), parts: new Set<string>() };
    for (let seed = 0; seed < JOBS; seed++) {
      const { workload, job: input } = randomJob(seed);
      const job = resolved(input, seed);
      if (job === null || job instanceof LaurelError) {
        seen.refused += 1;
        if (job) (job.details['issues'] as { code?: string }[]).forEach(({ code }) => seen.codes.add(code ?? job.code));
        continue;
      }
      seen.scored += 1;
      partsOf(input).forEach((part) => seen.parts.add(part));
      seen.unknown += await scoredSoundly(job, workloads[workload], seed);
    }
    // Enough of both, and every part of the registry in a job that was scored.
    expect(seen.refused).toBeGreaterThan(JOBS / 10);
    expect(seen.scored).toBeGreaterThan(JOBS / 5);
    expect(seen.unknown).toBeGreaterThan(0);
    for (const part of ['pointwise', 'pairwise', 'listwise', ...COMBINATORS, ...SHAPES, ...SOURCES.filter((kind) => !NOT_DRAWN.includes(kind))]) expect(seen.parts).toContain(part);
    for (const code of ['LAUREL_REWARD_GRANULARITY', 'LAUREL_REWARD_WIDTH', 'LAUREL_REWARD_THRESHOLD', 'LAUREL_REWARD_NOT_CAUSAL', 'LAUREL_REWARD_CONTEXT', 'LAUREL_REWARD_CACHED', 'LAUREL_JUDGE_UNSUITED']) expect(seen.codes).toContain(code);
  });
});

/** One worker scores all segments at once, another one after the other, last first; a third makes what was lost again. */
describe('through the store', () => {
  it('gives the same bytes on one worker or several, now or on re-scoring', { timeout: TEST_MS_MAX }, async () => {
    const run = await SmallRun.prepare({ ...SMALL_JOB, rollout: { shards: 1, environmentsPerShard: 3, segmentSteps: 6 } });
    try {
      const segments = (await run.collect(3)).flatMap((batch) => batch.segments);
      let scored = 0;
      for (let seed = JOBS; scored < STORED_JOBS; seed++) {
        const { workload, job: input } = randomJob(seed);
        const job = workload === 'grid-world' ? resolved(input, seed) : null;
        if (job === null || job instanceof LaurelError || Object.values(job.sources).some((source) => source.kind === 'model')) continue;
        scored += 1;
        const [one, other] = [`one-${seed}`, `other-${seed}`];
        for (const name of [one, other]) {
          await run.store.putIfAbsent(layout.spec(name), Buffer.from(JSON.stringify(job)));
          for (const { key, seq } of segments) await run.store.putIfAbsent(layout.segment(name, 0, seq), (await run.store.get(key))!);
        }
        const state = initialRewardState(job);
        const inputs = { labels: {}, weights: constantWeights(job.combine), ...(state && { state }) };
        const worker = (asks = {}) => new Scorer({ store: run.store, reader: readerOf(run.store), endpoints: [], ...asks });
        const resources = machineResources();
        const atOnce = await worker({ resources }).score({ run: one, segments, ...inputs });
        const apart: RewardRef[] = [];
        for (const segment of [...segments].reverse()) apart.unshift(...(await worker({ resources }).score({ run: other, segments: [segment], ...inputs })));
        expect(apart.map(({ digest }) => digest), `job ${seed}`).toEqual(atOnce.map(({ digest }) => digest));
        const [lost] = atOnce as [RewardRef];
        await run.store.delete(lost.key);
        await worker().restore({ run: one, key: lost.key, digest: lost.digest, segment: segments[0]!, scoring: { models: {}, ...inputs } });
        expect(digestOf((await run.store.get(lost.key))!)).toBe(lost.digest);
      }
    } finally {
      await run.close();
    }
  });
});

/** A job, or why it is refused. Anything else that is thrown is a fault. */
function resolved(input: unknown, seed: number): Job | LaurelError | null {
  try {
    return resolveJob(input);
  } catch (error) {
    if (!(error instanceof LaurelError)) throw new Error(`job ${seed} is neither refused nor resolved: ${JSON.stringify(input)}`, { cause: error });
    expect(ERROR_TABLE).toHaveProperty(error.code);
    for (const issue of error.details['issues'] as { path: string; message: string }[]) expect(issue.message, `job ${seed}: ${JSON.stringify(input)}`).not.toBe('');
    return error;
  }
}

/** @returns how many values are unknown */
async function scoredSoundly(job: Job, batches: Batches, seed: number): Promise<number> {
  const graph = new RewardGraph(job);
  const weights = constantWeights(job.combine);
  const contexts: Record<string, SourceContext> = Object.fromEntries(Object.entries(job.sources).map(([name, spec]) => [name, spec.kind === 'judge' ? { judged: judgedBy(spec) } : { labels: LABELS }]));
  const state = initialRewardState(job);
  const score = async (units: Units, poison = false) => {
    const prepared = await graph.prepare(units, contexts);
    masked.poison = poison;
    return graph.score(units, prepared, weights, state);
  };
  const what = (column: number): string => `job ${seed}, ${graph.components[column]}: ${JSON.stringify({ sources: job.sources, shape: job.shape, combine: job.combine })}`;
  const whole = (await score(batches.whole(graph, job))).columns;
  expect(whole.length, what(0)).toBe(graph.components.length);
  expect(graph.components.at(-1)).toBe(TOTAL);
  let unknown = 0;
  whole.forEach((column, index) => {
    const fault = faultOf(column);
    if (fault !== null) throw new Error(`${fault}: ${what(index)}`);
    unknown += column.mask.filter((known) => known === 0).length;
  });
  // What stands under a mask is nobody's business.
  const poisoned = (await score(batches.whole(graph, job), true)).columns;
  poisoned.forEach((column, index) => expect(knownOf(column), what(index)).toEqual(knownOf(whole[index]!)));
  // In one batch or in many, now or later.
  const parts: ReturnType<RewardGraph['score']>[] = [];
  for (const units of batches.parts(graph, job)) parts.push(await score(units));
  whole.forEach((column, index) => expect(parts.flatMap(({ columns }) => knownOf(columns[index]!)), what(index)).toEqual(knownOf(column)));
  if (state !== undefined) expectRemembered(job, graph, state, parts);
  return unknown;
}

/** The learner's next state is finite, whatever was scored. */
function expectRemembered(job: Job, graph: RewardGraph, state: RewardState, parts: readonly ReturnType<RewardGraph['score']>[]): void {
  const refs = parts.map(({ columns, moments }) => {
    const { body } = encodeRewards(columns, { components: graph.components, segment: { key: 'k', digest: 'd' }, scoring: 's', labels: {}, models: {}, weights: {} });
    return { key: 'k', digest: 'd', bytes: 0, rows: columns[0]!.value.length, schemaVersion: 1, endpoints: [], shard: 0, seq: 0, scoring: 's', components: body.sums, moments };
  });
  const next = advanceRewardState(job, state, refs);
  for (const value of [...Object.values(next.multipliers), ...Object.values(next.moments).flatMap((one) => Object.values(one) as number[])]) expect(value).toSatisfy(Number.isFinite);
}

function faultOf({ value, mask, confidence, status }: RewardColumn): string | null {
  for (let unit = 0; unit < value.length; unit++) {
    if (!Number.isFinite(value[unit])) return `unit ${unit} is no finite number`;
    if (!((confidence[unit] as number) >= 0 && (confidence[unit] as number) <= 1)) return `confidence of unit ${unit} is ${confidence[unit]}`;
    if (status[unit] !== REWARD_STATUS.final && status[unit] !== REWARD_STATUS.pending && status[unit] !== REWARD_STATUS.error) return `status of unit ${unit} is ${status[unit]}`;
    if (mask[unit] === 0 && (value[unit] !== 0 || confidence[unit] !== 0)) return `unit ${unit} is unknown and has a value or a confidence`;
    if (mask[unit] !== 0 && mask[unit] !== 1) return `mask of unit ${unit} is ${mask[unit]}`;
  }
  return null;
}

/** Known values with all that is said of them; null where unknown. */
function knownOf({ value, mask, confidence, version }: RewardColumn): (string | null)[] {
  return [...mask].map((known, unit) => (known === 1 ? `${value[unit]} ${confidence[unit]} ${version[unit]}` : null));
}

function partsOf(input: unknown): string[] {
  if (Array.isArray(input)) return input.flatMap(partsOf);
  if (typeof input !== 'object' || input === null) return [];
  const { op, kind, mode } = input as { op?: unknown; kind?: unknown; mode?: unknown };
  return [...[op, kind, mode].filter((one): one is string => typeof one === 'string'), ...Object.values(input).flatMap(partsOf)];
}

/** The whole: all segments as one table, from the first step of every episode on. */
function gridBatches(tables: readonly Table[]): Batches {
  const earlier = (index: number, { history }: RewardGraph): Table[] => (history === 'none' ? [] : history === 'previous' ? tables.slice(Math.max(0, index - 1), index) : tables.slice(0, index));
  return {
    // The last segment with all of the episodes that run on into it.
    whole: (graph, { stages }) => segmentUnits(tables[tables.length - 1]!, graph.numbers, tables.slice(0, -1), stages),
    parts: (graph, { stages }) => [segmentUnits(tables[tables.length - 1]!, graph.numbers, earlier(tables.length - 1, graph), stages)],
  };
}

function textBatches(): Batches {
  const draw = new Draw(1);
  const letters = ['{', '}', '"', 'a', 'e', '1', ':', ' '];
  const completions = Array.from({ length: 12 }, (_, row): Completion => {
    const tokens = Array.from({ length: row % 5 }, () => draw.below(8));
    const grades = Array.from({ length: 5 }, () => draw.pick([0, 0, 1, 0.5]));
    return { prompt: { text: 'p', truth: row % 2 === 0 ? { care: row / 4 } : 'a' }, group: Math.floor(row / 4), sample: row % 4, promptTokens: [1], tokens, logProbs: tokens.map(() => -draw.uniform()), ended: row % 3 > 0, text: tokens.map((token) => letters[token]).join(''), grades };
  });
  const identity = { run: 'r', shard: 0, seq: 0, policyVersion: 3, environments: 3, steps: 4, seed: 1, spaces: { rewards: ['struct', 'format', 'valid', 'correct', 'length'], episodeStatistics: [] } };
  const unitsOf = (rows: readonly Completion[]): Units => completionUnits(readTable(encodeCompletions(rows, identity).bytes));
  const [whole, ...parts] = [completions, completions.slice(0, 4), completions.slice(4, 12)].map(unitsOf) as [Units, ...Units[]];
  return { whole: () => whole, parts: () => parts };
}
