/** Sweeps of a run's store: what is kept can still be verified, recovered from and gone on with. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import { loadSwept, Sweeper } from '../../../workers/retention/sweeper.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { checkInvariants } from '../../../workers/verify/invariants.js';
import { RunVerifier, type VerifyReport } from '../../../workers/verify/run-verifier.js';
import { readerOf, SMALL_JOB, SmallRun, updaterOf } from '../../support/small-run.js';
import { constantWeights } from '../../../proto/reward-combine.js';

const RUN = 'small';
const VERSIONS = 16;
/** 2 shards, 4 environments, 16 steps: 128 transitions a version. */
const JOB = { ...SMALL_JOB, schedule: { policyLagMax: 2, checkpointVersions: 2 }, retention: { checkpoints: 2, checkpointsEvery: 3, transitions: 4 * 128 } };

describe('a sweep', () => {
  let small: SmallRun;
  let folder: string;
  let copies = 0;

  beforeAll(async () => {
    small = await SmallRun.prepare(JOB);
    folder = await mkdtemp(join(tmpdir(), 'laurel-sweep-'));
    const updater = updaterOf(small.store);
    for (let parent = 0; parent < VERSIONS; parent++) {
      const batches = (await small.collect(1)).map((batch) => ({ ...batch, scoring: { labels: {}, models: {}, weights: constantWeights(small.job.combine) } }));
      small.played((await updater.update({ run: RUN, parent, batches, checkpoint: parent - (parent % 2), checkpointsAt: (parent + 1) % 2 === 0 ? [parent + 1] : [] })).updates);
    }
    await updater.close();
  }, 120_000);
  afterAll(async () => {
    await small.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function copy(): Promise<LocalStore> {
    const path = join(folder, String(copies++));
    await cp(small.folder, path, { recursive: true });
    return new LocalStore(path);
  }
  const keys = async (store: ObjectStore): Promise<string[]> => (await store.list(`runs/${RUN}/`)).map(({ key }) => key);
  const versionsIn = async (store: ObjectStore, prefix: string): Promise<number[]> => [...new Set((await store.list(prefix)).map(({ key }) => Number.parseInt(key.slice(prefix.length), 10)))];
  async function verify(store: ObjectStore): Promise<VerifyReport> {
    const verifier = new RunVerifier(RUN, { store, reader: readerOf(store), host: createShardHost(), sample: null, seed: 1 });
    try {
      return await verifier.verify();
    } finally {
      await verifier.close();
    }
  }

  it('keeps what is needed to make the newest versions again, and records the rest with its reason before it is gone', async () => {
    const store = await copy();
    const before = await keys(store);
    const { objects, record } = await new Sweeper(store).sweep({ run: RUN });
    const after = await keys(store);
    // 4 versions of data: 13 to 16 can be made again; they were played by policies from 10 on; a checkpoint lies at 10.
    expect(await versionsIn(store, layout.checkpoints(RUN))).toEqual([0, 6, 10, 12, 14, 16]);
    expect(await versionsIn(store, layout.policies(RUN))).toEqual([0, 14, 15, 16]);
    // Version v was trained on segment v - 1 of both shards; from 11 on, and one before, from which the first is played.
    const prefix = layout.segment(RUN, 0, 0).replace(/[^/]*$/, '');
    expect((await store.list(prefix)).map(({ key }) => Number.parseInt(key.slice(prefix.length), 10))).toEqual([9, 10, 11, 12, 13, 14, 15]);
    const gone = before.filter((key) => !after.includes(key));
    expect(gone).toHaveLength(objects);
    const swept = await loadSwept(store, RUN);
    expect([...swept.keys.keys()].sort()).toEqual(gone.sort());
    expect(swept.verifiableFrom).toBe(13);
    expect(swept.keys.get(layout.policy(RUN, 3))).toMatch(/nobody plays them/);
    expect(swept.keys.get(layout.segment(RUN, 1, 2))).toMatch(/before version 11/);
    expect(record?.key).toBe(layout.sweep(RUN, 0));
  });

  it('leaves a run that verifies: what is kept is made again, what was swept is named, what is gone otherwise is found', async () => {
    const store = await copy();
    await new Sweeper(store).sweep({ run: RUN });
    expect(await checkInvariants({ store, run: RUN })).toMatchObject({ versions: VERSIONS, trained: 2 * VERSIONS, faults: [] });
    const report = await verify(store);
    expect(report).toMatchObject({ versions: VERSIONS, verifiableFrom: 13, difference: null, same: { updates: 4, segments: 8, rewards: 8, checkpoints: 3 } });
    await store.delete(layout.segment(RUN, 1, 13));
    expect((await checkInvariants({ store, run: RUN })).faults.join()).toMatch(/segments\/0000000001\/0000000013/);
    expect((await verify(store)).difference?.[0]).toMatch(/0000000013/);
  });

  it('changes nothing the second time, and finishes what a sweep that was cut short had begun', async () => {
    const whole = await copy();
    await new Sweeper(whole).sweep({ run: RUN });
    const once = await keys(whole);
    expect(await new Sweeper(whole).sweep({ run: RUN })).toEqual({ objects: 0, bytes: 0, record: null });
    expect(await keys(whole)).toEqual(once);

    const cut = await copy();
    let left = 7;
    const dying = new Proxy(cut, {
      get: (target, name) => {
        if (name === 'delete') return (key: string) => (left-- > 0 ? target.delete(key) : Promise.reject(new Error('the process is gone')));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value as (...parameters: unknown[]) => unknown).bind(target) : value;
      },
    });
    await expect(new Sweeper(dying).sweep({ run: RUN })).rejects.toThrow('the process is gone');
    expect((await loadSwept(cut, RUN)).keys.size).toBe(7);
    await new Sweeper(cut).sweep({ run: RUN });
    const swept = (list: string[]): string[] => list.filter((key) => !key.includes('/sweeps/'));
    expect(swept(await keys(cut))).toEqual(swept(once));
  });

  it('leaves a run that goes on: a learner without state makes the same next version', async () => {
    const store = await copy();
    await new Sweeper(store).sweep({ run: RUN });
    const batches = await small.collect(1);
    for (const key of batches.flatMap((batch) => [...batch.segments, ...batch.rewards].map((ref) => ref.key))) await store.putIfAbsent(key, (await small.store.get(key))!);
    const digests: string[] = [];
    for (const one of [store, await copy()]) {
      const updater = updaterOf(one);
      // From the checkpoint before the newest: its updates are repeated.
      const { replayed } = await updater.update({ run: RUN, parent: VERSIONS, batches, checkpoint: 14, checkpointsAt: [] });
      expect(replayed).toBe(2);
      digests.push(JSON.stringify(JSON.parse(Buffer.from((await one.get(layout.update(RUN, VERSIONS + 1)))!).toString())));
      await updater.close();
    }
    expect(digests[0]).toBe(digests[1]);
  });

  it('removes no data of a run that is shorter than what is kept', async () => {
    const fresh = await SmallRun.prepare({ ...JOB, retention: {} });
    try {
      expect((await new Sweeper(fresh.store).plan(RUN)).removals).toEqual([]);
    } finally {
      await fresh.close();
    }
  });
});
