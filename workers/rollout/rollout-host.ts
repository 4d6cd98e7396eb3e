/**
 * What plays: environments, policy sessions and live shards. Behind this interface they live in this thread (ShardHost)
 * or in one of their own (RolloutThread), so that stepping never holds up heartbeats, Flight or the store. A call is
 * short (one segment, some steps of an evaluation), so that several shards and evaluations get their turns.
 */
import type { EnvironmentSpec, TextSpec } from '../../proto/environments.js';
import { environmentsPerGroup, rowsPerEnvironment, type Job } from '../../proto/job.js';
import type { PolicySpec } from '../../proto/learning.js';
import { shownMachines, type ShownMachines } from '../../proto/shown-machines.js';
import type { TokenTable } from '../text/tokens.js';
import type { EvaluatedEpisode } from './evaluation.js';
import type { PolicyBytes } from './policy/group-policy.js';
import type { MadeBody } from './segment-body.js';

/** The part of a job that playing needs. Plain JSON. */
export interface PlayRecipe {
  readonly run: string;
  readonly environment: EnvironmentSpec;
  /** Machines whose state the policy sees. */
  readonly shows: ShownMachines;
  readonly policy: PolicySpec;
  /** Seed of the job. */
  readonly seed: number;
  /** Environments of a shard. */
  readonly environments: number;
  /** Steps of each environment in a segment; for texts: completions of each prompt. */
  readonly segmentSteps: number;
  /** Environments beside each other that play the same episodes; absent: 1. */
  readonly groupSize?: number;
  /** Of policies that write texts; null: others. */
  readonly text: TextRecipe | null;
}

export interface TextRecipe {
  readonly environment: TextSpec;
  readonly tokens: TokenTable;
}

/** @param tokens the table of the run, where its policy writes texts */
export function playRecipe(run: string, job: Job, tokens: TokenTable | null = null): PlayRecipe {
  const { environment, policy, seed } = job;
  const text = environment.kind === 'text' && tokens !== null ? { environment, tokens } : null;
  return { run, environment, shows: shownMachines(job), policy, seed, environments: job.rollout.environmentsPerShard, segmentSteps: rowsPerEnvironment(job), groupSize: environmentsPerGroup(job), text };
}

export interface OpenShardRequest {
  readonly recipe: PlayRecipe;
  readonly shard: number;
  /** The segment that is wanted next. */
  readonly seq: number;
  readonly policy: PolicyBytes;
  /** Bytes of the segment before `seq`; left out in the hope that the shard is live. Not needed for seq 0. */
  readonly previous?: Uint8Array;
}

export interface OpenShardReply {
  /** False: the shard is not live at `seq`, and cannot be rebuilt without `previous`. */
  readonly open: boolean;
  /** Transitions replayed to get there. */
  readonly replayed: number;
}

export interface ShardName {
  readonly run: string;
  readonly shard: number;
}

/** One segment as it goes to the store. */
export interface MadeSegment {
  readonly bytes: Uint8Array;
  readonly body: MadeBody;
  /** Duration of each step of the whole group, in milliseconds. */
  readonly stepMs: Float64Array;
}

export interface PlayEvaluationRequest {
  /** Chosen by the caller, never used again: a host that was lost and began anew must not take it for another one. */
  readonly id: number;
  readonly recipe: PlayRecipe;
  readonly policy: PolicyBytes;
  readonly episodes: number;
  /** Seed of the evaluation. */
  readonly seed: number;
  readonly environments: number;
}

export interface PlayedEvaluation {
  readonly episodes: readonly EvaluatedEpisode[];
  readonly rewards: readonly string[];
  readonly episodeStatistics: readonly string[];
}

/** How far an evaluation is. */
export interface EvaluationProgress {
  /** Episodes that have ended. */
  readonly ended: number;
  /** When all have. */
  readonly played: PlayedEvaluation | null;
}

/**
 * Calls for different shards and evaluations may overlap; calls for one must not.
 * A host that was lost since `open` or `beginEvaluation` answers LAUREL_WORKER_FAILED.
 */
export interface RolloutHost {
  /** Makes the shard live at `seq` and keeps it so until `release`. @throws LaurelError LAUREL_ENVIRONMENT_*, LAUREL_MODEL_INVALID */
  open(request: OpenShardRequest): Promise<OpenShardReply>;
  /** Plays the next segment of an open shard. Where it throws, the shard is closed. */
  collect(shard: ShardName): Promise<MadeSegment>;
  /** The shard may be closed when its room is needed. */
  release(shard: ShardName): Promise<void>;
  /** Closes the shard now: what it holds is not what the store holds. */
  drop(shard: ShardName): Promise<void>;
  /** Starts the environments of an evaluation; `endEvaluation` must follow. */
  beginEvaluation(request: PlayEvaluationRequest): Promise<void>;
  /** Plays some more steps. */
  continueEvaluation(id: number): Promise<EvaluationProgress>;
  endEvaluation(id: number): Promise<void>;
  /** Closes everything. */
  close(): Promise<void>;
}
