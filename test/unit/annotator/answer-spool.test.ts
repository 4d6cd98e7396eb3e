/** Answers that a killed process had been given and had not logged. */
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AnswerSpool } from '../../../workers/annotator/answer-spool.js';
import type { LabelRecord } from '../../../workers/annotator/label-record.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { chatReply, judgeServer, type JudgeServer } from './judge-server.js';
import { annotatorSpec, Bench, bytes, segment, temporaryStore } from './support.js';

let store: LocalStore;
let spool: string;
let server: JudgeServer;
let dispose: () => Promise<void>;
const benches: Bench[] = [];
beforeEach(async () => {
  const made = await temporaryStore();
  [store, dispose, spool] = [made.store, made.dispose, join(made.root, 'spool')];
  server = await judgeServer(({ message }) => chatReply(message.length > 1 ? { Yes: 0.9, No: 0.1 } : { Yes: 0.2, No: 0.8 }));
});
afterEach(async () => {
  await Promise.all(benches.splice(0).map((one) => one.annotator.close()));
  await server.close();
  await dispose();
});

function bench(chunk = { labelsMax: 64, waitMs: 20 }): Bench {
  const one = new Bench(store, annotatorSpec({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }), chunk, spool);
  benches.push(one);
  return one;
}

/** The number of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

function record(text: string, label: number): LabelRecord {
  return { text: bytes(text), status: 'ok', label, reply: 'Yes', model: 'm', promptHash: 'h', tokensIn: 7, tokensOut: 1, latencyMs: 3, attempt: 1, askedAt: '2026-01-01T00:00:00.000Z' };
}

/** What a process leaves that is killed after these answers, cut in the middle of the last line. */
async function leave(annotator: string, records: readonly LabelRecord[], cut = ''): Promise<void> {
  await mkdir(spool, { recursive: true });
  const lines = records.map((one) => `${JSON.stringify({ ...one, text: Buffer.from(one.text).toString('base64') })}\n`).join('');
  await writeFile(join(spool, `${annotator}.${deadPid()}.00000000.jsonl`), lines + cut);
}

it('are logged by the next process and not asked again; a line that was cut is asked', async () => {
  const one = bench();
  const { annotator } = await one.annotator.openAnnotator({ annotator: one.spec });
  await leave(annotator, [record('kept', 0.75)], '{"text":"Y3V0","stat');
  const ref = await segment(store, 's', [['kept', 'cut', 'new']]);
  expect(await one.annotate([ref])).toMatchObject({ known: 1, waiting: 0, log: { labels: 3 } });
  expect(server.requests.map(({ message }) => message).sort()).toEqual(['cut', 'new']);
  expect((await one.logged()).find(({ text }) => text === 'kept')!.label).toBe(0.75);
  await one.annotator.close();
  expect(await readdir(spool)).toEqual([]);
});

it('take their place in a drain, so that the log is that of a run that was not killed', async () => {
  const texts = Array.from({ length: 40 }, (_, index) => `m${index}`);
  const quiet = bench();
  await quiet.annotate([await segment(store, 's', [texts])], true);
  const expected = await quiet.logged();
  server.requests.length = 0;

  const other = await temporaryStore();
  try {
    const one = new Bench(other.store, quiet.spec, undefined, spool);
    benches.push(one);
    const { annotator } = await one.annotator.openAnnotator({ annotator: one.spec });
    await leave(annotator, [record('m39', 0.9), record('m20', 0.9), record('m2', 0.9)]);
    await one.annotate([await segment(other.store, 's', [texts])], true);
    expect((await one.logged()).map(({ text, entry }) => [text, entry])).toEqual(expected.map(({ text, entry }) => [text, entry]));
    expect(server.requests).toHaveLength(37);
    await one.annotator.close();
  } finally {
    await other.dispose();
  }
});

it('that are in the log already are forgotten', async () => {
  const one = bench();
  const ref = await segment(store, 's', [['a', 'b']]);
  const { log } = await one.annotate([ref]);
  await leave(log.annotator, [record('a', 0.6)]);
  expect(await one.annotate([ref])).toMatchObject({ made: 0, known: 2, log: { position: log.position, labels: 2 } });
  expect(await readdir(spool)).toHaveLength(1); // Its own, empty.
  expect((await one.logged()).filter(({ text }) => text === 'a')).toHaveLength(1);
});

it('are in the file from the moment they came until they are in the log, and a living process keeps its own', async () => {
  const mine = new AnswerSpool(spool, 'x');
  mine.add(record('a', 0.5));
  mine.add({ ...record('b', 0.5), status: 'unparsable', label: null });
  const other = new AnswerSpool(spool, 'x');
  expect(await other.orphans()).toEqual([]);
  mine.close();
  // Left behind by a process that could not write it: whoever comes next takes it.
  const [left] = await readdir(spool);
  await appendFile(join(spool, left!), 'torn');
  expect((await other.orphans()).map(({ text }) => Buffer.from(text).toString())).toEqual(['a']);
  expect(await other.orphans()).toEqual([]);
  other.written(['a']);
  expect(await readdir(spool)).toEqual([]);
  other.close();
});
