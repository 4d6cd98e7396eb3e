/** What a run without rollouts asks of workers. As everywhere: pure functions of input and stored objects. */
import type { ModelJob } from './preference-job.js';
import type { ArtifactRef, EvaluationRef } from './references.js';

/** Tables and models by name. */
export interface MadeParts {
  readonly tables: Readonly<Record<string, ArtifactRef>>;
  readonly models: Readonly<Record<string, ModelRef>>;
}

/** A fitted model or a learned policy: its files by role (`model`, `encoder`). */
export type ModelRef = Readonly<Record<string, ArtifactRef>>;

export interface MakeTablesInput {
  readonly run: string;
  readonly job: ModelJob;
}
export interface MakeTablesResult {
  readonly spec: ArtifactRef;
  readonly tables: Readonly<Record<string, ArtifactRef>>;
}

export interface CurateTableInput extends MadeParts {
  readonly run: string;
  readonly name: string;
}

export interface FitModelInput extends MadeParts {
  readonly run: string;
  readonly name: string;
  /** Checkpoint of step `from`; null where `from` is 0. */
  readonly parent: ArtifactRef | null;
  readonly from: number;
  readonly to: number;
}
export interface FitModelResult {
  readonly checkpoint: ArtifactRef;
  /** Of the last step, and the parameters. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Null before the last step. */
  readonly model: ModelRef | null;
}

export interface EvaluateModelInput extends MadeParts {
  readonly run: string;
  readonly name: string;
  /** Position among the evaluations of the job. */
  readonly index: number;
}

export interface ModelRewardActivities {
  makeTables(input: MakeTablesInput): Promise<MakeTablesResult>;
  curateTable(input: CurateTableInput): Promise<ArtifactRef>;
  evaluateModel(input: EvaluateModelInput): Promise<EvaluationRef>;
}
export interface ModelLearnerActivities {
  fitModel(input: FitModelInput): Promise<FitModelResult>;
}
