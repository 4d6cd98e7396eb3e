/** What plays a shard or an evaluation within a host, whatever its segments hold. */
import type { PolicyBytes } from './policy/group-policy.js';
import type { EvaluationProgress, MadeSegment } from './rollout-host.js';

export interface SegmentPlayer {
  /** Sequence number of the next segment. */
  readonly seq: number;
  /** Begins the shard at segment 0. @throws LaurelError LAUREL_ENVIRONMENT_FAILED */
  begin(): Promise<void>;
  /**
   * Takes the shard up where a segment ended.
   * @param previous bytes of that segment
   * @returns transitions replayed
   */
  rebuild(previous: Uint8Array): Promise<number>;
  /** @throws LaurelError LAUREL_MODEL_INVALID, LAUREL_SCHEMA_MISMATCH */
  usePolicy(policy: PolicyBytes): void;
  /** Where it throws, the player is at no defined place and must be closed. */
  collect(): Promise<MadeSegment>;
  close(): Promise<void>;
}

export interface EvaluationPlayer {
  /** Some more steps: some tenths of a second. */
  play(): Promise<EvaluationProgress>;
  close(): Promise<void>;
}
