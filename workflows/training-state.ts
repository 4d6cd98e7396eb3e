/**
 * The state of a training run: plain JSON, changed only by `step(state, event)` of training-step.ts. It holds references and counts, never
 * data, and every list in it is bounded; it is what continue-as-new carries.
 */
import { SEGMENTS_PER_CALL_MAX, type AnnotateResult, type CollectResult, type FitResult, type MetricsLine, type PrepareRunResult, type UpdateBatch, type UpdateResult } from '../proto/activities.js';
import type { AnnotationBudget } from '../proto/budget.js';
import type { Job, StopSpec } from '../proto/job.js';
import type { LabelQuality, RewardQuality } from '../proto/quality.js';
import type { EpisodeSums, EvaluationRef, LabelLogRef, PolicyRef, SegmentRef } from '../proto/references.js';
import type { AnnotationBounds, Attention, ControlRecord, DecisionRecord, SteerInput, SteerRecord } from '../proto/status.js';
import type { FitStates } from './fit-state.js';
import { constantWeights } from '../proto/reward-combine.js';
import { initialRewardState, type RewardState } from '../proto/reward-state.js';


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
  /** Absent: the job bounds and prices nothing. */
  readonly budget?: AnnotationBudget;
  /** As the newest call found it; absent: none has said. */
  readonly quality?: LabelQuality;
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
  /** Reward models by source. Absent in a run that was begun before there were fits. */
  readonly fits?: FitStates;
  readonly ledger: LedgerCounts;
  readonly transitionsCollected: number;
  readonly transitionsTrained: number;
  readonly lagLast: number;
  readonly lagMax: number;
  readonly rewards: Readonly<Record<string, { readonly mean: number; readonly maskedShare: number }>>;
  readonly learner: Readonly<Record<string, number>>;
  readonly episodeCount: number;
  readonly episodesFailed: number;
  readonly episodesNondeterministic: number;
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
  /** What the newest part of the metrics was told of what is paid for. Absent: nothing. */
  readonly rewardQuality?: RewardQuality;
  readonly weights: Readonly<Record<string, number>>;
  /** What the reward expression remembers: multipliers and running moments. Absent: nothing. */
  readonly rewardState?: RewardState;
  readonly stop: StopSpec;
  readonly evaluations: readonly EvaluationRef[];
  /** The last version whose evaluation a person left out; the next one is due as if it had been evaluated. Absent: none. */
  readonly evaluationLeftOut?: number;
  readonly attention: readonly Attention[];
  readonly attentionCount: number;
  readonly decisions: readonly DecisionRecord[];
  /** The newest changes by `steer`; number of shards that play and bounds of annotation, where they were steered. Absent: never. */
  readonly steers?: readonly SteerRecord[];
  readonly shardsWanted?: number;
  readonly annotationBounds?: Readonly<Record<string, AnnotationBounds>>;
  readonly paused: boolean;
  readonly stopRequested: boolean;
  /** Who asked for it; null or absent: nobody was named. */
  readonly stoppedBy?: string | null;
  /** The newest of `pause`, `resume` and `stop`. Absent: none. */
  readonly controls?: readonly ControlRecord[];
  readonly learnerQueue: string | null;
  readonly rewardQueue: string | null;
  /** The last sweep of the store, and what sweeps have removed in all. Absent: none was. */
  readonly swept?: { readonly version: number; readonly objects: number; readonly bytes: number };
  /** Objects that were damaged or gone and were made again, by kind. Absent: none. */
  readonly restored?: Readonly<Record<string, number>>;
}

export const ANNOTATION_WINDOW_MAX = 512;
export const EPISODE_WINDOW = 32;
export const RATE_WINDOW = 24;

