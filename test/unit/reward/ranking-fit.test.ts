import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FitInput } from '../../../proto/activities.js';
import { CounterRandom } from '../../../proto/philox.js';
import { fitKindSchema, type TrainedFitSpec } from '../../../proto/reward-fits.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { pairOfKey, pairText } from '../../../workers/annotator/pair.js';
import { Fitter } from '../../../workers/reward/models/fitter.js';
import { RewardModelLoader } from '../../../workers/reward/models/model-view.js';
import { rankingValue } from '../../../workers/reward/models/ranking.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { readerOf } from '../../support/small-run.js';
import { labelled, messages, type Told } from './messages.js';

const ANNOTATOR = 'd'.repeat(32);
const SPEC = fitKindSchema.parse({ kind: 'ranking', labelsMin: 200, labelsEvery: 100, stepsMax: 60, batch: 16, channels: 24 }) as TrainedFitSpec;

describe('fit ranking', () => {
  let folder: string;
  let stores = 0;
  const newStore = (): LocalStore => new LocalStore(join(folder, String(stores++)));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-rank-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** Pairs of drawn messages, the helpful one preferred; two of a kind are a tie. */
  async function logOf(store: LocalStore, told: readonly Told[], pairs: number): Promise<FitInput> {
    const random = new CounterRandom(4, 'test');
    const log = new LabelLog(store, ANNOTATOR);
    const helpful = new Map(told.map((one) => [one.text, one.helpful]));
    const keys = new Set<string>();
    for (let draw = 0; keys.size < pairs; draw++) {
      const [a, b] = [...random.at(draw)].map((word) => told[word % told.length]!.text);
      if (a !== b) keys.add(Buffer.from(pairText(Buffer.from(a!, 'latin1'), Buffer.from(b!, 'latin1'))).toString('latin1'));
    }
    const records = [...keys].map((key) => {
      const { first, second } = pairOfKey(key);
      const [one, other] = [helpful.get(first), helpful.get(second)];
      const choice = one === other ? ('tie' as const) : one ? ('first' as const) : ('second' as const);
      return { ...labelled(key, { first: 0.9, second: 0.1, tie: 0.5 }[choice]), mode: 'pairwise' as const, choice };
    });
    for (let at = 0; at < records.length; at += 50) await log.append(records.slice(at, at + 50));
    return { source: 'helpful', log: (await log.table.head()).ref(), fit: SPEC, threshold: 0.5 };
  }

  it('learns an order from comparisons, and says standardised scores with the threshold applied', async () => {
    const store = newStore();
    const told = messages(260, 2);
    const input = await logOf(store, told.slice(0, 160), 300);
    const result = await new Fitter({ store, endpoints: [] }).fit(input);
    expect(result.made).toBe(2);
    expect(result.model).not.toBeNull();
    const view = await (await new RewardModelLoader(readerOf(store)).load(result.model!)).view(told.map(({ text }) => text));
    const head = view.body.head;
    if (head.kind !== 'ranking') throw new Error('expected a ranking');
    // The moments count the messages of both versions, and the values are (score - mean) / deviation above -.5, else 0.
    const deviation = Math.sqrt(head.moments.squares / (head.moments.count - 1));
    expect(head.threshold).toBe(-0.5);
    const values = told.map(({ text }) => rankingValue(view.body, view.score(text)));
    told.forEach(({ text }, index) => {
      const z = (view.score(text) - head.moments.mean) / deviation;
      expect(values[index]!.value).toBeCloseTo(z > -0.5 ? z : 0, 5);
      expect(values[index]!.version).toBe(view.body.position);
    });
    // Messages that no pair held: a helpful one is above an unhelpful one nearly always.
    const unseen = told.slice(160).map(({ text, helpful }) => ({ score: view.score(text), helpful }));
    const pairs = unseen.filter((one) => one.helpful).flatMap((good) => unseen.filter((one) => !one.helpful).map((bad) => good.score > bad.score));
    expect(pairs.filter(Boolean).length / pairs.length).toBeGreaterThan(0.9);
  });

  it('trains an offline model once, from the first labels alone, whatever is labelled later', async () => {
    const [one, other] = [newStore(), newStore()];
    const told = messages(160, 2);
    const fit = fitKindSchema.parse({ kind: 'offline', labels: 200, stepsMax: 30, batch: 16, channels: 24 }) as TrainedFitSpec;
    const short = await new Fitter({ store: one, endpoints: [] }).fit({ ...(await logOf(one, told, 200)), fit });
    const long = await new Fitter({ store: other, endpoints: [] }).fit({ ...(await logOf(other, told, 300)), fit });
    expect(short).toMatchObject({ made: 1, nextLabels: null, newest: { position: 4 } });
    expect(long).toMatchObject({ made: 1, nextLabels: null, newest: { position: 4 } });
    const key = (await one.list('reward-models/'))[0]!.key;
    expect(Buffer.compare((await one.get(key))!, (await other.get(key))!)).toBe(0);
  });
});
