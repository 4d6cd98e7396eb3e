import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { annotatorSchema } from '../../../proto/judges.js';
import { fitKindSchema, type TrainedFitSpec } from '../../../proto/reward-fits.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { Fitter } from '../../../workers/reward/models/fitter.js';
import { decodeRewards } from '../../../workers/reward/reward-record.js';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import { RunVerifier, type VerifyReport } from '../../../workers/verify/run-verifier.js';
import { readerOf, SMALL_JOB, SmallRun, updaterOf } from '../../support/small-run.js';
import { labelled, messages } from '../reward/messages.js';

const ANNOTATOR = 'b'.repeat(32);
const FIT = fitKindSchema.parse({ kind: 'classification', labelsMin: 120, labelsEvery: 60, stepsMax: 24, channels: 16 }) as TrainedFitSpec;
const JOB = {
  ...SMALL_JOB,
  sources: { ...SMALL_JOB.sources, helpful: { kind: 'model', fit: FIT, annotator: annotatorSchema.parse({ goal: 'leave the room', judge: { kind: 'scripted' } }) } },
  combine: { op: 'linear', weights: { game: 1, words: 0.2, helpful: 0.5 } },
};

describe('verifying a run whose rewards come from a trained model', () => {
  let small: SmallRun;
  const keys: string[] = [];

  beforeAll(async () => {
    small = await SmallRun.prepare(JOB);
    const log = new LabelLog(small.store, ANNOTATOR);
    const told = messages(180);
    for (let at = 0; at < told.length; at += 60) await log.append(told.slice(at, at + 60).map(({ text, helpful }) => labelled(text, helpful ? 0.9 : 0.1)));
    const labels = { helpful: (await log.table.head()).ref() };
    const fitted = await new Fitter({ store: small.store, endpoints: [] }).fit({ source: 'helpful', log: labels.helpful, fit: FIT, threshold: 0.5 });
    expect(fitted.model).not.toBeNull();
    // The first version is trained on before any model is there, the second with one.
    const batches = [...(await small.collect(1, labels, { helpful: null })), ...(await small.collect(1, labels, { helpful: fitted.model }))];
    for (const batch of batches) for (const { key } of batch.rewards) keys.push(key);
    const updater = updaterOf(small.store);
    await updater.update({ run: small.run, parent: 0, batches, checkpoint: 0, checkpointsAt: [] });
    await updater.close();
  }, 120_000);
  afterAll(() => small.close());

  async function verify(): Promise<VerifyReport> {
    const verifier = new RunVerifier(small.run, { store: small.store, reader: readerOf(small.store), host: createShardHost(), sample: null, seed: 1 });
    try {
      return await verifier.verify();
    } finally {
      await verifier.close();
    }
  }

  it('masks what no model may answer yet, and knows every message once one may', async () => {
    const component = async (key: string) => {
      const rewards = decodeRewards((await small.store.get(key))!);
      return rewards.body.sums['helpful']!;
    };
    expect((await component(keys[0]!)).masked).toBeGreaterThan(0);
    expect((await component(keys.at(-1)!)).masked).toBe(0);
  });

  it('fits every version again and finds the same bytes', async () => {
    const report = await verify();
    expect(report.difference).toBeNull();
    expect(report.same).toMatchObject({ updates: 2, rewards: 4, rewardModels: 2, labelEntries: 3 });
  });

  it('finds an altered weight in an earlier version that the one in use went on from', async () => {
    const { key } = (await small.store.list('reward-models/'))[0]!;
    const bytes = Buffer.from((await small.store.get(key))!);
    const at = Math.floor(bytes.length * 0.6);
    bytes[at] = bytes[at]! ^ 0x10;
    await rm(`${small.folder}/${key}`);
    await small.store.putIfAbsent(key, bytes);
    expect((await verify()).difference).not.toBeNull();
  });
});
