/**
 * What can be made again where it was damaged or lost, and what workers are told to make it again. Everything here
 * follows from other objects of the store; labels and the records of updates do not, and are not in this list.
 */
import type { RewardModels } from './activities.js';
import type { PolicyRef, SegmentRef } from './references.js';
import type { RewardState } from './reward-state.js';

/** What an object of a run is, by its key. */
export type Place =
  | { readonly kind: 'segment'; readonly run: string; readonly shard: number; readonly seq: number }
  | { readonly kind: 'reward'; readonly run: string; readonly shard: number; readonly seq: number; readonly scoring: string }
  | { readonly kind: 'policy' | 'checkpoint'; readonly run: string; readonly version: number };

const SEGMENT = /^runs\/([^/]+)\/segments\/(\d{10})\/(\d{10})\.arrow$/;
const REWARD = /^runs\/([^/]+)\/rewards\/(\d{10})\/(\d{10})\/([^/]+)\.arrow$/;
const POLICY = /^runs\/([^/]+)\/policies\/(\d{10})\.arrow$/;
const CHECKPOINT = /^runs\/([^/]+)\/checkpoints\/(\d{10})\/(?:model\.safetensors|policy\.onnx)$/;

/** Null: not an object that can be made again. */
export function placeOf(key: string): Place | null {
  const segment = SEGMENT.exec(key);
  if (segment) return { kind: 'segment', run: segment[1] as string, shard: Number(segment[2]), seq: Number(segment[3]) };
  const reward = REWARD.exec(key);
  if (reward) return { kind: 'reward', run: reward[1] as string, shard: Number(reward[2]), seq: Number(reward[3]), scoring: reward[4] as string };
  const policy = POLICY.exec(key);
  if (policy) return { kind: 'policy', run: policy[1] as string, version: Number(policy[2]) };
  const checkpoint = CHECKPOINT.exec(key);
  if (checkpoint) return { kind: 'checkpoint', run: checkpoint[1] as string, version: Number(checkpoint[2]) };
  return null;
}

/** A shared folder may be late: after so many tries an object that is missing is taken for lost. */
export const MISSING_TRIES_MAX = 3;

/** An object that was found damaged or missing. */
export interface Damage {
  readonly key: string;
  /** What it must have; null: whoever missed it did not know. */
  readonly digest: string | null;
}

/** What rewards were computed from, besides their segment. */
export interface ScoringInputs {
  /** Label-log position by source. */
  readonly labels: Readonly<Record<string, { readonly annotator: string; readonly position: number }>>;
  /** Reward model by source, for sources that have one. */
  readonly models: RewardModels;
  readonly weights: Readonly<Record<string, number>>;
  /** What the expression remembered from earlier batches; absent: nothing. */
  readonly state?: RewardState;
}

interface RestoreInput extends Damage {
  readonly run: string;
}
export interface RestoreSegmentInput extends RestoreInput {
  /** Version that played it, where the run knows it; else the records of updates are searched, then the file itself. */
  readonly policyVersion: number | null;
  /** The policy of that version, where the run knows it. */
  readonly policy: PolicyRef | null;
}
export interface RestoreRewardInput extends RestoreInput {
  /** Its segment and what it was computed from, where the run knows them; else the records of updates are searched. */
  readonly segment: SegmentRef | null;
  readonly scoring: ScoringInputs | null;
}
/** A policy or a checkpoint. */
export type RestoreVersionInput = RestoreInput;

export interface RestoreResult {
  /** False: it was whole when it was looked at again (a shared folder may be late). */
  readonly made: boolean;
}
