/**
 * The state of a training run: plain JSON, changed only by `step(state, event)`. It holds references and counts, never
 * data, and every list in it is bounded; it is what continue-as-new carries.
 */
import type { AnnotateResult, CollectResult, MetricsLine, PrepareRunResult, UpdateBatch, UpdateResult } from '../proto/activities.js';
import type { Job, StopSpec } from '../proto/job.js';
import type { EpisodeSums, EvaluationRef, LabelLogRef, PolicyRef, SegmentRef } from '../proto/references.js';
import type { Attention, DecisionRecord } from '../proto/status.js';
import { metricsLines } from './training-metrics.js';

/** Decisions about parked steps that are carried; all of them stand in the history. */
const DECISIONS_KEPT = 20;

export interface ShardState {
  readonly nextSeq: number;
  readonly previous: SegmentRef | null;
  /** Queue of the worker that holds the live environments. */
  readonly queue: string | null;
  readonly segmentsPerCall: number;
}

export interface AnnotationState {
  readonly log: LabelLogRef;
  readonly made: number;
  readonly known: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly unparsable: number;
  readonly failed: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly annotateMs: number;
  /** Newest segments whose messages may still wait, oldest first, at most `annotationWindow(job)`; `seen`: a call had it. */
  readonly window: readonly { readonly ref: SegmentRef; readonly seen: boolean }[];
}

export interface ReadySegment {
  readonly ref: SegmentRef;
  readonly collectedAtMs: number;
}

export interface LedgerCounts {
  readonly collected: number;
  readonly trained: number;
  readonly stale: number;
  readonly filtered: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly voided: number;
}

export interface TrainingState {
  readonly run: string;
  readonly job: Job;
  readonly startedAtMs: number;
  readonly continuedRuns: number;
  readonly prepared: PrepareRunResult | null;
  /** Newest version. */
  readonly policy: PolicyRef | null;
  readonly checkpoint: number;
  readonly shards: readonly ShardState[];
  /** Collected, waiting to be trained on, oldest first. */
  readonly ready: readonly ReadySegment[];
  readonly annotations: Readonly<Record<string, AnnotationState>>;
  readonly ledger: LedgerCounts;
  readonly transitionsCollected: number;
  readonly transitionsTrained: number;
  readonly lagLast: number;
  readonly lagMax: number;
  readonly rewards: Readonly<Record<string, { readonly mean: number; readonly maskedShare: number }>>;
  readonly learner: Readonly<Record<string, number>>;
  readonly episodeCount: number;
  readonly episodesFailed: number;
  /** Sums of the newest segments in which episodes ended, oldest first, at most EPISODE_WINDOW. */
  readonly episodeWindow: readonly EpisodeSums[];
  /** Transitions collected up to a time, oldest first, at most RATE_WINDOW points. */
  readonly rateWindow: readonly { readonly atMs: number; readonly transitions: number }[];
  readonly stepMsP50: number;
  readonly stepMsP99: number;
  readonly spentMs: Readonly<Record<string, number>>;
  /** Lines that no part of metrics.jsonl holds yet. */
  readonly metrics: readonly MetricsLine[];
  readonly metricsParts: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly stop: StopSpec;
  readonly evaluations: readonly EvaluationRef[];
  readonly attention: readonly Attention[];
  readonly attentionCount: number;
  readonly decisions: readonly DecisionRecord[];
  readonly paused: boolean;
  readonly stopRequested: boolean;
  readonly learnerQueue: string | null;
  readonly rewardQueue: string | null;
}

export const EPISODE_WINDOW = 32;
export const RATE_WINDOW = 24;

