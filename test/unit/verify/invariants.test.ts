/** Each way in which a run can be untrue is found, from real artefacts and a history that tells of them. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpdateBatch, UpdateResult } from '../../../proto/activities.js';
import type { UpdateRecord } from '../../../workers/learner/update-record.js';
import { encodeLabels, HUMAN, type LabelRecord } from '../../../workers/annotator/label-record.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import type { RunEvent, RunHistory } from '../../../workers/verify/history-facts.js';
import { checkInvariants } from '../../../workers/verify/invariants.js';
import { SmallRun, updaterOf } from '../../support/small-run.js';

const VERSIONS = 3;
const ANNOTATOR = 'a'.repeat(32);

let small: SmallRun;
let batches: UpdateBatch[];
let updates: UpdateResult['updates'];
let folder: string;
let copies = 0;

beforeAll(async () => {
  small = await SmallRun.prepare();
  batches = await small.collect(VERSIONS);
  const updater = updaterOf(small.store);
  updates = (await updater.update({ run: small.run, parent: 0, batches, checkpoint: 0, checkpointsAt: [] })).updates;
  await updater.close();
  folder = await mkdtemp(join(tmpdir(), 'laurel-invariants-'));
  await small.store.putIfAbsent(layout.annotator(ANNOTATOR), Buffer.from(JSON.stringify({ prompt: { goal: 'any' } })));
  await small.store.putIfAbsent(layout.label(ANNOTATOR, 0), encodeLabels(ANNOTATOR, [label('gold'), label('a wall')]));
  await small.store.putIfAbsent(layout.label(ANNOTATOR, 1), encodeLabels(ANNOTATOR, [label('a key'), { ...label('gold'), model: HUMAN }]));
});
afterAll(async () => {
  await small.close();
  await rm(folder, { recursive: true, force: true });
});

function label(text: string): LabelRecord {
  return { text: Buffer.from(text), status: 'ok', label: 0.5, reply: 'Yes', model: 'm', promptHash: 'p', tokensIn: 1, tokensOut: 1, latencyMs: 1, attempt: 1, askedAt: '2026-01-01T00:00:00.000Z' };
}

/** A call of a history: scheduled and completed. */
interface Call {
  readonly name: string;
  readonly input: unknown;
  readonly result: unknown;
}

function calls(): Call[] {
  const collected = batches.flatMap(({ segments }) => segments);
  return [
    ...collected.map((segment) => ({ name: 'collect', input: {}, result: { segments: [segment] } })),
    ...batches.map(({ segments, rewards }) => ({ name: 'score', input: { labels: {} }, result: { rewards, segments } })),
    { name: 'update', input: { parent: 0, batches }, result: { updates } },
  ];
}

function link(runId: string, told: readonly Call[], last: RunEvent): RunHistory {
  const payloads = (value: unknown) => ({ payloads: [{ data: Buffer.from(JSON.stringify(value)).toString('base64') }] });
  const events = told.flatMap(({ name, input, result }, index): RunEvent[] => [
    { eventId: `${2 * index + 2}`, activityTaskScheduledEventAttributes: { activityType: { name }, input: payloads(input) } as never },
    { eventId: `${2 * index + 3}`, activityTaskCompletedEventAttributes: { scheduledEventId: `${2 * index + 2}`, result: payloads(result) } as never },
  ]);
  return { runId, events: [{ eventId: '1', workflowExecutionStartedEventAttributes: {} }, ...events, last] };
}

const done: RunEvent = { eventId: '99', workflowExecutionCompletedEventAttributes: {} };
const continued = (newExecutionRunId: string): RunEvent => ({ eventId: '99', workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId } });
const LEDGER = { collected: 2 * VERSIONS, trained: 2 * VERSIONS, stale: 0, voided: 0, open: 0, filtered: {}, failed: {} };

interface Case {
  readonly store?: (store: LocalStore) => Promise<unknown>;
  readonly told?: (told: Call[]) => Call[];
  readonly histories?: (whole: RunHistory) => RunHistory[];
  readonly ledger?: Partial<typeof LEDGER>;
}

async function faultsOf({ store: change, told = (all) => all, histories = (whole) => [whole], ledger = {} }: Case): Promise<readonly string[]> {
  const place = join(folder, `${copies++}`);
  await cp(small.folder, place, { recursive: true });
  const store = new LocalStore(place);
  const status = { version: VERSIONS, ledger: { ...LEDGER, ...ledger }, decisions: [] };
  await store.putIfAbsent(layout.summary(small.run), Buffer.from(JSON.stringify({ outcome: 'completed', status })));
  await change?.(store);
  return (await checkInvariants({ store, run: small.run, histories: histories(link('1', told(calls()), done)), over: true })).faults;
}

