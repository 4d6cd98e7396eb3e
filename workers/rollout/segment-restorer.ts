/**
 * Makes a segment again that was damaged or lost: it is a pure function of the segment before it, the policy and the
 * job. What comes out must have the digest that was recorded; nothing else is ever put in its place.
 */
import { LaurelError } from '../../proto/errors.js';
import type { ArtifactRef, PolicyRef } from '../../proto/references.js';
import { placeOf, type RestoreResult, type RestoreSegmentInput } from '../../proto/restoration.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import { findTrained } from '../learner/update-search.js';
import type { UpdateRecord } from '../learner/update-record.js';
import { digestOf, readJson } from '../store/artifacts.js';
import { cannotRestore } from '../store/damage.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Rollout, RolloutWork } from './rollout.js';
import { isUsableSegment, isWholeSegment, readSegmentBody } from './segment-boundary.js';

export class SegmentRestorer {
  constructor(
    private readonly store: ObjectStore,
    private readonly rollout: Rollout,
  ) {}

  /**
   * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT: with the key of another object, where that one must be
   * made again first; with this key, where it cannot be done.
   */
  async restore(input: RestoreSegmentInput, work: RolloutWork = {}): Promise<RestoreResult> {
    const { run, key } = input;
    const place = placeOf(key);
    if (place?.kind !== 'segment') throw cannotRestore(key, 'it is no segment');
    const { shard, seq } = place;
    const stored = await this.store.get(key);
    const trained = await findTrained(this.store, run, (record) => record.segments.find((segment) => segment.key === key));
    const digest = input.digest ?? trained?.digest ?? null;
    if (stored && (digest === null ? isWholeSegment(stored) : digestOf(stored) === digest)) return { made: false };
    const version = input.policyVersion ?? trained?.policyVersion ?? versionIn(stored);
    if (version === null) throw cannotRestore(key, 'nothing says which policy played it');
    const previous = seq === 0 ? null : await this.previous(layout.segment(run, shard, seq - 1));
    const policy = input.policy?.version === version ? input.policy : await this.policyOf(run, version);
    const made = await this.rollout.remake({ run, shard, seq, policy, previous }, work);
    const found = digestOf(made);
    if (digest !== null && found !== digest) throw cannotRestore(key, `played again it has ${found}, recorded was ${digest}`);
    await this.store.replace(key, made);
    return { made: true };
  }

  private async previous(key: string): Promise<Uint8Array> {
    const bytes = await this.store.get(key);
    if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing`, { key });
    if (!isUsableSegment(bytes)) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${key} to have the digest it holds, found another`, { key });
    return bytes;
  }

  private async policyOf(run: string, version: number): Promise<PolicyRef> {
    const key = layout.policy(run, version);
    const record = version === 0 ? undefined : await readJson<UpdateRecord>(this.store, layout.update(run, version));
    if (record?.policy) return { version, artifact: { ...record.policy, endpoints: [] } };
    const bytes = await this.store.get(key);
    if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing`, { key });
    const artifact: ArtifactRef = { key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: 0, schemaVersion: SCHEMA_VERSIONS.policy, endpoints: [] };
    return { version, artifact };
  }
}

function versionIn(stored: Uint8Array | undefined): number | null {
  if (stored === undefined) return null;
  try {
    return readSegmentBody(stored).policyVersion;
  } catch {
    return null;
  }
}

