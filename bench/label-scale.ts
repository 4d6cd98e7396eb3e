/**
 * A label log of a million labels on a hundred thousand messages, in entries of 64, against one of a tenth: what it takes to
 * read it, to look up a label, to plan a backlog, to fit a reward model, and to score every message with it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FlightClientPool } from '../proto/flight/client-pool.js';
import { fitKindSchema, type TrainedFitSpec } from '../proto/reward-fits.js';
import { planBacklog } from '../workers/annotator/backlog.js';
import { encodeLabels, type LabelRecord } from '../workers/annotator/label-record.js';
import { LabelTable } from '../workers/annotator/label-table.js';
import { Fitter } from '../workers/reward/models/fitter.js';
import { RewardModelLoader } from '../workers/reward/models/model-view.js';
import { layout } from '../workers/store/layout.js';
import { LocalStore } from '../workers/store/local-store.js';
import { PeerReader } from '../workers/transport/peer-reader.js';
import type { Row } from './pipeline.js';

const MESSAGES = 100_000;
const LABELS = 1_000_000;
const ENTRY = 64;
const ANNOTATOR = 'f'.repeat(32);
const THINGS = ['newt', 'jackal', 'door', 'wall', 'dagger', 'fountain', 'gnome lord', 'scroll', 'altar', 'boulder'];

const textOf = (index: number): string => `${index % 3 === 0 ? 'You kill' : 'You see'} the ${THINGS[index % THINGS.length]} number ${index}.`;

function recordOf(index: number): LabelRecord {
  const text = textOf(index);
  return { text: Buffer.from(text, 'latin1'), label: text.startsWith('You kill') ? 0.9 : 0.1, status: 'ok', reply: 'Yes', model: 'm', promptHash: 'p', tokensIn: 300, tokensOut: 1, latencyMs: 20, attempt: 1, askedAt: '2026-01-01T00:00:00.000Z' };
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

interface Measured {
  readonly loadMs: number;
  readonly loadMiB: number;
  readonly lookupNs: number;
  readonly planMs: number;
  readonly fitMs: number;
  readonly versions: number;
  readonly versionMs: number;
  readonly scoreUs: number;
}

/** Times are of the processor: they say the same on a busy machine. */
export async function measureLabels(messages: number, labels: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-labels-'));
  try {
    for (let entry = 0; entry * ENTRY < labels; entry++) {
      const records = Array.from({ length: Math.min(ENTRY, labels - entry * ENTRY) }, (_, row) => recordOf((entry * ENTRY + row) % messages));
      const path = join(folder, layout.label(ANNOTATOR, entry));
      if (entry === 0) await mkdir(dirname(path), { recursive: true });
      await writeFile(path, encodeLabels(ANNOTATOR, records));
    }
    const store = new LocalStore(folder);
    const timed = async <T>(work: () => T | Promise<T>): Promise<[T, number]> => {
      const begun = cpuMs();
      const result = await work();
      return [result, cpuMs() - begun];
    };
    const before = process.memoryUsage().rss;
    const table = new LabelTable(store, ANNOTATOR);
    const [view, loadMs] = await timed(() => table.head());
    const loadMiB = (process.memoryUsage().rss - before) / 2 ** 20;
    const texts = Array.from({ length: messages }, (_, index) => textOf(index));
    const [, lookupMs] = await timed(() => texts.forEach((text) => view.get(text)));
    const [, planMs] = await timed(() => planBacklog(texts, view, new Set(), { pendingMax: 10_000, attemptsMax: 2 }));
    const fit = fitKindSchema.parse({ kind: 'classification' }) as TrainedFitSpec;
    const fitter = new Fitter({ store, endpoints: [] });
    const [result, fitMs] = await timed(() => fitter.fit({ source: 'bench', log: view.ref(), fit, threshold: 0.5 }));
    if (result.model === null) throw new Error(`expected a model that is good enough, got ${JSON.stringify(result.newest)}`);
    const model = await new RewardModelLoader(new PeerReader({ store, clients: new FlightClientPool() })).load(result.model);
    const [, scoreMs] = await timed(() => model.view(texts));
    return { loadMs, loadMiB, lookupNs: (1e6 * lookupMs) / messages, planMs, fitMs, versions: result.made, versionMs: fitMs / result.made, scoreUs: (1e3 * scoreMs) / messages };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function benchLabels(): Promise<Row[]> {
  const small = await measureLabels(MESSAGES / 10, LABELS / 10);
  const large = await measureLabels(MESSAGES, LABELS);
  const row = (what: string, unit: string, pick: (one: Measured) => number): Row => ({ what: `${what}: 1,000,000 labels on 100,000 messages against a tenth`, unit, ours: pick(large), reference: pick(small), ratio: pick(large) / pick(small) });
  return [
    row('label log, read from cold', 's', ({ loadMs }) => loadMs / 1000),
    row('label log, memory of the process', 'MiB', ({ loadMiB }) => loadMiB),
    row('look-up of a label', 'ns', ({ lookupNs }) => lookupNs),
    row('backlog of all messages', 'ms', ({ planMs }) => planMs),
    row('versions of a classifier', 'number', ({ versions }) => versions),
    row('one version of it, mean', 'ms', ({ versionMs }) => versionMs),
    row('all versions of it, from cold', 's', ({ fitMs }) => fitMs / 1000),
    row('score of a message that is new to the process', 'us', ({ scoreUs }) => scoreUs),
  ];
}
