/**
 * What plays: environments, policy sessions and live shards. Behind this interface they live in this thread (ShardHost)
 * or in one of their own (RolloutThread), so that stepping never holds up heartbeats, Flight or the store.
 */
import type { EnvironmentSpec } from '../../proto/environments.js';
import type { Job, PolicySpec } from '../../proto/job.js';
import type { EvaluatedEpisode } from './evaluation.js';
import type { PolicyBytes } from './policy/group-policy.js';
import type { SegmentBody } from './segment-body.js';

/** The part of a job that playing needs. Plain JSON. */
export interface PlayRecipe {
  readonly run: string;
  readonly environment: EnvironmentSpec;
  readonly policy: PolicySpec;
  /** Seed of the job. */
  readonly seed: number;
  /** Environments of a shard. */
  readonly environments: number;
  /** Steps of each environment in a segment. */
  readonly segmentSteps: number;
}

export function playRecipe(run: string, job: Job): PlayRecipe {
  const { environmentsPerShard, segmentSteps } = job.rollout;
  return { run, environment: job.environment, policy: job.policy, seed: job.seed, environments: environmentsPerShard, segmentSteps };
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
  readonly body: SegmentBody;
  /** Duration of each step of the whole group, in milliseconds. */
  readonly stepMs: Float64Array;
}

export interface PlayEvaluationRequest {
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

/** Calls for different shards may overlap; calls for one shard must not. */
export interface RolloutHost {
  /** Makes the shard live at `seq` and keeps it so until `release`. @throws LaurelError LAUREL_ENVIRONMENT_*, LAUREL_MODEL_INVALID */
  open(request: OpenShardRequest): Promise<OpenShardReply>;
  /** Plays the next segment of an open shard. Where it throws, the shard is closed. */
  collect(shard: ShardName): Promise<MadeSegment>;
  /** The shard may be closed when its room is needed. */
  release(shard: ShardName): Promise<void>;
  /** Closes the shard now: what it holds is not what the store holds. */
  drop(shard: ShardName): Promise<void>;
  evaluate(request: PlayEvaluationRequest, onEpisode?: (ended: number) => void, signal?: AbortSignal): Promise<PlayedEvaluation>;
  close(): Promise<void>;
}
