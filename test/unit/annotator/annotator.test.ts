import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LaurelError } from '../../../proto/errors.js';
import { distinctNewestFirst, planBacklog, SegmentMessages } from '../../../workers/annotator/backlog.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { chatReply, judgeServer } from './judge-server.js';
import type { JudgeServer } from './judge-server.js';
import { annotatorSpec, Bench, bytes, segment, temporaryStore } from './support.js';

let store: LocalStore;
let dispose: () => Promise<void>;
const benches: Bench[] = [];
const servers: JudgeServer[] = [];

beforeEach(async () => {
  ({ store, dispose } = await temporaryStore());
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await Promise.all(benches.splice(0).map((bench) => bench.annotator.close()));
  await dispose();
});

const KILLS = { kind: 'scripted', rules: [{ pattern: 'kill', probability: 0.9 }], otherwise: 0.1 };
function bench(judge: Record<string, unknown> = KILLS, change: Record<string, unknown> = {}, on: ObjectStore = store): Bench {
  const made = new Bench(on, annotatorSpec(judge, change));
  benches.push(made);
  return made;
}
async function serve(...[reply]: Parameters<typeof judgeServer>): Promise<JudgeServer> {
  const server = await judgeServer(reply);
  servers.push(server);
  return server;
}
const yes = chatReply({ Yes: 0.75, No: 0.25 });

describe('the backlog', () => {
  it('holds each message once, the latest step of all environments first, and no blank one', () => {
    const texts = ['a', 'b', '', 'c', 'a', ' \n'].map(bytes);
    expect(distinctNewestFirst(texts, 2, 3)).toEqual(['b', 'a', 'c']);
  });

  it('goes through segments from the newest to the oldest', async () => {
    const one = await segment(store, 'one', [['old', 'both']]);
    const two = await segment(store, 'two', [['both', 'new']]);
    const lone = bench();
    await lone.annotate([one, two]);
    expect((await lone.logged()).map((label) => label.text)).toEqual(['new', 'both', 'old']);
  });

  it('reads a segment once while it is remembered, and forgets the oldest beyond its bound', async () => {
    const refs = [await segment(store, 'one', [['a', 'b']]), await segment(store, 'two', [['c', 'd']])];
    const read: string[] = [];
    const reader = new Bench(store, annotatorSpec(KILLS)).annotator['options'].reader;
    const counting = { read: reader.read.bind(reader), columns: (...input: Parameters<typeof reader.columns>) => (read.push(input[0].key), reader.columns(...input)) };
    const remembering = new SegmentMessages(counting, 100);
    await remembering.newestFirst(refs, 'raw');
    expect(await remembering.newestFirst(refs, 'raw')).toEqual(['d', 'c', 'b', 'a']);
    expect(read.length).toBe(2);
    const forgetful = new SegmentMessages(counting, 2);
    await forgetful.newestFirst(refs, 'raw');
    await forgetful.newestFirst(refs, 'raw');
    expect(read.length).toBeGreaterThan(4);
  });

  it('keeps what is labelled, in flight, exhausted and beyond its bound apart', () => {
    const view = { get: (key: string | Uint8Array) => (key === 'known' ? { probability: 1, entry: 0, human: false } : undefined), failedAttempts: (key: string | Uint8Array) => (key === 'tired' ? 2 : 1) };
    const plan = planBacklog(['a', 'known', 'flying', 'tired', 'b', 'c'], view, new Set(['flying']), { pendingMax: 2, attemptsMax: 2 });
    expect(plan).toEqual({ ask: ['a', 'b'], known: 1, inFlight: 1, exhausted: 1, dropped: 1 });
  });
});