export type TrainingEvent =
  | { readonly type: 'prepared'; readonly result: PrepareRunResult }
  | { readonly type: 'annotator-opened'; readonly source: string; readonly log: LabelLogRef }
  | { readonly type: 'collected'; readonly shard: number; readonly result: CollectResult; readonly atMs: number }
  | { readonly type: 'shard-queue-lost'; readonly shard: number }
  | { readonly type: 'taken'; readonly keys: readonly string[] }
  | { readonly type: 'disposed'; readonly count: number; readonly disposition: 'stale' | 'filtered' | 'failed' | 'voided'; readonly reason: string }
  | { readonly type: 'annotated'; readonly source: string; readonly result: AnnotateResult; readonly keys: readonly string[] }
  | { readonly type: 'scored'; readonly scoreMs: number; readonly queue: string }
  | { readonly type: 'updated'; readonly batches: readonly UpdateBatch[]; readonly result: UpdateResult; readonly atMs: number }
  | { readonly type: 'worker-queue-lost'; readonly pool: 'learner' | 'reward' }
  | { readonly type: 'checkpointed'; readonly version: number }
  | { readonly type: 'evaluated'; readonly evaluation: EvaluationRef; readonly evaluateMs: number }
  | { readonly type: 'metrics-appended'; readonly lines: number }
  | { readonly type: 'parked'; readonly attention: Attention }
  | { readonly type: 'unparked'; readonly record: DecisionRecord }
  | { readonly type: 'steered'; readonly weights?: Readonly<Record<string, number>>; readonly stop?: StopSpec }
  | { readonly type: 'paused' }
  | { readonly type: 'resumed' }
  | { readonly type: 'stop-requested' }
  | { readonly type: 'continued' };

export function initialState(run: string, job: Job, startedAtMs: number): TrainingState {
  const shard: ShardState = { nextSeq: 0, previous: null, queue: null, segmentsPerCall: firstSegmentsPerCall(job) };
  return {
    run,
    job,
    startedAtMs,
    continuedRuns: 0,
    prepared: null,
    policy: null,
    checkpoint: 0,
    shards: Array.from({ length: job.rollout.shards }, () => shard),
    ready: [],
    annotations: {},
    ledger: { collected: 0, trained: 0, stale: 0, filtered: {}, failed: {}, voided: 0 },
    transitionsCollected: 0,
    transitionsTrained: 0,
    lagLast: 0,
    lagMax: 0,
    rewards: {},
    learner: {},
    episodeCount: 0,
    episodesFailed: 0,
    episodeWindow: [],
    rateWindow: [],
    stepMsP50: 0,
    stepMsP99: 0,
    spentMs: {},
    metrics: [],
    metricsParts: 0,
    weights: job.combine.weights,
    stop: job.stop,
    evaluations: [],
    attention: [],
    attentionCount: 0,
    decisions: [],
    paused: false,
    stopRequested: false,
    learnerQueue: null,
    rewardQueue: null,
  };
}

/** The next state. Pure: neither argument is changed. */
export function step(state: TrainingState, event: TrainingEvent): TrainingState {
  switch (event.type) {
    case 'prepared':
      return { ...state, prepared: event.result, policy: event.result.policy };
    case 'annotator-opened':
      return { ...state, annotations: { ...state.annotations, [event.source]: openAnnotation(event.log) } };
    case 'collected':
      return collected(state, event.shard, event.result, event.atMs);
    case 'shard-queue-lost':
      return { ...state, shards: replaceAt(state.shards, event.shard, (shard) => ({ ...shard, queue: null })) };
    case 'taken': {
      const keys = new Set(event.keys);
      return { ...state, ready: state.ready.filter((segment) => !keys.has(segment.ref.key)) };
    }
    case 'disposed':
      return { ...state, ledger: disposed(state.ledger, event.count, event.disposition, event.reason) };
    case 'annotated':
      return annotated(state, event.source, event.result, event.keys);
    case 'scored':
      return { ...state, rewardQueue: event.queue, spentMs: spent(state, 'score', event.scoreMs) };
    case 'updated':
      return updated(state, event.batches, event.result, event.atMs);
    case 'worker-queue-lost':
      return event.pool === 'learner' ? { ...state, learnerQueue: null } : { ...state, rewardQueue: null };
    case 'checkpointed':
      return { ...state, checkpoint: Math.max(state.checkpoint, event.version) };
    case 'evaluated':
      return { ...state, evaluations: [...state.evaluations, event.evaluation].slice(-64), spentMs: spent(state, 'evaluate', event.evaluateMs) };
    case 'metrics-appended':
      return { ...state, metrics: state.metrics.slice(event.lines), metricsParts: state.metricsParts + 1 };
    case 'parked':
      return { ...state, attention: [...state.attention, event.attention], attentionCount: state.attentionCount + 1 };
    case 'unparked':
      return { ...state, attention: state.attention.filter((one) => one.id !== event.record.id), decisions: [...state.decisions, event.record].slice(-DECISIONS_KEPT) };
    case 'steered':
      return { ...state, weights: { ...state.weights, ...event.weights }, stop: event.stop ?? state.stop };
    case 'paused':
      return { ...state, paused: true };
    case 'resumed':
      return { ...state, paused: false };
    case 'stop-requested':
      return { ...state, stopRequested: true, paused: false };
    case 'continued':
      return { ...state, continuedRuns: state.continuedRuns + 1 };
    default: {
      const never: never = event;
      throw new TypeError(`unknown event ${JSON.stringify(never)}`);
    }
  }
}

