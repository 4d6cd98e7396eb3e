/** Scores segments: reads their messages, evaluates the reward expression, stores the components. */
import { setMaxListeners } from 'node:events';
import type { ScoreInput } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { ArtifactRef, GroupCounts, RewardRef, SegmentRef } from '../../proto/references.js';
import { placeOf, type RestoreResult, type RestoreRewardInput } from '../../proto/restoration.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import { needsReference } from '../../proto/reward-implicit.js';
import { isTrained } from '../../proto/reward-fits.js';
import type { JudgeResources } from '../annotator/judges/create-judge.js';
import type { InputRef } from '../learner/update-record.js';
import { findTrained } from '../learner/update-search.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { digestOf, hashOf, readJson, writeWhole } from '../store/artifacts.js';
import { cannotRestore } from '../store/damage.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { COMPLETION_UNIT_COLUMNS, completionUnits } from './completion-units.js';
import { RewardGraph } from './graph.js';
import { JudgementBook } from './judgements.js';
import { SourceContexts } from './models/source-contexts.js';
import { REFERENCE_COLUMNS, ReferenceLogProbs } from './reference-log-probs.js';
import type { RewardColumn } from './reward-column.js';
import { decodeRewards, encodeRewards, isUsableReward, isWholeReward } from './reward-record.js';
import { readHistory, type SegmentPlace } from './segment-history.js';
import { segmentUnitColumns, segmentUnits } from './segment-units.js';
import { REFERENCE } from './sources/implicit.js';
import type { SourceContext } from './sources/source.js';
import { UserFiles } from './user-files.js';
import { levelOf, type Units } from './units.js';
import { keepNewest } from '../keep-newest.js';

export interface ScorerOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  /** Flight locations where this worker offers what it wrote. */
  readonly endpoints: readonly string[];
  /** What live judges need; absent: nobody is asked, what they answered is read. */
  readonly resources?: JudgeResources;
}

interface CompiledJob {
  readonly job: Job;
  readonly graph: RewardGraph;
  /** Where a source compares with version 0. */
  readonly reference: ReferenceLogProbs | undefined;
}

/** Jobs kept in memory; the least recently used goes first. */
const KEPT_MAX = 32;

export class Scorer {
  private readonly jobs = new Map<string, CompiledJob>();

  private readonly sources: SourceContexts;
  private readonly files: UserFiles;
  private readonly judgements: JudgementBook;

  constructor(private readonly options: ScorerOptions) {
    this.sources = new SourceContexts(options.store, options.reader);
    this.files = new UserFiles(options.store);
    this.judgements = new JudgementBook(options.store, options.resources ?? null);
  }

  /**
   * Rewards of each segment, in order. A pure function of the segments, the label-log positions, the reward models and the weights: a
   * repeated call finds the same objects and gives the same references.
   * @throws LaurelError LAUREL_STORE_*, LAUREL_SCHEMA_MISMATCH, LAUREL_JOB_INVALID
   */
  async score(input: ScoreInput, work: { readonly signal?: AbortSignal } = {}): Promise<RewardRef[]> {
    const compiled = await this.compiled(input.run);
    const scoring = scoringOf(compiled.job, input);
    // All at once, so that what one worker offers is asked of it in one call.
    const stored = await Promise.all(input.segments.map((segment) => this.stored(input.run, segment, scoring)));
    work.signal?.throwIfAborted();
    return allOrNone(work.signal, input.segments.map((segment, index) => (signal) => stored[index] ?? this.scoreOne(input, segment, compiled, scoring, signal)));
  }

  /**
   * Computes rewards again that were damaged or lost; what comes out must have the digest that was recorded.
   * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT: with the key of the segment, where that must be made
   * again first; with this key, where it cannot be done.
   */
  async restore(input: RestoreRewardInput, work: { readonly signal?: AbortSignal } = {}): Promise<RestoreResult> {
    const { run, key } = input;
    const { store } = this.options;
    const place = placeOf(key);
    if (place?.kind !== 'reward') throw cannotRestore(key, 'it holds no rewards');
    const stored = await store.get(key);
    if (stored && (input.digest === null ? isWholeReward(stored) : digestOf(stored) === input.digest)) return { made: false };
    const trained = input.segment && input.scoring ? undefined : await trainedWith(store, run, key);
    const segment = input.segment ?? (trained && { ...trained.segment, endpoints: [], shard: place.shard, seq: place.seq });
    const scoring = input.scoring ?? trained?.scoring;
    if (!segment || !scoring) throw cannotRestore(key, 'nothing says what it was computed from');
    const compiled = await this.compiled(run);
    const labels = Object.fromEntries(Object.entries(scoring.labels).map(([source, log]) => [source, { ...log, labels: 0 }]));
    const again = { labels, models: scoring.models, weights: scoring.weights, ...(scoring.state && { state: scoring.state }) };
    const name = scoringOf(compiled.job, again);
    if (name !== place.scoring) throw cannotRestore(key, `its name stands for other labels or weights than the record (${name})`);
    const { bytes } = await this.compute(again, { ...segment, run, shard: place.shard, seq: place.seq }, compiled, name, work.signal);
    const digest = input.digest ?? trained?.reward.digest ?? null;
    if (digest !== null && digestOf(bytes) !== digest) throw cannotRestore(key, `computed again it has ${digestOf(bytes)}, recorded was ${digest}`);
    await store.replace(key, bytes);
    return { made: true };
  }

