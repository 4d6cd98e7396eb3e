/** The record of an update: what it was made from and what came out. Written last, it is the commit point of a version. */
import type { UpdateBatch } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { ArtifactRef, PolicyRef, UpdateRef } from '../../proto/references.js';
import type { ScoringInputs } from '../../proto/restoration.js';

/** Name, digest and size of an input: all that is needed to read it again. */
export type InputRef = Pick<ArtifactRef, 'key' | 'digest' | 'bytes' | 'rows' | 'schemaVersion'>;

export interface UpdateRecord {
  readonly version: number;
  readonly parent: number;
  readonly segments: readonly (InputRef & { readonly policyVersion: number })[];
  readonly rewards: readonly InputRef[];
  /** What the rewards were computed from. Absent in records of earlier versions. */
  readonly scoring?: ScoringInputs;
  readonly transitions: number;
  readonly lagMax: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Of all parameters, in the order of the network. */
  readonly parametersDigest: string;
  /** Null for versions that no rollout plays: those within an update call. */
  readonly policy: InputRef | null;
  readonly checkpoint: boolean;
}

export function inputRef({ key, digest, bytes, rows, schemaVersion }: ArtifactRef): InputRef {
  return { key, digest, bytes, rows, schemaVersion };
}

export function updateRef(record: UpdateRecord, key: string, endpoints: readonly string[]): UpdateRef {
  const policy: PolicyRef | null = record.policy && { version: record.version, artifact: { ...record.policy, endpoints } };
  return { version: record.version, key, policy, checkpoint: record.checkpoint ? record.version : null, transitions: record.transitions, lagMax: record.lagMax, metrics: record.metrics };
}

/** A version is made from one set of inputs, once. @throws LaurelError LAUREL_STORE_CONFLICT */
export function checkSameInputs(record: UpdateRecord, batch: UpdateBatch, key: string): void {
  const found = [...record.segments, ...record.rewards].map((ref) => ref.digest).join();
  const expected = [...batch.segments, ...batch.rewards].map((ref) => ref.digest).join();
  if (found !== expected) throw new LaurelError('LAUREL_STORE_CONFLICT', `expected ${key} to be made from the segments of this call, it was made from others`, { key });
}