/** Segments of a shard's first call: at least 4,096 transitions where the lag bound allows it. */
export function firstSegmentsPerCall(job: Job): number {
  const { shards, environmentsPerShard, segmentSteps } = job.rollout;
  if (job.schedule.segmentsPerCall !== null) return job.schedule.segmentsPerCall;
  if (job.schedule.mode === 'lockstep') return Math.max(1, Math.ceil(job.learn.batchSegments / shards));
  return Math.max(1, Math.min(segmentsPerCallMax(job), Math.ceil(4096 / (environmentsPerShard * segmentSteps))));
}

/** So many segments that what all shards collect with one policy is trained on within half the allowed lag. */
export function segmentsPerCallMax(job: Job): number {
  const { shards } = job.rollout;
  return Math.max(1, Math.floor((job.schedule.policyLagMax * job.learn.batchSegments) / (2 * shards)));
}

/** Length of the list of segments that the annotator is pointed at again. */
export function annotationWindow(job: Job): number {
  return Math.max(16, 2 * job.rollout.shards * firstSegmentsPerCall(job));
}

function openAnnotation(log: LabelLogRef): AnnotationState {
  return { log, made: 0, known: 0, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 0, tokensOut: 0, annotateMs: 0, window: [] };
}

function collected(state: TrainingState, shard: number, result: CollectResult, atMs: number): TrainingState {
  const transitions = result.segments.reduce((sum, segment) => sum + segment.rows, 0);
  const total = state.transitionsCollected + transitions;
  const last = result.segments[result.segments.length - 1] ?? null;
  const window = annotationWindow(state.job);
  const ended = result.segments.map((segment) => segment.episodes).filter((episodes) => episodes.count > 0 || episodes.failed > 0);
  return {
    ...state,
    shards: replaceAt(state.shards, shard, (before) => ({
      nextSeq: before.nextSeq + result.segments.length,
      previous: last,
      queue: result.workerQueue,
      segmentsPerCall: adapted(state.job, before.segmentsPerCall, result),
    })),
    ready: inOrder(state.job, [...state.ready, ...result.segments.map((ref) => ({ ref, collectedAtMs: atMs }))]),
    annotations: mapValues(state.annotations, (annotation) => ({
      ...annotation,
      window: windowInOrder(state.job, [...annotation.window, ...result.segments.map((ref) => ({ ref, seen: false }))]).slice(-window),
    })),
    ledger: { ...state.ledger, collected: state.ledger.collected + result.segments.length },
    transitionsCollected: total,
    episodeCount: state.episodeCount + sum(ended, (episodes) => episodes.count),
    episodesFailed: state.episodesFailed + sum(ended, (episodes) => episodes.failed),
    episodeWindow: [...state.episodeWindow, ...ended].slice(-EPISODE_WINDOW),
    rateWindow: [...state.rateWindow, { atMs, transitions: total }].slice(-RATE_WINDOW),
    stepMsP50: result.stepMsP50,
    stepMsP99: result.stepMsP99,
    spentMs: spent(state, 'collect', result.collectMs),
  };
}

/**
 * In lockstep the order of training must not depend on which shard came back first. In async the oldest policy comes
 * first: a call that began earlier and took longer would else become stale behind one that began later.
 */
function inOrder(job: Job, ready: ReadySegment[]): ReadySegment[] {
  const order = job.schedule.mode === 'lockstep' ? bySequence : byPolicyVersion;
  return ready.sort((a, b) => order(a.ref, b.ref));
}
/** Nor must the order of questions, and with it that of the label log. */
function windowInOrder(job: Job, window: AnnotationState['window'][number][]): AnnotationState['window'][number][] {
  return job.schedule.mode === 'lockstep' ? window.sort((a, b) => bySequence(a.ref, b.ref)) : window;
}
const bySequence = (a: SegmentRef, b: SegmentRef): number => a.seq - b.seq || a.shard - b.shard;
const byPolicyVersion = (a: SegmentRef, b: SegmentRef): number => a.policyVersion - b.policyVersion;

