import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpdateBatch, UpdateInput } from '../../../proto/activities.js';
import { LaurelError, type ErrorCode } from '../../../proto/errors.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { digestsIn } from '../../support/digests.js';
import { SmallRun, updaterOf } from '../../support/small-run.js';

/** A process that dies at its n-th write: before it, or after it (the caller never hears of it). */
function dyingStore(store: ObjectStore, writes: number, when: 'before' | 'after'): ObjectStore {
  let left = writes;
  const dead = new Error('the process is gone');
  return {
    get: (key) => (left < 0 ? Promise.reject(dead) : store.get(key)),
    exists: (key) => store.exists(key),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
    replace: (key, body) => store.replace(key, body),
    async putIfAbsent(key, body) {
      left -= 1;
      if (left < 0 || (left === 0 && when === 'before')) {
        left = -1;
        throw dead;
      }
      const result = await store.putIfAbsent(key, body);
      if (left === 0) {
        left = -1;
        throw dead;
      }
      return result;
    },
  };
}

describe('the updater', () => {
  let small: SmallRun;
  let batches: UpdateBatch[];
  let folder: string;
  const input = (): UpdateInput => ({ run: small.run, parent: 0, batches, checkpoint: 0, checkpointsAt: [2, 3] });

  beforeAll(async () => {
    small = await SmallRun.prepare();
    batches = await small.collect(3);
    folder = await mkdtemp(join(tmpdir(), 'laurel-updater-'));
  });
  afterAll(async () => {
    await small.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function copyOfStore(name: string): Promise<LocalStore> {
    await cp(small.folder, join(folder, name), { recursive: true });
    return new LocalStore(join(folder, name));
  }

  it('comes to the same bytes wherever between two writes it was killed', async () => {
    const whole = await copyOfStore('whole');
    const undisturbed = updaterOf(whole);
    const expected = await undisturbed.update(input());
    await undisturbed.close();
    const digests = await digestsIn(whole);
    let kills = 0;
    for (const when of ['before', 'after'] as const) {
      for (let writes = 1; ; writes++) {
        const store = await copyOfStore(`${when}-${writes}`);
        const killed = updaterOf(dyingStore(store, writes, when));
        const died = await killed.update(input()).then(
          () => false,
          () => true,
        );
        await killed.close();
        if (!died) break;
        kills += 1;
        const next = updaterOf(store);
        expect((await next.update(input())).updates, `killed ${when} write ${writes}`).toEqual(expected.updates);
        await next.close();
        expect(await digestsIn(store), `killed ${when} write ${writes}`).toEqual(digests);
      }
    }
    // Three records, the policy of the last version, and two files for each of two checkpoints: before and after each.
    expect(kills).toBe(16);
  });

  it('repeats the logged updates from the last checkpoint to the same parameters', async () => {
    const store = await copyOfStore('replay');
    const first = updaterOf(store);
    await first.update({ ...input(), batches: batches.slice(0, 2), checkpointsAt: [] });
    await first.close();
    const second = updaterOf(store);
    const last = { ...input(), parent: 2, batches: batches.slice(2), checkpointsAt: [] };
    expect(await second.update(last)).toMatchObject({ replayed: 2, updates: [{ version: 3 }] });
    await second.close();
    const whole = updaterOf(await copyOfStore('at-once'));
    const atOnce = await whole.update({ ...input(), checkpointsAt: [] });
    await whole.close();
    expect((await store.get(layout.update(small.run, 3)))!.toString()).toContain(atOnce.updates[2]!.policy!.artifact.digest);
  });

  it('refuses to make a recorded version from other segments', async () => {
    const store = await copyOfStore('other');
    const updater = updaterOf(store);
    try {
      await updater.update({ ...input(), batches: batches.slice(0, 1), checkpointsAt: [] });
      await expect(updater.update({ ...input(), batches: batches.slice(1, 2), checkpointsAt: [] })).rejects.toMatchObject({ code: 'LAUREL_STORE_CONFLICT' });
    } finally {
      await updater.close();
    }
  });

  /** Refuses to store the record of a version, with this code. */
  const refusing = (store: ObjectStore, version: number, code: ErrorCode): ObjectStore => ({
    get: (key) => store.get(key),
    exists: (key) => store.exists(key),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
    replace: (key, body) => store.replace(key, body),
    putIfAbsent: (key, body) => (key === layout.update(small.run, version) ? Promise.reject(new LaurelError(code, 'refused')) : store.putIfAbsent(key, body)),
  });

  it('gives back the versions before a batch that fails for good, and the next call makes other versions after them', async () => {
    const store = await copyOfStore('partly');
    const failing = updaterOf(refusing(store, 2, 'LAUREL_NUMBER_INVALID'));
    const { updates } = await failing.update({ ...input(), checkpointsAt: [] });
    expect(updates).toMatchObject([{ version: 1, policy: { version: 1 } }]);
    await expect(failing.update({ ...input(), parent: 1, batches: batches.slice(1), checkpointsAt: [] })).rejects.toMatchObject({ code: 'LAUREL_NUMBER_INVALID' });
    await failing.close();
    const next = updaterOf(store);
    expect((await next.update({ ...input(), parent: 1, batches: batches.slice(2), checkpointsAt: [] })).updates).toMatchObject([{ version: 2 }]);
    await next.close();
  });

  it('finds what attempts that never answered have recorded, with a policy to play, and makes nothing then', async () => {
    const store = await copyOfStore('never-answered');
    const failing = updaterOf(refusing(store, 3, 'LAUREL_STORE_UNAVAILABLE'));
    await expect(failing.update({ ...input(), checkpointsAt: [] })).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    await failing.close();
    const next = updaterOf(store);
    const { updates } = await next.update({ ...input(), checkpointsAt: [], recordedOnly: true });
    expect(updates).toMatchObject([{ version: 1 }, { version: 2, policy: { version: 2 } }]);
    expect(await store.exists(updates[1]!.policy!.artifact.key)).toBe(true);
    expect(await store.exists(layout.update(small.run, 3))).toBe(false);
    expect((await next.update({ ...input(), parent: 2, batches: batches.slice(2), checkpointsAt: [], recordedOnly: true })).updates).toEqual([]);
    // Other segments than those of the call that failed: no conflict.
    expect((await next.update({ ...input(), parent: 2, batches: batches.slice(0, 1), checkpointsAt: [] })).updates).toMatchObject([{ version: 3 }]);
    await next.close();
  });

  it('names a segment whose bytes are not those that were recorded', async () => {
    const store = await copyOfStore('altered');
    const updater = updaterOf(store);
    const [segment] = batches[0]!.segments;
    const bytes = Buffer.from((await store.get(segment!.key))!);
    bytes[bytes.length >> 1]! ^= 1;
    await store.delete(segment!.key);
    await store.putIfAbsent(segment!.key, bytes);
    try {
      await expect(updater.update({ ...input(), batches: batches.slice(0, 1) })).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining(segment!.key) as string });
      expect(await store.exists(layout.update(small.run, 1))).toBe(false);
    } finally {
      await updater.close();
    }
  });
});
