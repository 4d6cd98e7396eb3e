/** What travels through Temporal in the place of data: names, digests and small counts. Plain JSON, all of it. */

import type { Moments } from './moments.js';

/** One immutable object in the store. */
export interface ArtifactRef {
  /** Store key, see workers/store/layout. */
  readonly key: string;
  /** `sha256:` and 64 hexadecimal digits, of the bytes of the object. */
  readonly digest: string;
  readonly bytes: number;
  /** Rows of the first Arrow stream; 0 where the object is not a table. */
  readonly rows: number;
  readonly schemaVersion: number;
  /** Flight locations (`grpc+tcp://host:port`) that offer it; the store is read where none answers. */
  readonly endpoints: readonly string[];
}

/** Sums over the episodes that ended within a segment; means are made by whoever shows them. */
export interface EpisodeSums {
  readonly count: number;
  readonly failed: number;
  /** Of the failed: a rebuild from seed and actions showed something else. Absent: none. */
  readonly nondeterministic?: number;
  readonly lengthSum: number;
  /** One for each environment reward component. */
  readonly returnSums: readonly number[];
  /** One for each of `spaces.episodeStatistics`. */
  readonly statisticSums: readonly number[];
}

export interface SegmentRef extends ArtifactRef {
  readonly shard: number;
  readonly seq: number;
  readonly policyVersion: number;
  readonly environments: number;
  readonly steps: number;
  readonly episodes: EpisodeSums;
}

export interface PolicyRef {
  readonly version: number;
  readonly artifact: ArtifactRef;
}

/** Sums of one reward component over the transitions of a segment. */
export interface ComponentSums {
  readonly sum: number;
  /** Transitions with a value that is not 0. */
  readonly nonZero: number;
  /** Transitions whose value is unknown. */
  readonly masked: number;
}

export interface RewardRef extends ArtifactRef {
  readonly shard: number;
  readonly seq: number;
  /** hash(graph, label-log positions, reward models): the name of this scoring. */
  readonly scoring: string;
  readonly components: Readonly<Record<string, ComponentSums>>;
  /** Of values before they are standardised by running moments, by `<place in shape>.<element>`. Absent: none are. */
  readonly moments?: Readonly<Record<string, Moments>>;
  /** Of completions: prompts, and those of them whose completions all have one total reward. */
  readonly groups?: GroupCounts;
}

export interface GroupCounts {
  readonly count: number;
  readonly equal: number;
}

export interface LabelLogRef {
  readonly annotator: string;
  /** Number of entries of the log that this position covers; a reader of a position never sees later ones. */
  readonly position: number;
  /** Labels with status ok up to the position. */
  readonly labels: number;
}

/** One immutable version of a reward model. */
export interface RewardModelRef extends ArtifactRef {
  readonly annotator: string;
  /** hash(fit and everything else of the job that changes its bytes). */
  readonly fit: string;
  /** Entries of the label log that it was made from. */
  readonly position: number;
  /** Labels in them. */
  readonly labels: number;
}

export interface UpdateRef {
  readonly version: number;
  /** Store key of the record of this update. */
  readonly key: string;
  /** The policy to play with; null for the versions within an update call, which nobody plays. */
  readonly policy: PolicyRef | null;
  readonly checkpoint: number | null;
  readonly transitions: number;
  /** Oldest policy among the segments, in versions behind the parent. */
  readonly lagMax: number;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface EvaluationRef extends ArtifactRef {
  readonly version: number;
  readonly episodes: number;
  /** Mean and half width of the 95 % interval, by name. */
  readonly means: Readonly<Record<string, { readonly mean: number; readonly halfWidth: number }>>;
}
