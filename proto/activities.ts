/**
 * What workflows ask of workers: inputs and results of every activity, and the names of the queues. Each activity is a
 * pure function of its input and of stored objects; a call that is repeated finds its earlier result and returns the
 * same reference.
 */
import type { AnnotationBudget } from './budget.js';
import type { ErrorCode } from './errors.js';
import type { Job } from './job.js';
import type { AnnotatorSpec } from './judges.js';
import type { LabelQuality, RewardQuality } from './quality.js';
import type { ArtifactRef, EvaluationRef, LabelLogRef, PolicyRef, RewardModelRef, RewardRef, SegmentRef, UpdateRef } from './references.js';
import type { RestoreResult, RestoreRewardInput, RestoreSegmentInput, RestoreVersionInput, ScoringInputs } from './restoration.js';
import type { SweepInput, SweepResult } from './retention.js';
import type { TrainedFitSpec } from './reward-fits.js';
import type { RewardState } from './reward-state.js';
import type { ModelSourceSpec } from './reward-sources.js';

export const TASK_QUEUES = {
  workflows: 'laurel-workflows',
  rollout: 'laurel-rollout',
  annotator: 'laurel-annotator',
  reward: 'laurel-reward',
  learner: 'laurel-learner',
} as const;
export type Pool = keyof typeof TASK_QUEUES;

/** Segments in one call at most: their references are part of the history, which the server bounds. */
export const SEGMENTS_PER_CALL_MAX = 1_024;

/** Log position and id by source name, for every source of kind `model`. */
export type LabelPositions = Readonly<Record<string, LabelLogRef>>;

/** Version of the reward model by source name. */
export type RewardModels = Readonly<Record<string, RewardModelRef | null>>;

export interface PrepareRunInput {
  readonly run: string;
  readonly job: Job;
}
export interface PrepareRunResult {
  readonly spec: ArtifactRef;
  /** Version 0. */
  readonly policy: PolicyRef;
  readonly parameters: number;
  /** Names of the environment reward components and of the episode statistics. */
  readonly rewardNames: readonly string[];
  readonly statisticNames: readonly string[];
}

export interface CollectInput {
  readonly run: string;
  readonly shard: number;
  /** First sequence number of this call; segments seq .. seq + segments - 1 are made. */
  readonly seq: number;
  readonly segments: number;
  readonly policy: PolicyRef;
  /** The segment before `seq`, from which the shard is rebuilt where it is not live; null for seq 0. */
  readonly previous: SegmentRef | null;
}
export interface CollectResult {
  readonly segments: readonly SegmentRef[];
  /** Queue of the very worker that holds the live environments now. */
  readonly workerQueue: string;
  readonly collectMs: number;
  /** Transitions replayed to rebuild the shard; 0 in a healthy run. */
  readonly replayed: number;
  readonly stepMsP50: number;
  readonly stepMsP99: number;
}

export interface EvaluateInput {
  readonly run: string;
  readonly policy: PolicyRef;
  readonly suite: string;
  readonly episodes: number;
  readonly seed: number;
  readonly environments: number;
}

export interface OpenAnnotatorInput {
  readonly annotator: AnnotatorSpec;
}
export interface AnnotateInput {
  readonly run: string;
  readonly source: string;
  readonly annotator: AnnotatorSpec;
  readonly annotatorId: string;
  /** Segments whose messages make the backlog, newest last. */
  readonly segments: readonly SegmentRef[];
  /** Seed of the run: draws the pairs of a pairwise annotator. Absent in a call of an older run: 0. */
  readonly seed?: number;
  /** Ask until nothing waits, however long it takes (lockstep). */
  readonly drain: boolean;
}
export interface AnnotateResult {
  readonly log: LabelLogRef;
  /** Labels of status ok made by this call. */
  readonly made: number;
  /** Distinct messages of these segments that were labelled before. */
  readonly known: number;
  /** Distinct messages still without a label. */
  readonly waiting: number;
  /** Waiting messages given up for now because the backlog is bounded. */
  readonly dropped: number;
  readonly unparsable: number;
  readonly failed: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly annotateMs: number;
  /** Absent where the job bounds and prices nothing. */
  readonly budget?: AnnotationBudget;
  /** Absent in a result of an older worker. */
  readonly quality?: LabelQuality;
}

export interface FitInput {
  readonly source: string;
  /** Log of the annotator, up to the position to fit at. */
  readonly log: LabelLogRef;
  readonly fit: TrainedFitSpec;
  /** Label above which a message counts as helpful. */
  readonly threshold: number;
}
export interface FitResult {
  /** Newest version that may be used; null: none has been good enough yet. */
  readonly model: RewardModelRef | null;
  /** Newest version, and how it did on labels that were held out. */
  readonly newest: { readonly position: number; readonly ready: boolean; readonly metrics: Readonly<Record<string, number>> } | null;
  /** Labels at which the next version is due; null: there is none after this one. */
  readonly nextLabels: number | null;
  /** Versions that this call made. */
  readonly made: number;
  readonly fitMs: number;
}

export interface ScoreInput {
  readonly run: string;
  readonly segments: readonly SegmentRef[];
  readonly labels: LabelPositions;
  /** Reward model by source, for fits that train one; null: there is none that may be used. */
  readonly models?: RewardModels;
  /** Weights in force (a steered run may differ from its job). */
  readonly weights: Readonly<Record<string, number>>;
  /** What the expression remembers from earlier batches; absent: nothing. */
  readonly state?: RewardState;
}
/** A sample of the segments of a run, the same for the same seed. */
export interface SampleSegmentsInput {
  readonly run: string;
  readonly segments: number;
  readonly seed: number;
}