  /** Ends what judges hold: models, programs, connections. */
  close(): Promise<void> {
    return this.judgements.close();
  }

  private async scoreOne(input: ScoreInput, segment: SegmentRef, compiled: CompiledJob, scoring: string, signal?: AbortSignal): Promise<RewardRef> {
    const { bytes, body, units } = await this.compute(input, { ...segment, run: input.run }, compiled, scoring, signal);
    const key = layout.reward(input.run, segment.shard, segment.seq, scoring);
    const options = { rows: units, schemaVersion: SCHEMA_VERSIONS.reward, endpoints: this.options.endpoints };
    const artifact = await writeWhole(this.options.store, key, bytes, options, isWholeReward);
    return { ...artifact, shard: segment.shard, seq: segment.seq, scoring, components: body.sums, ...(body.moments && { moments: body.moments }), ...(body.groups ? { groups: body.groups } : {}) };
  }

  private async compute(input: Omit<ScoreInput, 'run' | 'segments'>, segment: ArtifactRef & SegmentPlace, compiled: CompiledJob, scoring: string, signal?: AbortSignal) {
    const { job, graph } = compiled;
    const units = await this.units(segment, compiled, signal);
    const level = levelOf(units, units.base);
    const faults: Record<string, Record<string, number>> = {};
    const contexts = await graph.prepare(units, await this.contexts(job, input, units, faults, segment), { signal });
    const { columns, moments } = graph.score(units, contexts, input.weights, input.state);
    const encoded = encodeRewards(columns, {
      components: graph.components,
      segment: { key: segment.key, digest: segment.digest },
      scoring,
      labels: Object.fromEntries(Object.entries(input.labels).map(([source, { annotator, position }]) => [source, { annotator, position }])),
      models: input.models ?? {},
      weights: input.weights,
      ...(input.state && { state: input.state }),
      ...(Object.keys(moments).length > 0 && { moments }),
      ...(Object.keys(faults).length > 0 && { faults }),
      ...groupCounts(level.group, columns[columns.length - 1] as RewardColumn),
    });
    return { ...encoded, units: units.own?.length ?? level.units };
  }

  private async units(segment: ArtifactRef & SegmentPlace, { job, graph, reference }: CompiledJob, signal?: AbortSignal): Promise<Units> {
    const { reader, store } = this.options;
    if (job.environment.kind === 'text') {
      const table = await reader.columns(segment, [...COMPLETION_UNIT_COLUMNS, ...(reference ? REFERENCE_COLUMNS : [])], signal);
      return completionUnits(table, reference ? { [REFERENCE]: await reference.of(table, signal) } : {});
    }
    const table = await reader.columns(segment, segmentUnitColumns(graph.numbers), signal);
    return segmentUnits(table, graph.numbers, await readHistory(store, segment, table, graph.history, signal), job.stages);
  }

  /** What each source looks at besides the units of one segment. @param faults is filled in as sources are evaluated */
  private async contexts(job: Job, { labels, models }: Pick<ScoreInput, 'labels' | 'models'>, units: Units, faults: Record<string, Record<string, number>>, { run, shard, seq }: SegmentPlace): Promise<Record<string, SourceContext>> {
    const contexts: Record<string, SourceContext> = {};
    for (const [source, spec] of Object.entries(job.sources)) {
      if (spec.kind === 'rule') contexts[source] = { report: (code, count) => void ((faults[source] ??= {})[code] = count) };
      if (spec.kind === 'embedding' && spec.encoder) contexts[source] = { file: await this.files.read(spec.encoder.file) };
      if (spec.kind === 'onnx') contexts[source] = { file: await this.files.read(spec.file) };
      if (spec.kind === 'judge') contexts[source] = { judged: (questions, signal) => this.judgements.of({ run, source, shard, seq }, spec, questions, signal) };
      if (spec.kind !== 'model') continue;
      contexts[source] = await this.sources.of(spec, labels[source], models?.[source], levelOf(units, spec.granularity ?? units.base).texts);
    }
    return contexts;
  }

