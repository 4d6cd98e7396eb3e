/** Removes what a run needs no more. The record of what is removed and why is written before anything is. */
import { errorCodeOf, LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { ArtifactRef } from '../../proto/references.js';
import { placeOf } from '../../proto/restoration.js';
import { retentionSchema, type SweepInput, type SweepResult } from '../../proto/retention.js';
import type { UpdateRecord } from '../learner/update-record.js';
import { readJson, writeArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore, StoredObject } from '../store/object-store.js';
import { horizonOf, planSweep, type SweepPlan } from './plan.js';

export interface SweepRecord extends Omit<SweepPlan, 'removals'> {
  readonly sweep: number;
  readonly removed: readonly { readonly reason: string; readonly bytes: number; readonly keys: readonly string[] }[];
}

export interface SweepWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}

export class Sweeper {
  constructor(private readonly store: ObjectStore) {}

  /** What a sweep would remove now. @throws LaurelError LAUREL_STORE_MISSING where there is no such run */
  async plan(run: string): Promise<SweepPlan> {
    const { store } = this;
    const key = layout.spec(run);
    const job = await readJson<Job>(store, key);
    if (job === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected the run ${run} in the store, found no ${key}`, { key });
    // Absent in a job that was begun before there was retention; it then never sweeps by itself.
    const retention = (job as Partial<Job>).retention ?? retentionSchema.parse({});
    const newest = (await store.list(layout.updates(run))).length;
    const objects = (await Promise.all([layout.segments(run), layout.rewards(run), layout.policies(run), layout.checkpoints(run)].map((prefix) => store.list(prefix)))).flat();
    const known = new Map<number, UpdateRecord>();
    const recordAt = async (version: number): Promise<UpdateRecord> => {
      const found = known.get(version) ?? (await readJson<UpdateRecord>(store, layout.update(run, version)));
      if (found === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${layout.update(run, version)} in the store, found nothing`, { key: layout.update(run, version) });
      known.set(version, found);
      return found;
    };
    const horizon = await horizonOf(newest, checkpointsIn(objects), job, retention, recordAt);
    const records: UpdateRecord[] = [];
    if (horizon.dataFrom > 1) for (let version = horizon.dataFrom; version <= newest; version++) records.push(await recordAt(version));
    return planSweep(newest, horizon, records, objects, job, retention);
  }

  /** A sweep that was cut short is finished by the next one: what it did not get to is still there, and still not needed. */
  async sweep({ run }: SweepInput, work: SweepWork = {}): Promise<SweepResult> {
    const plan = await this.plan(run);
    const objects = plan.removals.flatMap((removal) => removal.objects);
    const bytes = objects.reduce((sum, object) => sum + object.bytes, 0);
    if (objects.length === 0) return { objects: 0, bytes: 0, record: null };
    const record = await this.writeRecord(run, plan);
    for (const [index, { key }] of objects.entries()) {
      work.signal?.throwIfAborted();
      await this.store.delete(key);
      if (index % 64 === 0) work.onProgress?.({ removed: index + 1, of: objects.length });
    }
    return { objects: objects.length, bytes, record };
  }

  private async writeRecord(run: string, { removals, ...plan }: SweepPlan): Promise<ArtifactRef> {
    const removed = removals.map(({ reason, objects }) => ({ reason, bytes: objects.reduce((sum, object) => sum + object.bytes, 0), keys: objects.map(({ key }) => key) }));
    for (let sweep = (await this.store.list(layout.sweeps(run))).length; ; sweep++) {
      const body = Buffer.from(`${JSON.stringify({ sweep, ...plan, removed } satisfies SweepRecord)}\n`);
      try {
        return await writeArtifact(this.store, layout.sweep(run, sweep), body, { schemaVersion: 1 });
      } catch (error) {
        // Another sweep took the number; the next one is ours.
        if (errorCodeOf(error) !== 'LAUREL_STORE_CONFLICT') throw error;
      }
    }
  }
}

/** What sweeps removed of a run and is not there (what was made again since is). */
export interface Swept {
  /** The reason by key. */
  readonly keys: ReadonlyMap<string, string>;
  /** Versions before cannot be made again; 1: all can. */
  readonly verifiableFrom: number;
}

export async function loadSwept(store: ObjectStore, run: string): Promise<Swept> {
  const keys = new Map<string, string>();
  let verifiableFrom = 1;
  for (const { key } of await store.list(layout.sweeps(run))) {
    const record = (await readJson<SweepRecord>(store, key)) as SweepRecord;
    verifiableFrom = Math.max(verifiableFrom, record.verifiableFrom);
    for (const { reason, keys: removed } of record.removed) for (const one of removed) keys.set(one, reason);
  }
  if (keys.size > 0) for (const { key } of await store.list(`runs/${run}/`)) keys.delete(key);
  return { keys, verifiableFrom };
}

function checkpointsIn(objects: readonly StoredObject[]): number[] {
  const versions = objects.flatMap(({ key }) => {
    const place = placeOf(key);
    return place?.kind === 'checkpoint' && key.endsWith('/model.safetensors') ? [place.version] : [];
  });
  return versions.sort((a, b) => a - b);
}