/** One way to reward the messages of a run. */
export interface RescoringVariant {
  readonly name: string;
  readonly source: ModelSourceSpec;
  /** Null: its fit needs no labels. */
  readonly log: LabelLogRef | null;
  readonly model: RewardModelRef | null;
}
export interface RescoreInput {
  readonly run: string;
  readonly segments: readonly SegmentRef[];
  readonly variants: readonly RescoringVariant[];
}
/** What two variants say of the same transitions. */
export interface RescoringComparison {
  readonly a: string;
  readonly b: string;
  /** Transitions with a message that both know. */
  readonly both: number;
  /** Pearson's, over these; null: one of them says the same everywhere. */
  readonly correlation: number | null;
  /** Share of these whose values are equal, to 1e-6. */
  readonly agreement: number;
  /** Share of these where one is above 0 and the other is not. */
  readonly signChanged: number;
  readonly meanDifference: number;
}
export interface RescoringSummary {
  readonly name: string;
  readonly known: number;
  readonly unknown: number;
  readonly mean: number;
  readonly positiveShare: number;
}
export interface RescoringResult {
  readonly artifact: ArtifactRef;
  /** Transitions with a message. */
  readonly transitions: number;
  readonly summaries: readonly RescoringSummary[];
  readonly comparisons: readonly RescoringComparison[];
}

export interface ScoreResult {
  /** In the order of the segments. */
  readonly rewards: readonly RewardRef[];
  readonly workerQueue: string;
  readonly scoreMs: number;
}

export interface UpdateBatch {
  readonly segments: readonly SegmentRef[];
  readonly rewards: readonly RewardRef[];
  /** What the rewards were computed from; for the record, so that they can be made again. */
  readonly scoring?: ScoringInputs;
}
export interface UpdateInput {
  readonly run: string;
  /** Version that the first batch improves. */
  readonly parent: number;
  readonly batches: readonly UpdateBatch[];
  /** Version of the newest checkpoint at or before the parent. */
  readonly checkpoint: number;
  /** Write a checkpoint at these versions. */
  readonly checkpointsAt: readonly number[];
  /** Make nothing: give back the versions of this call that earlier attempts have recorded, the last one published. */
  readonly recordedOnly?: boolean;
}
export interface UpdateResult {
  /** Fewer than batches where the next batch failed or the worker had to leave; the last one is published. */
  readonly updates: readonly UpdateRef[];
  /** Set where an input of the next batch is damaged or gone. */
  readonly damage?: { readonly code: ErrorCode; readonly message: string; readonly key: string; readonly digest: string | null };
  readonly workerQueue: string;
  readonly updateMs: number;
  /** Updates repeated from the log to get back to the parent; 0 in a healthy run. */
  readonly replayed: number;
}

export interface CheckpointInput {
  readonly run: string;
  readonly version: number;
  readonly checkpoint: number;
}

/** One line of metrics.jsonl: what was true when `version` was reached. */
export interface MetricsLine {
  readonly version: number;
  readonly transitions: number;
  readonly elapsedMs: number;
  readonly values: Readonly<Record<string, number>>;
}

export interface FinishInput {
  readonly run: string;
  readonly outcome: 'completed' | 'stopped' | 'cancelled';
  /** Counts of dispositions and of everything else that the summary holds, plain JSON. */
  readonly summary: Readonly<Record<string, unknown>>;
  readonly evaluations: readonly EvaluationRef[];
}
export interface FinishResult {
  readonly summary: ArtifactRef;
}

/** Null: there is nothing to say, or it could not be looked at. */
export interface AppendMetricsResult {
  readonly quality: RewardQuality | null;
}

export interface AppendMetricsInput {
  readonly run: string;
  /** Number of this part, from 0; parts are joined in order. */
  readonly part: number;
  readonly lines: readonly MetricsLine[];
}

/** What the server knows of the workers of a pool. */
export interface PoolFacts {
  readonly pool: Pool;
  readonly queue: string;
  /** Workers that asked for work in the last minutes. */
  readonly pollers: number;
  /** Time since the newest of them asked; null: none did. */
  readonly lastPollMs: number | null;
  /** Calls that wait in the queue, about. */
  readonly backlog: number;
}

export interface WorkflowsActivities {
  describePools(): Promise<readonly PoolFacts[]>;
}
export interface RolloutActivities {
  collect(input: CollectInput): Promise<CollectResult>;
  evaluate(input: EvaluateInput): Promise<EvaluationRef>;
  restoreSegment(input: RestoreSegmentInput): Promise<RestoreResult>;
}
export interface AnnotatorActivities {
  openAnnotator(input: OpenAnnotatorInput): Promise<LabelLogRef>;
  annotate(input: AnnotateInput): Promise<AnnotateResult>;
}
export interface RewardActivities {
  score(input: ScoreInput): Promise<ScoreResult>;
  fit(input: FitInput): Promise<FitResult>;
  restoreReward(input: RestoreRewardInput): Promise<RestoreResult>;
  sampleSegments(input: SampleSegmentsInput): Promise<readonly SegmentRef[]>;
  rescore(input: RescoreInput): Promise<RescoringResult>;
  sweep(input: SweepInput): Promise<SweepResult>;
  appendMetrics(input: AppendMetricsInput): Promise<AppendMetricsResult>;
  finishRun(input: FinishInput): Promise<FinishResult>;
}
export interface LearnerActivities {
  prepareRun(input: PrepareRunInput): Promise<PrepareRunResult>;
  update(input: UpdateInput): Promise<UpdateResult>;
  writeCheckpoint(input: CheckpointInput): Promise<UpdateRef | null>;
  restoreVersion(input: RestoreVersionInput): Promise<RestoreResult>;
}