/** The number of segments moves towards calls of `collectMs`, at most doubling, within the bound of the lag. */
function adapted(job: Job, segments: number, result: CollectResult): number {
  if (job.schedule.segmentsPerCall !== null || job.schedule.mode === 'lockstep' || job.schedule.collectMs === 0) return segments;
  const wanted = Math.round((segments * job.schedule.collectMs) / Math.max(1, result.collectMs));
  return Math.max(1, Math.min(wanted, segments * 2, segmentsPerCallMax(job)));
}

/** Segments that the call saw leave the window when nothing waits any more; else they stay until pushed out. */
function annotated(state: TrainingState, source: string, result: AnnotateResult, keys: readonly string[]): TrainingState {
  const before = state.annotations[source];
  if (!before) return state;
  const seen = new Set(keys);
  const marked = before.window.map((one) => (seen.has(one.ref.key) ? { ...one, seen: true } : one));
  const after: AnnotationState = {
    log: result.log,
    made: before.made + result.made,
    known: result.known,
    waiting: result.waiting,
    dropped: before.dropped + result.dropped,
    unparsable: before.unparsable + result.unparsable,
    failed: before.failed + result.failed,
    tokensIn: before.tokensIn + result.tokensIn,
    tokensOut: before.tokensOut + result.tokensOut,
    annotateMs: before.annotateMs + result.annotateMs,
    window: result.waiting === 0 ? marked.filter((one) => !one.seen) : marked,
  };
  return { ...state, annotations: { ...state.annotations, [source]: after }, spentMs: spent(state, 'annotate', result.annotateMs) };
}

function updated(state: TrainingState, batches: readonly UpdateBatch[], result: UpdateResult, atMs: number): TrainingState {
  const last = result.updates[result.updates.length - 1];
  if (!last) return state;
  const transitions = sum(result.updates, (update) => update.transitions);
  const segments = sum(batches, (batch) => batch.segments.length);
  const checkpoint = result.updates.reduce((newest, update) => Math.max(newest, update.checkpoint ?? 0), state.checkpoint);
  const lines = metricsLines(state, batches, result, atMs);
  return {
    ...state,
    policy: last.policy ?? state.policy,
    checkpoint,
    ledger: { ...state.ledger, trained: state.ledger.trained + segments },
    transitionsTrained: state.transitionsTrained + transitions,
    lagLast: last.lagMax,
    lagMax: result.updates.reduce((most, update) => Math.max(most, update.lagMax), state.lagMax),
    rewards: rewardMeans(batches),
    learner: last.metrics,
    metrics: [...state.metrics, ...lines],
    learnerQueue: result.workerQueue,
    spentMs: spent(state, 'update', result.updateMs),
  };
}

/** Mean of each reward component per transition, and the share that is unknown. */
export function rewardMeans(batches: readonly UpdateBatch[]): Record<string, { mean: number; maskedShare: number }> {
  const sums: Record<string, { sum: number; masked: number; rows: number }> = {};
  for (const reward of batches.flatMap((batch) => batch.rewards)) {
    for (const [name, component] of Object.entries(reward.components)) {
      const entry = (sums[name] ??= { sum: 0, masked: 0, rows: 0 });
      entry.sum += component.sum;
      entry.masked += component.masked;
      entry.rows += reward.rows;
    }
  }
  return mapValues(sums, ({ sum: total, masked, rows }) => ({ mean: rows - masked > 0 ? total / (rows - masked) : 0, maskedShare: rows > 0 ? masked / rows : 0 }));
}

function disposed(ledger: LedgerCounts, count: number, disposition: 'stale' | 'filtered' | 'failed' | 'voided', reason: string): LedgerCounts {
  if (disposition === 'stale' || disposition === 'voided') return { ...ledger, [disposition]: ledger[disposition] + count };
  return { ...ledger, [disposition]: { ...ledger[disposition], [reason]: (ledger[disposition][reason] ?? 0) + count } };
}

/** Segments collected that have no disposition yet. */
export function openSegments(ledger: LedgerCounts): number {
  const ended = ledger.trained + ledger.stale + ledger.voided + sum(Object.values(ledger.filtered), Number) + sum(Object.values(ledger.failed), Number);
  return ledger.collected - ended;
}

function spent(state: TrainingState, kind: string, ms: number): Record<string, number> {
  return { ...state.spentMs, [kind]: (state.spentMs[kind] ?? 0) + ms };
}

function replaceAt<T>(list: readonly T[], index: number, change: (before: T) => T): T[] {
  return list.map((item, at) => (at === index ? change(item) : item));
}

export function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