describe('the annotator', () => {
  it('labels every distinct message once, and tells what it did', async () => {
    const one = bench();
    const ref = await segment(store, 's', [['You kill it!', 'a wall', ''], ['a wall', 'You kill it!', 'a door']]);
    const result = await one.annotate([ref]);
    expect(result).toMatchObject({ made: 3, known: 0, waiting: 0, dropped: 0, unparsable: 0, failed: 0, log: { labels: 3 } });
    expect(Object.fromEntries((await one.logged()).map(({ text, label }) => [text, Number(label?.toFixed(4))]))).toEqual({ 'You kill it!': 0.9, 'a wall': 0.1, 'a door': 0.1 });
    expect(await one.annotate([ref])).toMatchObject({ made: 0, known: 3, waiting: 0, log: result.log });
    expect(one.progress.at(-1)).toMatchObject({ waiting: 0 });
  });

  it('asks nothing and writes nothing where there is nothing to ask', async () => {
    const server = await serve(() => yes);
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' });
    expect(await one.annotate([])).toMatchObject({ made: 0, waiting: 0, log: { position: 0, labels: 0 } });
    expect(await one.annotate([await segment(store, 's', [['', ' ']])], true)).toMatchObject({ made: 0, waiting: 0 });
    expect(server.requests.length).toBe(0);
  });

  it('stops when its time is over, having logged the answers so far, and goes on with what is left', async () => {
    const one = bench({ ...KILLS, delayMs: 30 }, { callMs: 100 });
    const ref = await segment(store, 's', [Array.from({ length: 40 }, (_, index) => `m${index}`)]);
    const first = await one.annotate([ref]);
    expect(first.made).toBeGreaterThan(0);
    expect(first.waiting).toBeGreaterThan(0);
    expect(first.log.labels).toBe(first.made);
    let made = first.made;
    for (let waiting = first.waiting; waiting > 0; ) {
      const next = await one.annotate([ref]);
      made += next.made;
      waiting = next.waiting;
    }
    expect(made).toBe(40);
    expect((await one.logged()).length).toBe(40);
  });

  it('logs an answer that comes after the call, and does not ask for it again', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const server = await serve(async ({ message }) => {
      if (message === 'slow') await held;
      return yes;
    });
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }, { callMs: 1_000 });
    const ref = await segment(store, 's', [['slow', 'a', 'b']]);
    expect(await one.annotate([ref])).toMatchObject({ made: 2, waiting: 1 });
    expect(await one.annotate([ref])).toMatchObject({ made: 0, known: 2, waiting: 1 });
    letGo();
    await expect.poll(async () => (await one.logged()).length).toBe(3);
    expect(await one.annotate([ref])).toMatchObject({ made: 1, known: 3, waiting: 0 });
    expect(server.requests.length).toBe(3);
  });

  it('ends a call only with all answers once it stops asking, so that another worker does not ask again', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const server = await serve(async () => held.then(() => yes));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 2 }, { callMs: 2_000 });
    const ref = await segment(store, 's', [['a', 'b', 'c', 'd']]);
    const call = one.annotate([ref]);
    await expect.poll(() => server.requests.length).toBe(2);
    one.annotator.stopAsking();
    // Longer than the call may ask: it waits for what is in flight.
    setTimeout(letGo, 2_300);
    expect(await call).toMatchObject({ made: 2, waiting: 2, log: { labels: 2 } });
    expect(server.requests.map(({ message }) => message)).toEqual(['d', 'c']);
    // A drain is handed over at once, with nothing in flight.
    await expect(one.annotate([ref], true)).rejects.toMatchObject({ code: 'LAUREL_WORKER_FAILED', retryable: true });
    const other = bench(one.spec.judge, { callMs: 5_000 });
    expect(await other.annotate([ref], true)).toMatchObject({ made: 2, known: 2 });
    expect(server.requests.map(({ message }) => message)).toEqual(['d', 'c', 'b', 'a']);
  });

  it('drains: asks on until nothing waits, in entries that do not depend on timing', async () => {
    const texts = Array.from({ length: 70 }, (_, index) => `m${index}`);
    const ref = await segment(store, 's', [texts]);
    const one = bench(KILLS, { callMs: 100, pendingMax: 5 });
    expect(await one.annotate([ref], true)).toMatchObject({ made: 70, waiting: 0, dropped: 0, log: { position: 3, labels: 70 } });
    const logged = await one.logged();
    expect(logged.map((label) => label.text)).toEqual([...texts].reverse());
    expect([0, 1, 2].map((entry) => logged.filter((label) => label.entry === entry).length)).toEqual([32, 32, 6]);
  });

  it('asks nothing that another run was told between the plan of a round and the turn of the message', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const server = await serve(async ({ message }) => (message === 'slow' ? held.then(() => yes) : yes));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1 });
    const [planned, other] = [await segment(store, 'one', [['shared', 'slow']]), await segment(store, 'two', [['shared']])];
    const first = one.annotate([planned], true);
    await expect.poll(() => server.requests.map(({ message }) => message)).toEqual(['slow']);
    expect(await one.annotate([other], true)).toMatchObject({ waiting: 0, log: { labels: 1 } });
    letGo();
    expect(await first).toMatchObject({ waiting: 0, log: { labels: 2 } });
    expect(server.requests.map(({ message }) => message)).toEqual(['slow', 'shared']);
  });

  it('bounds what waits, newest first, and counts what it gives up for now', async () => {
    const one = bench(KILLS, { pendingMax: 3 });
    const ref = await segment(store, 's', [['a', 'b', 'c', 'd', 'e']]);
    expect(await one.annotate([ref])).toMatchObject({ made: 3, dropped: 2, waiting: 0 });
    expect((await one.logged()).map((label) => label.text)).toEqual(['e', 'd', 'c']);
    expect(await one.annotate([ref])).toMatchObject({ made: 2, known: 3, dropped: 0, waiting: 0 });
  });

  it('never makes a verdict of a garbled reply, and stops asking after the attempts allowed', async () => {
    const server = await serve(({ message }) => (message === 'odd' ? chatReply({ The: 0.99, Yes: 0.01 }) : yes));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }, { attemptsMax: 2 });
    const ref = await segment(store, 's', [['odd', 'plain']]);
    expect(await one.annotate([ref])).toMatchObject({ made: 1, unparsable: 1, waiting: 1, log: { labels: 1 } });
    expect(await one.annotate([ref])).toMatchObject({ made: 0, unparsable: 1, waiting: 0, log: { labels: 1 } });
    expect(await one.annotate([ref])).toMatchObject({ made: 0, unparsable: 0, waiting: 0, known: 1 });
    expect(server.requests.filter(({ message }) => message === 'odd').length).toBe(2);
    expect((await one.logged()).filter(({ text }) => text === 'odd').map(({ status, label }) => [status, label])).toEqual([['unparsable', null], ['unparsable', null]]);
  });

  it('drains past messages that fail, with as many attempts as allowed', async () => {
    const server = await serve(({ message }) => (message === 'too long' ? { status: 400, body: { error: 'too long' } } : yes));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }, { attemptsMax: 3 });
    expect(await one.annotate([await segment(store, 's', [['too long', 'plain']])], true)).toMatchObject({ made: 1, failed: 3, waiting: 0 });
  });

  it('throws where the judge is down and nothing was labelled, and blames no message', async () => {
    const server = await judgeServer(() => yes);
    await server.close();
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' });
    const ref = await segment(store, 's', [['a', 'b', 'c']]);
    await expect(one.annotate([ref])).rejects.toMatchObject({ code: 'LAUREL_JUDGE_UNAVAILABLE', retryable: true });
    await expect(one.annotate([ref], true)).rejects.toMatchObject({ code: 'LAUREL_JUDGE_UNAVAILABLE' });
    expect(await one.logged()).toEqual([]);
  });

  it('throws too where the call ends while the judge is still being tried', async () => {
    const server = await serve(() => ({ status: 429, headers: { 'retry-after': '20' }, body: 'later' }));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }, { callMs: 200 });
    await expect(one.annotate([await segment(store, 's', [['a']])])).rejects.toMatchObject({ code: 'LAUREL_JUDGE_UNAVAILABLE', message: expect.stringContaining('429') as string });
    // What waits 20 s for its next try is given up when the worker stops.
    await one.annotator.close();
  });

  it('counts an outage instead where something was labelled, and stops asking', async () => {
    let answers = 2;
    const server = await serve(() => (answers-- > 0 ? yes : { status: 503, headers: { 'retry-after': '0' }, body: 'busy' }));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1 });
    const texts = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const ref = await segment(store, 's', [texts]);
    expect(await one.annotate([ref])).toMatchObject({ made: 2, failed: 1, waiting: 18 });
    expect(server.requests.length).toBeLessThan(10);
    answers = 100;
    expect(await one.annotate([ref])).toMatchObject({ made: 18, failed: 0, waiting: 0 });
  });

  it('keeps what was labelled before the judge refuses', async () => {
    let answers = 2;
    const server = await serve(() => (answers-- > 0 ? yes : { status: 401, body: 'key expired' }));
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1 });
    const ref = await segment(store, 's', [['a', 'b', 'c', 'd']]);
    await expect(one.annotate([ref])).rejects.toMatchObject({ code: 'LAUREL_JUDGE_REFUSED', retryable: false });
    await expect.poll(async () => (await one.logged()).length).toBe(2);
  });

  it('asks again only for what a killed worker had not logged', async () => {
    const server = await serve(() => yes);
    const judge = { kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1 };
    const ref = await segment(store, 's', [Array.from({ length: 80 }, (_, index) => `m${index}`)]);
    // A store that is gone after its first entry is what a kill looks like from outside.
    let writes = 0;
    const dying: ObjectStore = {
      get: (key) => store.get(key),
      exists: (key) => store.exists(key),
      list: (prefix) => store.list(prefix),
      delete: (key) => store.delete(key),
      replace: (key, body) => store.replace(key, body),
      putIfAbsent: (key, body) => (key.startsWith('labels/') && ++writes > 1 ? Promise.reject(new LaurelError('LAUREL_STORE_UNAVAILABLE', 'gone')) : store.putIfAbsent(key, body)),
    };
    await expect(bench(judge, {}, dying).annotate([ref], true)).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    benches.length = 0;
    expect(server.requests.length).toBe(64);
    const after = bench(judge);
    expect(await after.annotate([ref], true)).toMatchObject({ made: 48, known: 32, log: { position: 3, labels: 80 } });
    expect(server.requests.length).toBe(64 + 48);
  });

  it('keeps answers that could not be written and writes them with the next call', async () => {
    const server = await serve(() => yes);
    let full = true;
    const failing: ObjectStore = {
      get: (key) => store.get(key),
      exists: (key) => store.exists(key),
      list: (prefix) => store.list(prefix),
      delete: (key) => store.delete(key),
      replace: (key, body) => store.replace(key, body),
      putIfAbsent: (key, body) => (full && key.startsWith('labels/') ? Promise.reject(new LaurelError('LAUREL_STORE_UNAVAILABLE', 'the disk is full')) : store.putIfAbsent(key, body)),
    };
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }, {}, failing);
    const ref = await segment(store, 's', [['a', 'b', 'c']]);
    await expect(one.annotate([ref])).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    await expect(one.annotate([ref], true)).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    full = false;
    expect(await one.annotate([ref])).toMatchObject({ made: 3, waiting: 0 });
    expect(server.requests.length).toBe(3);
  });

  it('shares labels between two workers at the same time, each message labelled once', async () => {
    const texts = Array.from({ length: 150 }, (_, index) => `m${index}`);
    const ref = await segment(store, 's', [texts]);
    const [one, two] = [bench(), bench()];
    const results = await Promise.all([one.annotate([ref]), two.annotate([ref])]);
    expect(results.reduce((sum, result) => sum + result.made, 0)).toBe(150);
    const logged = (await one.logged()).map((label) => label.text);
    expect([...logged].sort()).toEqual([...texts].sort());
  });

  it('asks a message once where two runs on one worker wait for it at the same time', async () => {
    const server = await serve(() => yes);
    const one = bench({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 2 });
    const ref = await segment(store, 's', [Array.from({ length: 30 }, (_, index) => `m${index}`)]);
    const results = await Promise.all([one.annotate([ref]), one.annotate([ref])]);
    expect(results.reduce((sum, result) => sum + result.made, 0)).toBe(30);
    expect(server.requests.length).toBe(30);
  });

  it('ends with the reason when it is cancelled, and what was answered stays', async () => {
    const one = bench({ ...KILLS, delayMs: 20 });
    const ref = await segment(store, 's', [Array.from({ length: 100 }, (_, index) => `m${index}`)]);
    const call = one.annotate([ref]);
    await expect.poll(() => one.progress.length).toBeGreaterThan(2);
    one.aborting.abort(new Error('the run was cancelled'));
    await expect(call).rejects.toThrow('the run was cancelled');
    await one.annotator.close();
    expect((await bench().logged()).length).toBeGreaterThan(2);
  });

  it('describes an annotator under its id, once', async () => {
    const one = bench();
    const { annotator } = await one.annotator.openAnnotator({ annotator: one.spec });
    const told = await readJson<Record<string, unknown>>(store, layout.annotator(annotator));
    expect(told).toMatchObject({ annotator, mode: 'pointwise', judge: { kind: 'scripted', otherwise: 0.1 }, prompt: { goal: 'gain levels' } });
    expect(await one.annotator.openAnnotator({ annotator: one.spec })).toEqual({ annotator, position: 0, labels: 0 });
  });

  it('refuses to answer under a name that is not its own', async () => {
    const one = bench();
    const input = { run: 'r', source: 's', annotator: one.spec, annotatorId: '0'.repeat(32), segments: [], drain: false };
    await expect(one.annotator.annotate(input, { signal: new AbortController().signal, onProgress: () => undefined })).rejects.toMatchObject({ code: 'LAUREL_MODEL_INVALID' });
  });
});
