/** What a run says of itself: the answer of the query `status`, and the inputs of its updates. Plain JSON. */
import type { AnnotationBudget, BudgetSpec } from './budget.js';
import type { StopSpec } from './job.js';
import type { LabelQuality, RewardQuality } from './quality.js';
import type { EvaluationRef, LabelLogRef } from './references.js';

export const RUN_STATES = ['Starting', 'Running', 'Paused', 'Stalled', 'NeedsAttention', 'Finishing', 'Completed', 'Stopped', 'Cancelled'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** How a segment ended. Every collected segment ends in exactly one of them. */
export interface Ledger {
  readonly collected: number;
  readonly trained: number;
  readonly stale: number;
  /** By reason (`run-ended`: collected, but the run was over before it was trained on). */
  readonly filtered: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly voided: number;
  /** Collected and not yet at an end. */
  readonly open: number;
}

export interface AnnotationStatus {
  readonly source: string;
  readonly log: LabelLogRef;
  readonly made: number;
  readonly known: number;
  readonly waiting: number;
  readonly dropped: number;
  readonly unparsable: number;
  readonly failed: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Time spent asking, for labels/s. */
  readonly annotateMs: number;
  /** What was spent, and why nothing is asked where a bound is reached. Absent: the job bounds and prices nothing. */
  readonly budget?: AnnotationBudget;
  /** As the newest call found it. Absent: no call has. */
  readonly quality?: LabelQuality;
}

/** Who decided where nobody did: the step was tried again by itself, or the run went on without it. */
export const BY_ITSELF = 'laurel';

/** What a person may do about a parked step; `void`: leave it out, and its segments are counted as voided. */
export const DECISIONS = ['retry', 'skip', 'void', 'stop'] as const;
export type Decision = (typeof DECISIONS)[number];

/** What was decided about a parked step, by whom and when. */
export interface DecisionRecord {
  readonly id: string;
  readonly step: string;
  readonly code: string;
  readonly decision: Decision;
  /** As the update named it; null: it did not. */
  readonly by: string | null;
  readonly sinceMs: number;
  readonly decidedAtMs: number;
}

/** That a run was told to pause, go on or stop, by whom and when. */
export interface ControlRecord {
  readonly action: 'pause' | 'resume' | 'stop';
  /** As the update named it; null: it did not. */
  readonly by: string | null;
  readonly atMs: number;
}

/** A step that failed and waits for a decision. */
export interface Attention {
  readonly id: string;
  /** Which step: `collect shard 3`, `update version 12`. */
  readonly step: string;
  readonly code: string;
  readonly message: string;
  readonly choices: readonly Decision[];
  readonly sinceMs: number;
  /** When it is tried again by itself, where the cause may pass; null or absent: it waits for a decision. */
  readonly nextTryAtMs?: number | null;
}

/** A change by `steer`, and where in the run it took effect. */
export interface SteerRecord {
  readonly change: SteerInput;
  readonly atMs: number;
  readonly version: number;
  /** Segments collected and trained on until then. */
  readonly collected: number;
  readonly trained: number;
}

/** A reward model that a run makes and uses. */
export interface RewardModelStatus {
  readonly source: string;
  readonly fit: string;
  /** The version that rewards come from; null: none may be used yet. */
  readonly used: { readonly position: number; readonly labels: number } | null;
  /** Versions that this run made. */
  readonly versions: number;
  readonly nextLabels: number | null;
  readonly newest: { readonly position: number; readonly ready: boolean; readonly metrics: Readonly<Record<string, number>> } | null;
}

/** A step of a run without rollouts. */
export interface StepStatus {
  readonly kind: 'curate' | 'fit' | 'evaluate';
  readonly name: string;
  /** `left-out`: a person skipped it, or what it needs was left out. */
  readonly state: 'waiting' | 'done' | 'left-out';
  /** Optimiser steps; 0 of 0 where nothing is trained. */
  readonly done: number;
  readonly of: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface RunStatus {
  readonly run: string;
  readonly job: string;
  readonly state: RunState;
  readonly mode: 'async' | 'lockstep';
  readonly environment: string;
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  readonly stop: StopSpec;
  /** 0..1 towards the stop criterion that is nearest to its end. */
  readonly progress: number;
  readonly version: number;
  readonly checkpoint: number;
  readonly parameters: number;
  readonly transitionsCollected: number;
  readonly transitionsTrained: number;
  /** Over the last minute. */
  readonly transitionsPerSecond: number;
  readonly lagLast: number;
  readonly lagMax: number;
  readonly segmentsQueued: number;
  readonly annotations: readonly AnnotationStatus[];
  /** Sources whose fit trains a model. Absent: none, or a run that was begun before there were fits. */
  readonly rewardModels?: readonly RewardModelStatus[];
  /** Mean of each reward component per transition over the newest batches; `total` is what the learner sees. */
  readonly rewards: Readonly<Record<string, { readonly mean: number; readonly maskedShare: number }>>;
  /** What was paid for in the newest part of the metrics. Absent: none was looked at yet. */
  readonly rewardQuality?: RewardQuality;
  /** Newest learner metrics by name (policyLoss, valueLoss, entropy, ...). */
  readonly learner: Readonly<Record<string, number>>;
  readonly episodes: {
    readonly count: number;
    readonly failed: number;
    /** Of the failed: their environments showed something else when they were rebuilt. Absent: none. */
    readonly nondeterministic?: number;
    /** Over the newest episodes. */
    readonly lengthMean: number | null;
    readonly returnMeans: Readonly<Record<string, number>>;
    readonly statisticMeans: Readonly<Record<string, number>>;
  };
  readonly evaluations: readonly EvaluationRef[];
  readonly ledger: Ledger;
  /** Objects and bytes that sweeps have removed so far. Absent: none. */
  readonly swept?: { readonly objects: number; readonly bytes: number };
  /** Objects that were damaged or gone and were made again, by kind. Absent: none. */
  readonly restored?: Readonly<Record<string, number>>;
  readonly attention: readonly Attention[];
  /** The newest decisions about parked steps. */
  readonly decisions: readonly DecisionRecord[];
  /** The newest changes by `steer`. Absent: none. */
  readonly steers?: readonly SteerRecord[];
  /** The newest of `pause`, `resume` and `stop`. Absent: none. */
  readonly controls?: readonly ControlRecord[];
  /** Shards that play. Absent: those of the job. */
  readonly shards?: number;
  /** Set while nothing moves: since when, and why, one sentence each. */
  readonly stall: { readonly sinceMs: number; readonly why: readonly string[] } | null;
  /** Calls under way, one sentence each. */
  readonly underWay: readonly string[];
  /** What waits on what, one sentence each. */
  readonly waits: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
  /** Of constraints, by `<combinator>.<constraint>`. Absent: there are none. */
  readonly multipliers?: Readonly<Record<string, number>>;
  readonly historyEvents: number;
  readonly continuedRuns: number;
  readonly stepMsP50: number;
  readonly stepMsP99: number;
  /** Milliseconds spent in each kind of activity so far. */
  readonly spentMs: Readonly<Record<string, number>>;
  /** Of a run without rollouts, in order; absent in a training run. */
  readonly steps?: readonly StepStatus[];
}

export interface SteerInput {
  readonly weights?: Readonly<Record<string, number>>;
  readonly stop?: StopSpec;
  /** Shards that play from now on; those beyond it rest, and go on where they were when they are wanted again. */
  readonly shards?: number;
  /** Bounds of annotation, by source. */
  readonly annotation?: Readonly<Record<string, AnnotationBounds>>;
  readonly by?: string;
}

/** What annotation may cost; see `callMs`, `pendingMax` and `budget` of an annotator in the job. */
export interface AnnotationBounds {
  readonly callMs?: number;
  readonly pendingMax?: number;
  /** Bounds in the place of those of the job, each for itself. */
  readonly budget?: BudgetSpec;
}
export interface DecisionInput {
  /** Id of the attention; default: the oldest. */
  readonly id?: string;
  readonly by?: string;
}

/** Of `pause`, `resume` and `stop`. */
export interface ControlInput {
  readonly by?: string;
}

/** Result of a trainingRun workflow. */
export interface RunResult {
  readonly run: string;
  readonly outcome: 'completed' | 'stopped' | 'cancelled';
  readonly version: number;
  readonly transitionsTrained: number;
  readonly summaryKey: string;
  readonly ledger: Ledger;
}
