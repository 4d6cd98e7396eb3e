/** The JSON in the metadata of a segment's tables (proto/schemas.ts says what the columns mean). */
import type { ArtifactRef, EpisodeSums, SegmentRef } from '../../proto/references.js';
import type { Spaces } from './environments/environment.js';

/** Of the transitions. */
export interface SegmentBody {
  readonly run: string;
  readonly shard: number;
  readonly seq: number;
  readonly policyVersion: number;
  readonly environments: number;
  /** Steps of each environment in this segment. */
  readonly steps: number;
  /** Steps of each environment before this segment: the counter of the draws at its first row. */
  readonly segmentStart: number;
  /** Seed of the job. */
  readonly seed: number;
  readonly spaces: Spaces;
  /**
   * `count` and the sums are of episodes that were terminated or truncated; `failed` counts those whose environment
   * died, which are in no sum.
   */
  readonly episodes: EpisodeSums;
}

/** Of the boundary. */
export interface BoundaryBody {
  readonly run: string;
  readonly shard: number;
  readonly seq: number;
  readonly environments: number;
  /** Values of recurrent state for each environment; 0: no state columns. */
  readonly stateSize: number;
  /** Of the whole file (see store/seal.ts). Absent in files of earlier versions. */
  readonly digest?: string;
}

/** What a reference tells of a segment, of whatever kind. */
export type MadeBody = Pick<SegmentBody, 'run' | 'shard' | 'seq' | 'policyVersion' | 'environments' | 'steps' | 'episodes'>;

/** The reference of a segment file. */
export function segmentRef(artifact: ArtifactRef, body: MadeBody): SegmentRef {
  const { shard, seq, policyVersion, environments, steps, episodes } = body;
  return { ...artifact, rows: environments * steps, shard, seq, policyVersion, environments, steps, episodes };
}