  /** The reference of rewards that an earlier attempt has stored. */
  private async stored(run: string, segment: SegmentRef, scoring: string): Promise<RewardRef | undefined> {
    const key = layout.reward(run, segment.shard, segment.seq, scoring);
    const bytes = await this.options.store.get(key);
    if (bytes === undefined || !isUsableReward(bytes)) return undefined;
    const { body, units } = decodeRewards(bytes);
    if (body.segment.digest !== segment.digest) {
      throw new LaurelError('LAUREL_STORE_CONFLICT', `expected ${key} to be made from ${segment.digest}, it was made from ${body.segment.digest}`, { key });
    }
    const artifact: ArtifactRef = { key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: units, schemaVersion: SCHEMA_VERSIONS.reward, endpoints: this.options.endpoints };
    return { ...artifact, shard: segment.shard, seq: segment.seq, scoring, components: body.sums, ...(body.moments && { moments: body.moments }), ...(body.groups ? { groups: body.groups } : {}) };
  }

  private async compiled(run: string): Promise<CompiledJob> {
    const known = this.jobs.get(run);
    if (known) return known;
    const key = layout.spec(run);
    const job = await readJson<Job>(this.options.store, key);
    if (job === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check that all workers see the same store`, { key });
    const compares = Object.values(job.sources).some((source) => source.kind === 'implicit' && needsReference(source));
    const compiled: CompiledJob = { job, graph: new RewardGraph(job), reference: compares ? new ReferenceLogProbs(this.options.store, run, job) : undefined };
    keepNewest(this.jobs, run, compiled, KEPT_MAX);
    return compiled;
  }
}

/**
 * The results of all tasks at once. Where one fails the others are given up and waited for before that is told: whoever
 * tries again finds nobody who still asks a judge what he is about to ask.
 */
async function allOrNone<T>(outer: AbortSignal | undefined, tasks: readonly ((signal: AbortSignal) => T | Promise<T>)[]): Promise<T[]> {
  const inner = new AbortController();
  const signal = outer ? AbortSignal.any([outer, inner.signal]) : inner.signal;
  // Each task listens: that is no leak.
  setMaxListeners(0, signal);
  const failures: unknown[] = [];
  const running = tasks.map(async (task) => {
    try {
      return await task(signal);
    } catch (error) {
      failures.push(error);
      inner.abort(error);
      throw error;
    }
  });
  const ended = await Promise.allSettled(running);
  if (failures.length > 0) throw failures[0];
  return ended.map((one) => (one as PromiseFulfilledResult<T>).value);
}

/** Groups, and those whose known totals are all equal. @param group of each unit, non-decreasing; null: there are none */
function groupCounts(group: Int32Array | null, { value, mask }: RewardColumn): { groups?: GroupCounts } {
  if (group === null) return {};
  const first = new Map<number, number>();
  const differing = new Set<number>();
  group.forEach((one, unit) => {
    if (mask[unit] === 0) return;
    if (!first.has(one)) first.set(one, value[unit] as number);
    else if (first.get(one) !== value[unit]) differing.add(one);
  });
  const count = new Set(group).size;
  return { groups: { count, equal: count - differing.size } };
}

/** The record of the update that used these rewards. */
async function trainedWith(store: ObjectStore, run: string, key: string) {
  return findTrained(store, run, ({ segments, rewards, scoring }) => {
    const index = rewards.findIndex((reward) => reward.key === key);
    return index < 0 ? undefined : { segment: segments[index] as InputRef, reward: rewards[index] as InputRef, scoring };
  });
}

/** Name of a scoring: everything that its values depend on besides the segment. */
export function scoringOf(job: Job, input: Pick<ScoreInput, 'labels' | 'models' | 'weights' | 'state'>): string {
  const sources = Object.fromEntries(
    Object.entries(job.sources).map(([name, spec]): [string, unknown] => {
      if (spec.kind !== 'model') return [name, spec];
      const { answer, threshold } = spec.annotator;
      const declared = { ...(spec.granularity && { granularity: spec.granularity }), ...(spec.range && { range: spec.range }) };
      const log = input.labels[name];
      if (spec.fit.kind === 'bag-of-words') return [name, { kind: spec.kind, ...declared, fit: { ...spec.fit, goal: spec.fit.goal ?? spec.annotator.goal } }];
      // A trained fit looks at its model alone, and the model was made from labels at its own position.
      const from = isTrained(spec.fit) ? { model: input.models?.[name]?.digest ?? null } : { position: log?.position ?? null };
      return [name, { kind: spec.kind, ...declared, fit: spec.fit, unknown: spec.unknown, answer, threshold, annotator: log?.annotator ?? null, ...from }];
    }),
  );
  // Constant weights of a flat sum are those in force; those of a tree stand in it too, and stay what the job says.
  const flat = job.combine.op === 'linear' && Object.keys(job.combine).every((key) => key === 'op' || key === 'weights') && Object.values(job.combine.weights).every((weight) => typeof weight === 'number');
  return hashOf({ sources, shape: job.shape, combine: flat ? { op: job.combine.op, weights: input.weights } : { ...job.combine, inForce: input.weights }, ...(job.stages && { stages: job.stages }), ...(input.state && { state: input.state }) });
}