export type TrainingEvent =
  | { readonly type: 'prepared'; readonly result: PrepareRunResult }
  | { readonly type: 'annotator-opened'; readonly source: string; readonly log: LabelLogRef }
  | { readonly type: 'collected'; readonly shard: number; readonly result: CollectResult; readonly atMs: number }
  /** Taken, and to be taken again: nothing was done with them. */
  | { readonly type: 'returned'; readonly segments: readonly SegmentRef[]; readonly atMs: number }
  | { readonly type: 'swept'; readonly version: number; readonly objects: number; readonly bytes: number }
  | { readonly type: 'restored'; readonly kind: string }
  /** Cannot be read any more: nobody is pointed at it again. */
  | { readonly type: 'segment-lost'; readonly key: string }
  | { readonly type: 'shard-queue-lost'; readonly shard: number }
  | { readonly type: 'taken'; readonly keys: readonly string[] }
  | { readonly type: 'disposed'; readonly count: number; readonly disposition: 'stale' | 'filtered' | 'failed' | 'voided'; readonly reason: string }
  | { readonly type: 'annotated'; readonly source: string; readonly result: AnnotateResult; readonly keys: readonly string[] }
  | { readonly type: 'fitted'; readonly source: string; readonly position: number; readonly result: FitResult }
  | { readonly type: 'scored'; readonly scoreMs: number; readonly queue: string }
  | { readonly type: 'updated'; readonly batches: readonly UpdateBatch[]; readonly result: UpdateResult; readonly atMs: number }
  | { readonly type: 'worker-queue-lost'; readonly pool: 'learner' | 'reward' }
  | { readonly type: 'checkpointed'; readonly version: number }
  | { readonly type: 'evaluated'; readonly evaluation: EvaluationRef; readonly evaluateMs: number }
  | { readonly type: 'evaluation-left-out'; readonly version: number }
  | { readonly type: 'metrics-appended'; readonly lines: number; readonly quality: RewardQuality | null }
  | { readonly type: 'parked'; readonly attention: Attention }
  | { readonly type: 'unparked'; readonly record: DecisionRecord }
  | { readonly type: 'steered'; readonly steer: SteerInput; readonly atMs: number }
  | { readonly type: 'controlled'; readonly record: ControlRecord }
  /** By a decision about a parked step, which is on record. */
  | { readonly type: 'stop-requested' }
  | { readonly type: 'begun' }
  | { readonly type: 'continued' };

export function initialState(run: string, job: Job, startedAtMs: number): TrainingState {
  const shard = newShard(job);
  const rewardState = initialRewardState(job);
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
    episodesNondeterministic: 0,
    episodeWindow: [],
    rateWindow: [],
    stepMsP50: 0,
    stepMsP99: 0,
    spentMs: {},
    metrics: [],
    metricsParts: 0,
    weights: constantWeights(job.combine),
    ...(rewardState && { rewardState }),
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

export function newShard(job: Job): ShardState {
  return { nextSeq: 0, previous: null, queue: null, segmentsPerCall: firstSegmentsPerCall(job) };
}

/** Shards that play: the first so many; the others rest. */
export function shardsWanted(state: TrainingState): number {
  return state.shardsWanted ?? state.job.rollout.shards;
}

/** Segments of a shard's first call: at least 4,096 transitions where the lag bound allows it. */
export function firstSegmentsPerCall(job: Job): number {
  const { shards, environmentsPerShard } = job.rollout;
  if (job.schedule.segmentsPerCall !== null) return job.schedule.segmentsPerCall;
  if (job.schedule.mode === 'lockstep') return Math.max(1, Math.ceil(job.learn.batchSegments / shards));
  // A completion is as long as many steps of a game.
  if (job.learn.kind !== 'actor-critic') return 1;
  return Math.max(1, Math.min(segmentsPerCallMax(job), Math.ceil(4096 / (environmentsPerShard * job.rollout.segmentSteps))));
}

/**
 * So many segments that what all shards collect with one policy is trained on within the allowed lag. A single shard takes
 * half of it, or the learner would wait while it plays.
 */
export function segmentsPerCallMax(job: Job, shards: number = job.rollout.shards): number {
  return Math.max(1, Math.min(SEGMENTS_PER_CALL_MAX, Math.floor((job.schedule.policyLagMax * job.learn.batchSegments) / Math.max(2, shards))));
}

/** Length of the list of segments that the annotator is pointed at again: each call names them all. */
export function annotationWindow(job: Job): number {
  return Math.min(ANNOTATION_WINDOW_MAX, Math.max(16, 2 * job.rollout.shards * firstSegmentsPerCall(job)));
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

/** Segments collected that have no disposition yet. */
export function openSegments(ledger: LedgerCounts): number {
  const ended = ledger.trained + ledger.stale + ledger.voided + sum(Object.values(ledger.filtered), Number) + sum(Object.values(ledger.failed), Number);
  return ledger.collected - ended;
}

export function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}

export function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
