import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FitInput, FitResult } from '../../../proto/activities.js';
import { fitKindSchema, type ClassificationSpec } from '../../../proto/reward-fits.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { calibrated } from '../../../workers/reward/models/calibration.js';
import { Fitter } from '../../../workers/reward/models/fitter.js';
import { decodeRewardModel } from '../../../workers/reward/models/model-file.js';
import { RewardModelLoader } from '../../../workers/reward/models/model-view.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { readerOf } from '../../support/small-run.js';
import { labelled, messages, type Told } from './messages.js';

const ANNOTATOR = 'c'.repeat(32);
const CHUNK = 40;

describe('fit classification', () => {
  let folder: string;
  let stores = 0;
  const spec = fitKindSchema.parse({ kind: 'classification', labelsMin: 160, labelsEvery: 80, stepsMax: 60 }) as ClassificationSpec;
  const newStore = (): LocalStore => new LocalStore(join(folder, String(stores++)));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-fit-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** A log whose entries hold 40 labels each. */
  async function logOf(store: LocalStore, told: readonly Told[], label: (one: Told, index: number) => number = ({ helpful }) => (helpful ? 0.9 : 0.1)): Promise<FitInput> {
    const log = new LabelLog(store, ANNOTATOR);
    for (let at = 0; at < told.length; at += CHUNK) await log.append(told.slice(at, at + CHUNK).map((one, index) => labelled(one.text, label(one, at + index))));
    return { source: 'helpful', log: (await log.table.head()).ref(), fit: spec, threshold: 0.5 };
  }
  const at = (input: FitInput, position: number): FitInput => ({ ...input, log: { ...input.log, position } });
  const fit = (store: LocalStore, input: FitInput): Promise<FitResult> => new Fitter({ store, endpoints: [] }).fit(input);

  it('learns from the labels, beats a majority guess, and judges messages that nobody labelled', async () => {
    const store = newStore();
    const told = messages(720);
    const result = await fit(store, await logOf(store, told.slice(0, 320)));
    expect(result.made).toBe(3);
    const metrics = result.newest!.metrics;
    expect(metrics['accuracy']).toBeGreaterThan(metrics['majority']!);
    expect(result.model?.position).toBe(8);
    const model = await new RewardModelLoader(readerOf(store)).load(result.model!);
    const unseen = told.slice(320);
    const view = await model.view(unseen.map(({ text }) => text));
    const right = unseen.filter(({ text, helpful }) => calibrated((view.body.head as { calibration: { slope: number; shift: number } }).calibration, view.score(text)) > 0.5 === helpful).length;
    expect(right / unseen.length).toBeGreaterThan(0.9);
  });

  it('makes the same bytes wherever and in however many calls it is made', async () => {
    const [one, other] = [newStore(), newStore()];
    const told = messages(320);
    const input = await logOf(one, told);
    await logOf(other, told);
    const whole = await fit(one, input);
    // In steps, each by a fitter that knows nothing of the last; a call between two milestones makes nothing.
    expect((await fit(other, at(input, 4))).made).toBe(1);
    expect((await fit(other, at(input, 5))).made).toBe(0);
    expect((await fit(other, at(input, 7))).made).toBe(1);
    const stepwise = await fit(other, input);
    expect(stepwise.model).toEqual(whole.model);
    const keys = (await one.list('reward-models/')).map(({ key }) => key);
    expect(keys.map((key) => Number.parseInt(key.slice(-15), 10))).toEqual([4, 6, 8]);
    for (const key of keys) expect(Buffer.compare((await one.get(key))!, (await other.get(key))!)).toBe(0);
  });

  it('goes on from the version before: with other labels in between the next version is another', async () => {
    const [one, other] = [newStore(), newStore()];
    const told = messages(240);
    const input = await logOf(one, told);
    await logOf(other, told, ({ helpful }, index) => (index < 160 && index % 4 === 0 ? 0.5 : helpful ? 0.9 : 0.1));
    const [a, b] = [await fit(one, input), await fit(other, input)];
    expect(a.newest!.position).toBe(b.newest!.position);
    const key = (await one.list('reward-models/')).at(-1)!.key;
    expect(decodeRewardModel((await one.get(key))!, key).body.previous).toBe(4);
    expect(Buffer.compare((await one.get(key))!, (await other.get(key))!)).not.toBe(0);
  });

  it('is not used while it is no better than always saying the same', async () => {
    const store = newStore();
    // Labels that are all the same are learned without a fault, and guessed without one too.
    const result = await fit(store, await logOf(store, messages(240), () => 0.1));
    expect(result.newest).toMatchObject({ position: 6, ready: false, metrics: { accuracy: 1, majority: 1 } });
    expect(result.model).toBeNull();
  });

  it('stays with the last version that was good enough while a newer one is not', async () => {
    const store = newStore();
    const told = messages(320);
    const good = await fit(store, at(await logOf(store, told.slice(0, 160)), 4));
    expect(good.model?.position).toBe(4);
    // From now on every label contradicts the rule: held-out messages of both kinds cannot be told apart any more.
    const log = new LabelLog(store, ANNOTATOR);
    for (let from = 160; from < 320; from += CHUNK) await log.append(told.slice(from, from + CHUNK).map((one, index) => labelled(one.text, index % 2)));
    const { view } = await log.append([]);
    const result = await fit(store, { source: 'helpful', log: view.ref(), fit: spec, threshold: 0.5 });
    expect(result.model).not.toBeNull();
    for (const key of (await store.list('reward-models/')).map((one) => one.key)) {
      const { body } = decodeRewardModel((await store.get(key))!, key);
      expect(body.usable).toBe(body.ready ? body.position : body.previous === null ? null : good.model!.position);
    }
  });

  it('makes nothing before the first labels are there, and says how many it waits for', async () => {
    const store = newStore();
    const result = await fit(store, await logOf(store, messages(120)));
    expect(result).toMatchObject({ model: null, newest: null, made: 0, nextLabels: 160 });
    expect(await store.list('reward-models/')).toEqual([]);
  });
});
