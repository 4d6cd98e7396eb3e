import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FlightClientPool } from '../../../proto/flight/client-pool.js';
import type { EvaluationRef } from '../../../proto/references.js';
import { resolveModelJob } from '../../../proto/resolve.js';
import { CHANGES, decodeDataset, encodeDataset, pairsOf } from '../../../workers/preference/dataset.js';
import { executePlan } from '../../../workers/preference/execute-plan.js';
import { ModelRunner } from '../../../workers/preference/model-runner.js';
import { verifyModelRun } from '../../../workers/preference/model-verifier.js';
import { makeTables } from '../../../workers/preference/workloads/registry.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { PeerReader } from '../../../workers/transport/peer-reader.js';
import { digestsIn } from '../../support/digests.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function runJob(input: unknown): Promise<{ store: LocalStore; folder: string; evaluations: readonly EvaluationRef[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-models-'));
  folders.push(folder);
  const store = new LocalStore(folder);
  const reader = new PeerReader({ store, clients: new FlightClientPool() });
  return { store, folder, evaluations: await executePlan(new ModelRunner({ store, reader, endpoints: [] }), 'r', resolveModelJob(input)) };
}

/** One of every kind of fit that users' comparisons serve, and a curated table between two of them. */
const USERS = {
  name: 'users',
  data: { kind: 'users', features: 4, users: 6, newUsers: 4, pairs: 200, testPairs: 100, contextPairs: 4, noise: 0.2 },
  curate: {
    dropped: { op: 'strength', from: 'train', by: ['one', 'two'], action: 'drop' },
    flipped: { op: 'strength', from: 'train', by: ['one', 'two'], action: 'flip', lowest: 0.1 },
  },
  sources: {
    one: { kind: 'model', fit: { kind: 'bradley-terry', on: 'train', steps: 24, resample: true } },
    two: { kind: 'model', fit: { kind: 'bradley-terry', on: 'train', steps: 24, hidden: [8] } },
    clean: { kind: 'model', fit: { kind: 'bradley-terry', on: 'dropped', steps: 24, ties: 5 } },
    mix: { kind: 'model', fit: { kind: 'mixture', on: 'train', steps: 24 } },
    latent: { kind: 'model', fit: { kind: 'variational', on: 'train', steps: 24, batch: 8, contextPairs: 4 } },
    point: { kind: 'model', fit: { kind: 'ideal-point', on: 'train', steps: 24 } },
    hedged: { kind: 'adapted', of: 'mix', context: 'context', pairs: 4, chosen: 'active' },
    inferred: { kind: 'adapted', of: 'latent', context: 'context', pairs: 4 },
    near: { kind: 'adapted', of: 'point', context: 'context', pairs: 4 },
  },
  evaluate: Object.fromEntries(['clean', 'hedged', 'inferred', 'near'].map((of) => [of, { kind: 'preference-accuracy', of, on: 'test' }])),
  seed: 3,
};

describe('a run without rollouts', () => {
  it('gives the same models whether it is fitted in one call or in many, and is made again to the last byte', async () => {
    const whole = await runJob(USERS);
    const pieces = await runJob({ ...USERS, schedule: { stepsPerCall: 7 } });
    const models = async (store: LocalStore): Promise<Record<string, string>> => digestsIn(store, 'runs/r/', /^runs\/r\/(tables|models|evaluations)\//);
    expect(await models(pieces.store)).toEqual(await models(whole.store));
    const report = await verifyModelRun(pieces.store, 'r');
    expect(report.differences).toEqual([]);
    expect(report.same).toBeGreaterThan(30);
  });

  it('is caught where one of its objects was changed', async () => {
    const { store, folder } = await runJob({ ...USERS, curate: {}, sources: { one: USERS.sources.one }, evaluate: { one: { kind: 'preference-accuracy', of: 'one', on: 'test' } } });
    const key = layout.evaluation('r', 0, 'one');
    await writeFile(join(folder, key), '{"means":{"accuracy":{"mean":1,"halfWidth":0}}}\n');
    expect((await verifyModelRun(store, 'r')).differences).toEqual([`${key} is another when it is made again`]);
  });

  it('says of every curated pair where it came from and what was done to it', async () => {
    const { store } = await runJob({ ...USERS, evaluate: {} });
    const read = async (name: string) => pairsOf(decodeDataset((await store.get(layout.table('r', name)))!), 'the test');
    const [train, dropped, flipped] = [await read('train'), await read('dropped'), await read('flipped')];
    expect(dropped.count).toBeLessThan(train.count);
    for (let pair = 0; pair < dropped.count; pair++) {
      const origin = dropped.columns['origin']![pair] as number;
      expect([dropped.first[pair], dropped.label[pair]]).toEqual([train.first[origin], train.label[origin]]);
      expect(dropped.columns['strength']![pair]).toBeGreaterThanOrEqual(0);
    }
    const turned = Array.from(flipped.columns['change']!).filter((change) => change === CHANGES.flipped).length;
    expect([flipped.count, turned]).toEqual([train.count, Math.round(0.1 * train.count)]);
    for (let pair = 0; pair < flipped.count; pair++) expect(flipped.label[pair]).toBe(flipped.columns['change']![pair] === CHANGES.flipped ? 1 - (train.label[pair] as number) : train.label[pair]);
  });
});

describe('a table', () => {
  it('is the same after it was written and read, and the same seed makes the same bytes', () => {
    for (const data of [{ kind: 'users' }, { kind: 'attributes' }, { kind: 'bandit', attributes: 1, prompts: 3 }, { kind: 'lists' }, { kind: 'policies' }, { kind: 'comparisons' }, { kind: 'traces' }, { kind: 'expert', episodes: 5 }, { kind: 'behaviours', triplets: 100 }, { kind: 'attributes', ratedAttributes: 2, verbosity: 1 }]) {
      const spec = resolveModelJob({ name: 'x', data }).data;
      for (const [name, table] of Object.entries(makeTables(spec, 5))) {
        const bytes = encodeDataset(table);
        expect(decodeDataset(bytes), `${data.kind} ${name}`).toEqual(table);
        expect(Buffer.compare(encodeDataset(makeTables(spec, 5)[name]!), bytes)).toBe(0);
        expect(Buffer.compare(encodeDataset(makeTables(spec, 6)[name]!), bytes) === 0, `${data.kind} ${name}`).toBe(false);
      }
    }
  });
});
