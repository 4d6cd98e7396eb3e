/** The judge is gone for a while: training goes on with what is known, and nothing is made up. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Table } from 'apache-arrow';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge, questionOf } from '../../infra/chaos/fault-judge.js';
import { binaryColumn, readTables } from '../../proto/flight/tables.js';
import { annotatorSchema } from '../../proto/judges.js';
import type { JobInput } from '../../proto/job.js';
import { SEGMENT_COLUMNS } from '../../proto/schemas.js';
import { decodeRecords, textKey, textOfKey } from '../../workers/annotator/label-record.js';
import { promptOf } from '../../workers/annotator/prompts/registry.js';
import { componentOf, decodeRewards } from '../../workers/reward/reward-record.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import type { UpdateRecord } from '../../workers/learner/update-record.js';
import { DisturbedRun } from './disturbed-run.js';

const OUTAGE_MS = 18_000;
/** The end of the outage: messages seen since then are the newest. Longer than a call and its tries may take. */
const RECENT_MS = 8_000;
const PENDING_MAX = 24;
const ANNOTATOR = { goal: 'gain levels', callMs: 1_000, pendingMax: PENDING_MAX } as const;

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

/** NetHack never runs out of messages. */
function job(baseUrl: string): JobInput {
  return {
    name: 'judged',
    environment: { kind: 'nethack', episodeStepsMax: 300 },
    policy: { preset: 'tiny' },
    sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { ...ANNOTATOR, judge: { kind: 'openai', baseUrl, model: 'm', concurrency: 2 } } } },
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 32 },
    schedule: { collectMs: 500 },
    evaluate: { episodes: 0 },
    stop: { runMs: 3_600_000 },
    seed: 5,
  };
}

describe.runIf(process.platform === 'linux')('a judge that is gone for a while', () => {
  it('stops no training, leaves no invented number, and is asked about the newest messages first when it is back', async () => {
    const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [50, 150] });
    const run = await DisturbedRun.make(judge, job);
    runs.push(run);
    run.startCli();
    const store = new LocalStore(run.project.store);
    const answered = () => judge.journal.filter((entry) => entry.outcome === 'answered');
    await run.until('the first labels in rewards', () => run.progress.version >= 20 && answered().length >= 40, 120_000);

    await judge.stop();
    const versionBefore = run.progress.version;
    // The wait has a name.
    await run.until('a wait that says why', async () => (await run.status()).waits.some((text) => /annotator helpful waits.*LAUREL_JUDGE_UNAVAILABLE/.test(text)));
    await wait(OUTAGE_MS - RECENT_MS);
    const recent = await newestSegments(store);
    await wait(RECENT_MS);
    const status = await run.status();
    expect(status.attention).toEqual([]);
    expect(run.progress.version).toBeGreaterThan(versionBefore + 20);
    const asked = judge.journal.length;
    await judge.start();
    await run.until('answers again', () => answered().filter((entry) => judge.journal.indexOf(entry) >= asked).length >= 60);
    const { annotations } = await run.status();
    // What waits is bounded, whatever was seen meanwhile.
    expect(annotations[0]!.waiting).toBeLessThanOrEqual(PENDING_MAX);
    expect(annotations[0]!.dropped).toBeGreaterThan(0);
    const firstAsked = judge.journal.slice(asked, asked + 6).map((entry) => entry.question);
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);

    // Newest first: seen in the last moments of the outage or later.
    const prompt = promptOf(annotatorSchema.parse({ ...ANNOTATOR, judge: { kind: 'openai', baseUrl: judge.baseUrl, model: 'm' } }));
    const fresh = new Set<string>();
    for (const [key, texts] of await textsOf(store)) {
      const [, shard, seq] = /segments\/(\d+)\/(\d+)/.exec(key)!;
      if (Number(seq) > recent.get(Number(shard))!) for (const text of texts) if (text !== '') fresh.add(questionOf(prompt.chat(textOfKey(text))));
    }
    expect(firstAsked.filter((question) => !fresh.has(question))).toEqual([]);

    const { masked, known } = await recomputed(store);
    expect(known).toBeGreaterThan(1_000);
    expect(masked).toBeGreaterThan(1_000);
  }, 240_000);
});

/** Number of the newest segment of each shard. */
async function newestSegments(store: LocalStore): Promise<Map<number, number>> {
  const newest = new Map<number, number>();
  for (const { key } of await store.list(layout.segments('judged'))) {
    const [, shard, seq] = /segments\/(\d+)\/(\d+)/.exec(key)!.map(Number);
    newest.set(shard!, Math.max(newest.get(shard!) ?? 0, seq!));
  }
  return newest;
}

/** Messages of each segment, one for each transition; '' where nothing was said. */
async function textsOf(store: LocalStore): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { key } of await store.list(layout.segments('judged'))) {
    const [table] = readTables((await store.get(key))!) as [Table];
    found.set(key, [...binaryColumn(table, SEGMENT_COLUMNS.text)].map(textKey));
  }
  return found;
}

/** Recomputes from the label log, in its own words, what each trained transition was paid by the judge. */
async function recomputed(store: LocalStore): Promise<{ masked: number; known: number }> {
  const texts = await textsOf(store);
  const logs = new Map<string, Map<string, number>[]>();
  let masked = 0;
  let known = 0;
  for (const update of await store.list(layout.updates('judged'))) {
    const record = (await readJson<UpdateRecord>(store, update.key))!;
    for (const { key } of record.rewards) {
      const rewards = decodeRewards((await store.get(key))!);
      const { annotator, position } = rewards.body.labels['helpful']!;
      const entries = logs.get(annotator) ?? (await readLog(store, annotator));
      logs.set(annotator, entries);
      const labels = new Map(entries.slice(0, position).flatMap((entry) => [...entry]));
      const { value, mask } = componentOf(rewards, 'helpful');
      const said = texts.get(rewards.body.segment.key)!;
      const expected = said.map((text) => (text.trim() === '' ? 0 : labels.get(text)));
      expect([...mask]).toEqual(expected.map((label) => (label === undefined ? 0 : 1)));
      expect([...value]).toEqual(expected.map((label) => (label !== undefined && label > 0.5 ? 1 : 0)));
      masked += mask.filter((one) => one === 0).length;
      known += said.filter((text, unit) => text.trim() !== '' && mask[unit] === 1).length;
    }
  }
  return { masked, known };
}

async function readLog(store: LocalStore, annotator: string): Promise<Map<string, number>[]> {
  const entries: Map<string, number>[] = [];
  for (const { key } of await store.list(layout.labels(annotator))) {
    const records = decodeRecords((await store.get(key))!, key, annotator).filter((one) => one.status === 'ok');
    entries.push(new Map(records.map((one) => [textKey(one.text), one.label!])));
  }
  return entries;
}
