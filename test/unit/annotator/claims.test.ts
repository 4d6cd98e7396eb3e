import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../infra/folders.js';
import { Claims } from '../../../workers/annotator/claims.js';
import { LabelTable } from '../../../workers/annotator/label-table.js';
import { layout } from '../../../workers/store/layout.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { chatReply, judgeServer, type JudgeReply, type JudgeServer } from './judge-server.js';
import { segment, temporaryStore } from './support.js';

let store: LocalStore;
let root: string;
let dispose: () => Promise<void>;
beforeEach(async () => {
  ({ store, root, dispose } = await temporaryStore());
});

describe('claims', () => {
  afterEach(() => dispose());
  const two = (): [Claims, Claims] => [new Claims(store, 'a'), new Claims(store, 'a')];

  it('give each text to one process, in order, up to as many as are wanted', async () => {
    const [one, other] = two();
    expect(await one.claim(['a', 'b', 'c'], 2, 60_000)).toEqual(['a', 'b']);
    expect(await other.claim(['a', 'b', 'c', 'd'], 9, 60_000)).toEqual(['c', 'd']);
    expect(await one.claim(['c', 'd'], 9, 60_000)).toEqual([]);
    // Its own it holds already.
    expect(await one.claim(['a', 'e'], 9, 60_000)).toEqual(['a', 'e']);
  });

  it('never give one text to two, however many ask at the same moment', async () => {
    const texts = Array.from({ length: 40 }, (_, index) => `m${index}`);
    const all = Array.from({ length: 6 }, () => new Claims(store, 'a'));
    const given = await Promise.all(all.map((one) => one.claim(texts, 12, 60_000)));
    const flat = given.flat();
    expect(new Set(flat).size).toBe(flat.length);
    expect(flat.length).toBe(40);
  });

  it('end when they are released by all calls that hold them, or when their time is over', async () => {
    const [one, other] = two();
    await one.claim(['a'], 1, 60_000);
    await one.claim(['a', 'b'], 2, 60_000);
    await one.release(['a', 'b']);
    expect(await other.claim(['a', 'b'], 9, 60_000)).toEqual(['b']);
    await one.release(['a']);
    expect(await other.claim(['a'], 9, -1)).toEqual(['a']);
    const late = new Claims(store, 'b');
    await late.claim(['x'], 1, -1);
    expect(await new Claims(store, 'b').claim(['x'], 1, 60_000)).toEqual(['x']);
  });

  it('leave few objects behind', async () => {
    const [one, other] = two();
    for (let at = 0; at < 20; at++) {
      await one.release(await one.claim([`m${at}`], 1, 60_000));
      await other.release(await other.claim([`m${at}`], 1, 60_000));
    }
    expect((await store.list(layout.claims('a'))).length).toBeLessThanOrEqual(10);
  });

  it.each([1, 4, 20])('never give one text to two where a list shows none of the claims that moved %i times while it was made', async (moves) => {
    const texts = Array.from({ length: 100 }, (_, index) => `m${index}`);
    const one = new Claims(store, 'a');
    const held = new Set(await one.claim(texts, 2, 60_000));
    let lists = 0;
    const late = new Proxy(store, {
      get: (target, name) => {
        if (name !== 'list') return Reflect.get(target, name).bind(target) as unknown;
        return async (prefix: string) => {
          const seen = await target.list(prefix);
          if (lists++ > 0) return seen;
          for (let move = 0; move < moves; move++) for (const text of await one.claim(texts.filter((text) => !held.has(text)), 1, 60_000)) held.add(text);
          // As a folder is read: the names first, then each object, and those that are gone by then are left out.
          const there = new Set((await target.list(prefix)).map(({ key }) => key));
          return seen.filter(({ key }) => there.has(key));
        };
      },
    });
    const given = await new Claims(late, 'a').claim(texts, 60, 60_000);
    expect(given.filter((text) => held.has(text))).toEqual([]);
    expect(given.length).toBeGreaterThan(0);
  });
});

/** Needs `dist`. */
describe('two annotator processes on one store', () => {
  const children: ChildProcess[] = [];
  let server: JudgeServer | undefined;
  afterEach(async () => {
    for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await server?.close();
    await dispose();
  });
  const texts = Array.from({ length: 60 }, (_, index) => `message ${index}`);

  async function start(baseUrl: string, callMs = 2_000): Promise<{ readonly child: ChildProcess; readonly go: () => Promise<string> }> {
    const ref = await segment(store, 's', [texts]);
    const spec = { callMs, judge: { kind: 'openai', baseUrl, model: 'm', concurrency: 4 } };
    const child = spawn(process.execPath, [join(projectRoot(), 'dist/test/unit/annotator/annotate-process.js'), root, JSON.stringify(spec), JSON.stringify(ref)], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines: string[] = [];
    child.stdout!.on('data', (data: Buffer) => lines.push(...data.toString('utf8').split('\n').filter((line) => line !== '')));
    while (lines.length === 0) await once(child.stdout!, 'data');
    const go = async (): Promise<string> => {
      child.stdin!.write('go\n');
      await once(child, 'exit');
      return lines.at(-1)!;
    };
    return { child, go };
  }

  const serve = async (reply: () => Promise<JudgeReply>): Promise<JudgeServer> => (server = await judgeServer(reply));
  const slowly = async (): Promise<JudgeReply> => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return chatReply({ Yes: 0.9, No: 0.1 });
  };
  const timesAsked = (judge: JudgeServer): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { message } of judge.requests) counts.set(message, (counts.get(message) ?? 0) + 1);
    return counts;
  };
  async function labels(): Promise<number> {
    const [described] = await store.list(layout.annotators);
    return (await new LabelTable(store, described!.key.slice(layout.annotators.length, -'.json'.length)).head()).labels;
  }

  it('ask no message twice', async () => {
    const judge = await serve(slowly);
    const [one, two] = [await start(judge.baseUrl), await start(judge.baseUrl)];
    const made = (await Promise.all([one.go(), two.go()])).map((line) => (JSON.parse(line) as { made: number }).made);
    expect(made[0]! + made[1]!).toBe(texts.length);
    expect([...timesAsked(judge).values()].filter((count) => count !== 1)).toEqual([]);
    expect(judge.requests.length).toBe(texts.length);
    expect(await labels()).toBe(texts.length);
    // Both had a part in it.
    expect(Math.min(...made)).toBeGreaterThan(0);
  }, 60_000);

  it('take over at once what one that was killed had claimed', async () => {
    const judge = await serve(slowly);
    const [one, two] = [await start(judge.baseUrl), await start(judge.baseUrl, 4_000)];
    const killed = one.go().catch(() => '');
    while (judge.requests.length < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    one.child.kill('SIGKILL');
    await killed;
    await two.go();
    expect(await labels()).toBe(texts.length);
    expect(timesAsked(judge).size).toBe(texts.length);
  }, 60_000);
});
