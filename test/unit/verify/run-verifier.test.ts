import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annotatorSchema } from '../../../proto/judges.js';
import type { LabelLogRef } from '../../../proto/references.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { RunVerifier, type VerifyReport } from '../../../workers/verify/run-verifier.js';
import { readerOf, SMALL_JOB, SmallRun, updaterOf } from '../../support/small-run.js';

const VERSIONS = 4;
const ANNOTATOR = 'a'.repeat(32);
const JOB = {
  ...SMALL_JOB,
  sources: { ...SMALL_JOB.sources, helpful: { kind: 'model', fit: 'retrieval', annotator: annotatorSchema.parse({ goal: 'leave the room', judge: { kind: 'scripted' } }) } },
  combine: { op: 'linear', weights: { game: 1, words: 0.2, helpful: 0.5 } },
};

describe('verifying a run', () => {
  let small: SmallRun;
  let folder: string;
  let copies = 0;

  beforeAll(async () => {
    small = await SmallRun.prepare(JOB);
    folder = await mkdtemp(join(tmpdir(), 'laurel-verify-'));
    const log = new LabelLog(small.store, ANNOTATOR);
    const label = (text: string, value: number) => ({ text: Buffer.from(text), label: value, status: 'ok' as const, reply: 'yes', model: 'm', promptHash: 'p', tokensIn: 1, tokensOut: 1, latencyMs: 1, attempt: 1, askedAt: '2026-01-01T00:00:00.000Z' });
    const { view } = await log.append([label('You bump into a wall.', 0.9), label('There is nothing here to pick up.', 0.2)].map((one) => ({ ...one, run: 'small' })));
    const labels: Record<string, LabelLogRef> = { helpful: view.ref() };
    const updater = updaterOf(small.store);
    for (let version = 1; version <= VERSIONS; version++) {
      const batches = await small.collect(1, labels);
      const { updates } = await updater.update({ run: small.run, parent: version - 1, batches, checkpoint: 0, checkpointsAt: version === 2 ? [2] : [] });
      small.played(updates);
    }
    await updater.close();
  }, 120_000);
  afterAll(async () => {
    await small.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function verify(store: LocalStore, sample: number | null = null, seed = 1): Promise<VerifyReport> {
    const verifier = new RunVerifier(small.run, { store, reader: readerOf(store), host: createShardHost(), sample, seed });
    try {
      return await verifier.verify();
    } finally {
      await verifier.close();
    }
  }

  /** A copy of the store in which one bit in the middle of one file is another. */
  async function withFlippedBit(key: string): Promise<LocalStore> {
    const path = join(folder, String(copies++));
    await cp(small.folder, path, { recursive: true });
    const store = new LocalStore(path);
    const bytes = Buffer.from((await store.get(key))!);
    bytes[Math.floor(bytes.length * 0.6)]! ^= 0x10;
    await store.delete(key);
    await store.putIfAbsent(key, bytes);
    return store;
  }

  it('finds an untouched run the same to the last byte, and leaves its store as it was', async () => {
    const before = await small.store.list('');
    expect(await verify(small.store)).toEqual({ versions: VERSIONS, verifiableFrom: 1, same: { segments: 8, rewards: 8, updates: 4, checkpoints: 2, labelEntries: 1, rewardModels: 0 }, repeated: 0, difference: null });
    expect(await small.store.list('')).toEqual(before);
  });

  it('verifies a sample by repeating what lies before it, and the same sample for the same seed', async () => {
    const report = await verify(small.store, 1, 3);
    expect(report).toMatchObject({ difference: null, same: { segments: 2, rewards: 2, updates: 1 } });
    expect(await verify(small.store, 1, 3)).toEqual(report);
  });

  it.each([
    ['a segment', () => layout.segment('small', 1, 2), /segments\/0000000001\/0000000002.*/, /version 3/],
    ['an update record', () => layout.update('small', 3), /updates\/0000000003/, undefined],
    ['a policy', () => layout.policy('small', 2), /policies\/0000000002/, undefined],
    ['a checkpoint', () => layout.checkpoint('small', 2), /checkpoints\/0000000002\/model/, /version 2/],
    ['an exported policy', () => layout.checkpointPolicy('small', 2), /checkpoints\/0000000002\/policy\.onnx/, /version 2/],
    ['the first checkpoint', () => layout.checkpoint('small', 0), /checkpoints\/0000000000/, /made from the job/],
    ['a label', () => layout.label(ANNOTATOR, 0), new RegExp(`labels/${ANNOTATOR}|label`), /rewards of|version 1/],
  ])('finds one flipped bit in %s and says what depends on it', async (_what, key, found, within) => {
    const { difference } = await verify(await withFlippedBit(key()));
    expect(difference?.[0]).toMatch(found);
    if (within) expect(difference!.join('\n')).toMatch(within);
  });

  it('finds one flipped bit in a reward file', async () => {
    const [reward] = await small.store.list('runs/small/rewards/0000000000/0000000001/');
    const { difference } = await verify(await withFlippedBit(reward!.key));
    expect(difference!.join('\n')).toMatch(/rewards\/0000000000\/0000000001.*\n?.*version 2/s);
  });

  it('finds a record that was written to agree with altered parameters', async () => {
    const path = join(folder, String(copies++));
    await cp(small.folder, path, { recursive: true });
    const store = new LocalStore(path);
    const key = layout.update('small', 4);
    const record = JSON.parse(Buffer.from((await store.get(key))!).toString()) as { metrics: Record<string, number> };
    record.metrics['loss'] = 0;
    await store.delete(key);
    await store.putIfAbsent(key, Buffer.from(`${JSON.stringify(record)}\n`));
    expect((await verify(store)).difference?.[0]).toMatch(/updates\/0000000004.json, metrics: stored .*made again/);
  });
});
