/** Everything that follows from other objects of a run is made again to the same bytes, and nothing else is put in its place. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { placeOf, type Damage, type RestoreResult } from '../../../proto/restoration.js';
import type { UpdateInput } from '../../../proto/activities.js';
import { damageOf } from '../../../workers/store/damage.js';
import { Scorer } from '../../../workers/reward/scorer.js';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import { Rollout } from '../../../workers/rollout/rollout.js';
import { SegmentRestorer } from '../../../workers/rollout/segment-restorer.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { digestsIn } from '../../support/digests.js';
import { readerOf, SmallRun, updaterOf } from '../../support/small-run.js';
import { constantWeights } from '../../../proto/reward-combine.js';

const VERSIONS = 6;
const RUN = 'small';

describe('making objects of a run again', () => {
  let small: SmallRun;
  let folder: string;
  let digests: Record<string, string>;
  let copies = 0;

  beforeAll(async () => {
    small = await SmallRun.prepare();
    folder = await mkdtemp(join(tmpdir(), 'laurel-restore-'));
    const updater = updaterOf(small.store);
    for (let parent = 0; parent < VERSIONS; parent += 2) {
      const batches = (await small.collect(2)).map((batch) => ({ ...batch, scoring: { labels: {}, models: {}, weights: constantWeights(small.job.combine) } }));
      const { updates } = await updater.update({ run: RUN, parent, batches, checkpoint: 0, checkpointsAt: [2, 4] });
      small.played(updates);
    }
    await updater.close();
    digests = await digestsIn(small.store, 'runs/');
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

  /** What the workers do when a run asks them, in the order in which the objects need each other. */
  function workersOf(store: LocalStore): { restore: (damage: Damage) => Promise<RestoreResult>; close: () => Promise<unknown> } {
    const rollout = new Rollout({ store, reader: readerOf(store), host: createShardHost(), endpoints: [] });
    const segments = new SegmentRestorer(store, rollout);
    const scorer = new Scorer({ store, reader: readerOf(store), endpoints: [] });
    const updater = updaterOf(store);
    const once = ({ key, digest }: Damage): Promise<RestoreResult> => {
      const input = { run: RUN, key, digest };
      if (placeOf(key)?.kind === 'segment') return segments.restore({ ...input, policyVersion: null, policy: null });
      return placeOf(key)?.kind === 'reward' ? scorer.restore({ ...input, segment: null, scoring: null }) : updater.restoreVersion(input);
    };
    const deep = async (one: Damage): Promise<RestoreResult> => {
      for (;;) {
        try {
          return await once(one);
        } catch (error) {
          const deeper = damageOf(error);
          if (deeper === null || deeper.key === one.key) throw error;
          await deep(deeper);
        }
      }
    };
    return { restore: deep, close: () => Promise.all([rollout.close(), updater.close()]) };
  }

  const reward = (shard: number, seq: number): string => Object.keys(digests).find((key) => key.startsWith(layout.reward(RUN, shard, seq, '').replace('.arrow', '')))!;
  const flip = async (store: LocalStore, key: string): Promise<void> => {
    const bytes = Buffer.from((await store.get(key))!);
    bytes[Math.floor(bytes.length * 0.6)]! ^= 0x04;
    await store.replace(key, bytes);
  };
  const tear = async (store: LocalStore, key: string): Promise<void> => store.replace(key, (await store.get(key))!.subarray(0, 500));
  const remove = (store: LocalStore, key: string): Promise<void> => store.delete(key);

  it.each([
    ['a segment with a flipped bit', flip, () => [layout.segment(RUN, 1, 3)]],
    ['a segment that is gone', remove, () => [layout.segment(RUN, 1, 3)]],
    ['the first segment, torn', tear, () => [layout.segment(RUN, 0, 0)]],
    ['rewards with a flipped bit', flip, () => [reward(0, 3)]],
    ['rewards that are gone', remove, () => [reward(0, 3)]],
    ['a policy, torn', tear, () => [layout.policy(RUN, 4)]],
    ['a checkpoint with a flipped bit', flip, () => [layout.checkpoint(RUN, 4)]],
    ['an exported policy that is gone', remove, () => [layout.checkpointPolicy(RUN, 4)]],
    ['a segment, the two before it, the policy that played it and its checkpoint', flip, () => [layout.segment(RUN, 1, 5), layout.segment(RUN, 1, 4), layout.segment(RUN, 1, 3), layout.policy(RUN, 4), layout.checkpoint(RUN, 4)]],
    ['a policy, the checkpoint before it, and a segment and rewards that were trained on since', flip, () => [layout.policy(RUN, 6), layout.checkpoint(RUN, 4), layout.segment(RUN, 0, 4), reward(1, 5)]],
  ])('%s: the same bytes', async (_what, damage, keys) => {
    const store = await copy();
    for (const key of keys()) await damage(store, key);
    const [first] = keys();
    const { restore, close } = workersOf(store);
    // The exported policy is no input of anything; only its absence is noticed.
    expect(await restore({ key: first!, digest: first!.endsWith('.onnx') ? null : digests[first!]! })).toEqual({ made: true });
    for (const key of keys().slice(1)) await restore({ key, digest: key.includes('/checkpoints/') ? null : digests[key]! });
    expect(await digestsIn(store, 'runs/')).toEqual(digests);
    expect(await restore({ key: first!, digest: digests[first!]! })).toEqual({ made: false });
    await close();
  });

  it('leaves alone what would come out differently', async () => {
    const store = await copy();
    const key = layout.segment(RUN, 0, 1);
    await remove(store, key);
    const wrong = `sha256:${'1'.repeat(64)}`;
    const { restore, close } = workersOf(store);
    await expect(restore({ key, digest: wrong })).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('cannot be made again'), details: { key } });
    expect(await store.exists(key)).toBe(false);
    await close();
  });

  it('a segment and rewards that an attempt left behind damaged are made anew by the next attempt', async () => {
    const store = await copy();
    const rewards = reward(1, 5);
    for (const key of [layout.segment(RUN, 1, 5), rewards]) await flip(store, key);
    const rollout = new Rollout({ store, reader: readerOf(store), host: createShardHost(), endpoints: [] });
    const record = JSON.parse(Buffer.from((await store.get(layout.update(RUN, 4)))!).toString()) as { policy: UpdateInput['batches'][number]['segments'][number] };
    const previous = await rollout.collect({ run: RUN, shard: 1, seq: 4, segments: 1, policy: { version: 4, artifact: { ...record.policy, endpoints: [] } }, previous: null });
    const { segments } = await rollout.collect({ run: RUN, shard: 1, seq: 5, segments: 1, policy: { version: 4, artifact: { ...record.policy, endpoints: [] } }, previous: previous.segments[0]! });
    await rollout.close();
    expect(segments[0]!.digest).toBe(digests[layout.segment(RUN, 1, 5)]);
    const [scored] = await new Scorer({ store, reader: readerOf(store), endpoints: [] }).score({ run: RUN, segments, labels: {}, weights: constantWeights(small.job.combine) });
    expect(scored).toMatchObject({ key: rewards, digest: digests[rewards] });
    expect(await digestsIn(store, 'runs/')).toEqual(digests);
  });

  it('an update call gives back the versions before the damage, with a policy to play', async () => {
    const fresh = await SmallRun.prepare();
    const updater = updaterOf(fresh.store);
    try {
      const batches = await fresh.collect(3);
      await flip(fresh.store, batches[2]!.segments[1]!.key);
      const input = { run: RUN, parent: 0, batches, checkpoint: 0, checkpointsAt: [] };
      const result = await updater.update(input);
      expect(result.updates.map(({ version, policy }) => [version, policy?.version])).toEqual([[1, undefined], [2, 2]]);
      expect(result.damage).toMatchObject({ code: 'LAUREL_STORE_CORRUPT', key: batches[2]!.segments[1]!.key, digest: batches[2]!.segments[1]!.digest });
      expect(await updater.update(input)).toEqual(result);
    } finally {
      await updater.close();
      await fresh.close();
    }
  });
});