const without = (name: string, count = 1) => (told: Call[]): Call[] => {
  const at = told.findIndex((call) => call.name === name);
  return [...told.slice(0, at), ...told.slice(at + count)];
};
const changed = (name: string, change: (call: Call) => Call) => (told: Call[]): Call[] => told.map((call) => (call.name === name ? change(call) : call));
async function rewrite(store: LocalStore, version: number, change: (record: UpdateRecord) => unknown): Promise<void> {
  const key = layout.update(small.run, version);
  await store.replace(key, Buffer.from(JSON.stringify(change((await readJson<UpdateRecord>(store, key))!))));
}

describe('what must hold of a run', () => {
  it('holds of one that did what its history says, also over several links', async () => {
    expect(await faultsOf({})).toEqual([]);
    expect(await faultsOf({ histories: ({ events }) => [{ runId: '1', events: [...events.slice(0, -3), continued('2')] }, { runId: '2', events: events.slice(-3) }] })).toEqual([]);
  });

  const cases: readonly (readonly [string, Case, RegExp])[] = [
    ['a flipped bit of a segment', { store: async (store) => store.replace(batches[1]!.segments[0]!.key, Buffer.from((await store.get(batches[1]!.segments[0]!.key))!).fill(1, 900, 901)) }, /an input of version 2/],
    ['rewards that are gone', { store: (store) => store.delete(batches[0]!.rewards[1]!.key) }, /an input of version 1: expected .*rewards/],
    ['a segment that is gone', { store: (store) => store.delete(batches[1]!.segments[0]!.key) }, /segment 1 of shard 0 is gone, and no sweep removed it/],
    ['a version that is gone', { store: (store) => store.delete(layout.update(small.run, 2)) }, /expected update 2, found version 3/],
    ['a segment that was trained on twice', { store: (store) => rewrite(store, 2, (record) => ({ ...record, segments: batches[0]!.segments })) }, /trained on twice, by versions 1 and 2/],
    ['data that was too old', { store: (store) => rewrite(store, 3, (record) => ({ ...record, lagMax: 99 })) }, /trained with lag 99/],
    ['a version that was made otherwise than the run was told', { store: (store) => rewrite(store, 3, (record) => ({ ...record, metrics: { ...record.metrics, entropy: 7 } })) }, /differ in the metrics of version 3/],
    ['a summary that is missing', { store: (store) => store.delete(layout.summary(small.run)) }, /wrote no summary/],
    ['a ledger that counts one more', { ledger: { trained: 2 * VERSIONS + 1 } }, /one disposition/],
    ['a ledger that lost a segment', { ledger: { collected: 2 * VERSIONS + 1, stale: 1 } }, /the history has 6/],
    ['a segment that nobody was told of', { told: without('collect') }, /expected segment 0 of shard 0 next, the history has 1/],
    ['a segment that was told of twice', { told: (told) => [told[0]!, ...told] }, /expected segment 1 of shard 0 next, the history has 0/],
    ['rewards that nobody was told of', { told: without('score') }, /which the history never scored/],
    ['versions that the run never heard of', { told: without('update') }, /the history has 0 versions, the store 3/],
    ['a version that was told of twice', { told: (told) => [...told, told.at(-1)!] }, /improved version 0 when version 3 was the newest/],
    ['a version of other inputs', { told: changed('update', (call) => ({ ...call, input: { parent: 0, batches: [batches[1], batches[0], batches[2]] } })) }, /version 1 was asked for from other inputs/],
    ['more labels than there are', { told: changed('score', (call) => ({ ...call, input: { labels: { words: { annotator: ANNOTATOR, position: 3, labels: 1 } } } })) }, /computed from 3 entries of the log a+, the store has 2/],
    ['a link of the chain that is missing', { histories: ({ events }) => [{ runId: '1', events: [...events.slice(0, -3), continued('2')] }, { runId: '3', events: events.slice(-3) }] }, /expected the run 1 to continue as 3/],
    ['a label that was given twice', { store: (store) => store.putIfAbsent(layout.label(ANNOTATOR, 2), encodeLabels(ANNOTATOR, [label('gold')])) }, /labels "gold" a second time/],
    ['a log with a gap', { store: (store) => store.delete(layout.label(ANNOTATOR, 0)) }, /labels\/a+\/0000000000\.arrow is gone/],
    ['a torn entry of a log', { store: async (store) => store.replace(layout.label(ANNOTATOR, 1), (await store.get(layout.label(ANNOTATOR, 1)))!.subarray(0, 300)) }, /labels\/a+\/0000000001\.arrow/],
  ];
  it.each(cases)('does not hold with %s', async (_name, change, expected) => {
    expect((await faultsOf(change)).join('\n')).toMatch(expected);
  });
});
