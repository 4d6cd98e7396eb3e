/**
 * What a sweep removes: a pure function of what lies in the store and of the records of the newest updates. It needs
 * nothing from a live run, because what a live run may still ask for follows from the versions:
 *
 * - A segment that can still be trained on has a policy of at most `policyLagMax` versions ago. Policies of a shard never
 *   get older, so a segment that lies before one of the same shard that was trained on longer ago than that has ended.
 * - Recovery goes from one of the newest checkpoints over the updates since.
 * - What is kept must be possible to make again: from the checkpoint before it, over every update since.
 */
import type { Job } from '../../proto/job.js';
import { placeOf } from '../../proto/restoration.js';
import type { RetentionSpec } from '../../proto/retention.js';
import type { UpdateRecord } from '../learner/update-record.js';
import type { StoredObject } from '../store/object-store.js';

export interface Removal {
  readonly reason: string;
  readonly objects: readonly StoredObject[];
}

export interface SweepPlan {
  /** Newest version. */
  readonly newest: number;
  /** Inputs of this version and of all after it are kept. */
  readonly dataFrom: number;
  /** This version and all after it can be made again, with all that they were made from. */
  readonly verifiableFrom: number;
  readonly removals: readonly Removal[];
}

/** How far back the data of a run is kept. */
export interface Horizon {
  readonly dataFrom: number;
  readonly verifiableFrom: number;
}

/**
 * @param recordAt the record of a version; asked for from the newest downwards, no further than needed
 * @param checkpoints versions, ascending
 */
export async function horizonOf(newest: number, checkpoints: readonly number[], job: Job, retention: RetentionSpec, recordAt: (version: number) => Promise<UpdateRecord>): Promise<Horizon> {
  const lag = job.schedule.policyLagMax;
  let oldest = newest + 1;
  for (let transitions = 0; oldest > 1 && transitions < retention.transitions; ) {
    oldest -= 1;
    transitions += (await recordAt(oldest)).transitions;
  }
  const oldestNewCheckpoint = checkpoints.slice(-retention.checkpoints)[0] ?? 0;
  const verifiableFrom = Math.max(1, Math.min(oldest, oldestNewCheckpoint + 1, newest - lag));
  // Its segments were played by policies up to `lag` versions before; those are made again from a checkpoint before them.
  const anchor = Math.max(0, ...checkpoints.filter((version) => version <= verifiableFrom - 1 - lag));
  return anchor === 0 ? { dataFrom: 1, verifiableFrom: 1 } : { dataFrom: anchor + 1, verifiableFrom };
}

/** @param records of the versions from `horizon.dataFrom` on */
export function planSweep(newest: number, horizon: Horizon, records: readonly UpdateRecord[], objects: readonly StoredObject[], job: Job, retention: RetentionSpec): SweepPlan {
  const { dataFrom } = horizon;
  const lag = job.schedule.policyLagMax;
  const oldPolicies: StoredObject[] = [];
  const oldCheckpoints: StoredObject[] = [];
  const oldData: StoredObject[] = [];
  const first = dataFrom > 1 ? firstKept(records, newest - lag) : new Map<number, number>();
  const kept = checkpointsKept(objects, dataFrom - 1, job, retention);
  for (const object of objects) {
    const place = placeOf(object.key);
    if (place?.kind === 'policy' && place.version > 0 && place.version < newest - lag) oldPolicies.push(object);
    if (place?.kind === 'checkpoint' && !kept.has(place.version)) oldCheckpoints.push(object);
    if ((place?.kind === 'segment' || place?.kind === 'reward') && place.seq < (first.get(place.shard) ?? 0)) oldData.push(object);
  }
  const removals = [
    { reason: `policies that are more than ${lag} versions old: nobody plays them, and they follow from a checkpoint and the updates since`, objects: oldPolicies },
    { reason: `checkpoints that are neither among the newest ${retention.checkpoints} nor kept for good, nor needed to make again what is kept`, objects: oldCheckpoints },
    { reason: `segments and rewards that were trained on before version ${dataFrom}, or not at all and are too old to be`, objects: oldData },
  ];
  return { newest, ...horizon, removals: removals.filter((removal) => removal.objects.length > 0) };
}

/** By shard, the first sequence number that is kept: one before the first that kept updates name, from which that one is played. */
function firstKept(records: readonly UpdateRecord[], settled: number): Map<number, number> {
  const lowest = new Map<number, number>();
  const passed = new Map<number, number>();
  for (const { version, segments } of records) {
    for (const { key } of segments) {
      const place = placeOf(key);
      if (place?.kind !== 'segment') continue;
      lowest.set(place.shard, Math.min(lowest.get(place.shard) ?? Infinity, place.seq));
      if (version <= settled) passed.set(place.shard, Math.max(passed.get(place.shard) ?? 0, place.seq));
    }
  }
  return new Map([...lowest].map(([shard, seq]) => [shard, Math.min(seq, passed.get(shard) ?? 0) - 1]));
}

function checkpointsKept(objects: readonly StoredObject[], anchor: number, job: Job, retention: RetentionSpec): Set<number> {
  const versions = [...new Set(objects.flatMap(({ key }) => checkpointIn(key)))].sort((a, b) => a - b);
  const period = retention.checkpointsEvery * job.schedule.checkpointVersions;
  const forGood = versions.filter((version) => version === 0 || version === anchor || (period > 0 && version % period === 0));
  return new Set([...forGood, ...versions.slice(-retention.checkpoints)]);
}

function checkpointIn(key: string): number[] {
  const place = placeOf(key);
  return place?.kind === 'checkpoint' ? [place.version] : [];
}
