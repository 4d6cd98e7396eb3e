/**
 * What workflows ask of workers: inputs and results of every activity, and the names of the queues. Each activity is a
 * pure function of its input and of stored objects; a call that is repeated finds its earlier result and returns the
 * same reference.
 */
import type { Job } from './job.js';
import type { AnnotatorSpec } from './judges.js';
import type { ArtifactRef, EvaluationRef, LabelLogRef, PolicyRef, RewardRef, SegmentRef, UpdateRef } from './references.js';

export const TASK_QUEUES = {
  workflows: 'laurel-workflows',
  rollout: 'laurel-rollout',
  annotator: 'laurel-annotator',
  reward: 'laurel-reward',
  learner: 'laurel-learner',
} as const;
export type Pool = keyof typeof TASK_QUEUES;

/** Log position and id by source name, for every source of kind `model`. */
export type LabelPositions = Readonly<Record<string, LabelLogRef>>;

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
}

export interface ScoreInput {
  readonly run: string;
  readonly segments: readonly SegmentRef[];
  readonly labels: LabelPositions;
  /** Weights in force (a steered run may differ from its job). */
  readonly weights: Readonly<Record<string, number>>;
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
}
export interface UpdateResult {
  readonly updates: readonly UpdateRef[];
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
}
export interface AnnotatorActivities {
  openAnnotator(input: OpenAnnotatorInput): Promise<LabelLogRef>;
  annotate(input: AnnotateInput): Promise<AnnotateResult>;
}
export interface RewardActivities {
  score(input: ScoreInput): Promise<ScoreResult>;
  appendMetrics(input: AppendMetricsInput): Promise<void>;
  finishRun(input: FinishInput): Promise<FinishResult>;
}
export interface LearnerActivities {
  prepareRun(input: PrepareRunInput): Promise<PrepareRunResult>;
  update(input: UpdateInput): Promise<UpdateResult>;
  writeCheckpoint(input: CheckpointInput): Promise<UpdateRef | null>;
}
