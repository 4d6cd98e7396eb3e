/** What the updater trains: a policy with its learner, whatever its segments hold. */
import type { EnvironmentSpec } from '../../proto/environments.js';
import type { ShownMachines } from '../../proto/shown-machines.js';
import type { Job } from '../../proto/job.js';
import type { Spaces } from '../rollout/environments/environment.js';
import type { SegmentBytes } from './batch.js';
import type { TrainerState } from './loss-session.js';
import type { ParameterDefinition } from './networks/scope.js';

/** The result of all passes over one batch. */
export interface Trained {
  readonly state: TrainerState;
  readonly metrics: Record<string, number>;
}

export interface Trainee {
  readonly parameters: readonly ParameterDefinition[];
  /** Names of the environment's reward components and of its episode statistics. */
  readonly rewardNames: readonly string[];
  readonly statisticNames: readonly string[];
  /** Files of the run besides job and version 0 that others need to play: written before version 0. */
  readonly files: readonly { readonly key: string; readonly bytes: Uint8Array }[];
  /** Version 0, a pure function of the job. */
  begin(): Promise<TrainerState>;
  /**
   * One version further, a pure function of the arguments and of version 0.
   * @throws LaurelError LAUREL_NUMBER_INVALID, LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT
   */
  train(state: TrainerState, parts: readonly SegmentBytes[]): Promise<Trained>;
  /** The policy as a model with its parameters inside. */
  exportPolicy(state: TrainerState, version: number): Uint8Array;
  release(): Promise<void>;
}

export interface TraineeContext {
  readonly run: string;
  readonly job: Job;
  readonly spacesOf: (environment: EnvironmentSpec, shows: ShownMachines) => Promise<Spaces>;
  /** Parameters of version 0 by name; not to be asked before they are stored. */
  readonly versionZero: () => Promise<Readonly<Record<string, Float32Array>>>;
}
