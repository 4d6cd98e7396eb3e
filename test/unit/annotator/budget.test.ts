import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parkingText, withBudget } from '../../../proto/budget.js';
import { resolveJob } from '../../../proto/resolve.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { smallJob } from '../../workflow/fakes.js';
import { chatReply, judgeServer, type JudgeServer } from './judge-server.js';
import { annotatorSpec, Bench, record, segment, temporaryStore } from './support.js';

const KILLS = { kind: 'scripted', rules: [{ pattern: 'kill', probability: 0.9 }], otherwise: 0.1 };
const FIVE = [['a', 'b', 'c', 'd', 'e']];
const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

describe('a budget', () => {
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
  const bench = (change: Record<string, unknown>, judge: Record<string, unknown> = KILLS, spool?: string): Bench => {
    const made = new Bench(store, annotatorSpec(judge, change), undefined, spool);
    benches.push(made);
    return made;
  };

  it('of calls is kept to the question, names itself when it is used up, and is raised by asking with a larger one', async () => {
    const segments = [await segment(store, 's', FIVE)];
    const first = await bench({ budget: { run: { calls: 3 } } }).annotate(segments);
    expect(first).toMatchObject({ made: 3, waiting: 2, budget: { parked: { scope: 'run', unit: 'calls', used: 3, limit: 3, retryAfterMs: null }, uses: [{ scope: 'run', unit: 'calls', used: 3, limit: 3 }] } });
    expect(parkingText(first.budget!.parked!)).toBe('budget of the run is used up: 3 of 3 calls');
    // Another process: what was spent is known from the log.
    const raised = bench({ budget: { run: { calls: 4 } } });
    expect(await raised.annotate(segments)).toMatchObject({ made: 1, waiting: 1, budget: { parked: { used: 4, limit: 4 } } });
    expect(await raised.annotate(segments)).toMatchObject({ made: 0, waiting: 1, budget: { parked: { used: 4 } } });
    const last = await bench({ budget: { run: { calls: 9 } } }).annotate(segments);
    expect(last).toMatchObject({ made: 1, waiting: 0, budget: { parked: null } });
  });

  it('of the annotator is shared by its runs, one of a run is its own', async () => {
    const segments = [await segment(store, 's', FIVE)];
    expect(await bench({ budget: { run: { calls: 2 } } }).annotate(segments, false, 'one')).toMatchObject({ made: 2 });
    const two = await bench({ budget: { run: { calls: 2 }, annotator: { calls: 3 } } }).annotate(segments, false, 'two');
    expect(two).toMatchObject({ made: 1, budget: { parked: { scope: 'annotator', used: 3, limit: 3 } } });
    expect(two.budget?.uses).toContainEqual({ scope: 'run', unit: 'calls', used: 1, limit: 2 });
  });

  it('stops a drain too, which ends with what it could not ask', async () => {
    const result = await bench({ budget: { run: { calls: 2 } } }).annotate([await segment(store, 's', FIVE)], true);
    expect(result).toMatchObject({ made: 2, waiting: 3, budget: { parked: { scope: 'run', unit: 'calls' } } });
  });

  it('of tokens or money counts what the server says it read and wrote', async () => {
    const server = await judgeServer(() => chatReply({ Yes: 0.9, No: 0.1 }));
    servers.push(server);
    const judge = { kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1 };
    const segments = [await segment(store, 's', FIVE)];
    // 121 tokens a question, of which one is written: 120 * 2 + 1 * 10 = 250 millionths each.
    const price = { inPerMillion: 2, outPerMillion: 10 };
    // What a question costs is not known before the first answer: one is asked alone.
    const bounded = bench({ price, budget: { run: { tokens: 250 } } }, judge);
    expect(await bounded.annotate(segments)).toMatchObject({ made: 1, budget: { parked: null } });
    const tokens = await bounded.annotate(segments);
    expect(tokens).toMatchObject({ made: 1, waiting: 3, tokensIn: 120, tokensOut: 1, budget: { parked: { unit: 'tokens', used: 242, limit: 250 } } });
    expect(tokens.budget?.uses).toContainEqual({ scope: 'run', unit: 'money', used: 0.0005, limit: null });
    const money = await bench({ price, budget: { annotator: { money: 0.00101 } } }, judge).annotate(segments);
    expect(money).toMatchObject({ made: 2, budget: { parked: { scope: 'annotator', unit: 'money', used: 0.001 } } });
    expect(server.requests).toHaveLength(4);
  });

  it('of the hour goes by when questions were asked as the log says it, and tells when there is room again', async () => {
    const segments = [await segment(store, 's', FIVE)];
    const { annotator: id } = await bench({}).annotator.openAnnotator({ annotator: annotatorSpec(KILLS) });
    const log = new LabelLog(store, id);
    await log.append([record('old', { askedAt: minutesAgo(61) })]);
    await log.append([record('older', { askedAt: minutesAgo(50) }), record('other', { askedAt: minutesAgo(55) })]);
    const result = await bench({ budget: { hour: { calls: 4 } } }).annotate(segments);
    expect(result).toMatchObject({ made: 2, budget: { parked: { scope: 'hour', used: 4, limit: 4 } } });
    const minutes = (result.budget?.parked?.retryAfterMs ?? 0) / 60_000;
    // The entry of 50 minutes ago leaves the hour in ten.
    expect(minutes).toBeGreaterThan(9);
    expect(minutes).toBeLessThanOrEqual(10);
  });

  it('counts what a killed process was told and had not logged for the run that asked', async () => {
    const spool = await mkdtemp(join(tmpdir(), 'laurel-spool-'));
    try {
      const killed = new Bench(store, annotatorSpec(KILLS), { labelsMax: 1000, waitMs: 3_600_000 }, spool);
      const segments = [await segment(store, 's', [['a', 'b']])];
      const failing = store.putIfAbsent.bind(store);
      store.putIfAbsent = (key, body) => (key.startsWith('labels/') ? Promise.reject(new Error('gone')) : failing(key, body));
      await expect(killed.annotate(segments, false, 'one')).rejects.toThrow('gone');
      // What a kill leaves: the file of answers, and nobody who holds it.
      await killed.annotator.close().catch(() => undefined);
      store.putIfAbsent = failing;
      const next = await bench({ budget: { run: { calls: 2 } } }, KILLS, spool).annotate([await segment(store, 't', FIVE)], false, 'one');
      expect(next).toMatchObject({ made: 2, budget: { parked: { scope: 'run', used: 2 } } });
    } finally {
      await rm(spool, { recursive: true, force: true });
    }
  });

  it('is refused where it cannot be: money without a price, an hour in lockstep', () => {
    const job = (annotator: Record<string, unknown>, schedule = {}) => smallJob({ sources: { helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'g', judge: KILLS, ...annotator } } }, combine: { op: 'linear', weights: { helpful: 1 } }, schedule });
    expect(() => resolveJob(job({ budget: { run: { money: 1 } } }))).toThrow(/budget\.run\.money.*price/);
    expect(() => resolveJob(job({ budget: { hour: { calls: 1 } } }, { mode: 'lockstep' }))).toThrow(/budget\.hour.*lockstep/);
    expect(() => resolveJob(job({ budget: { hour: { calls: 1 } } }))).not.toThrow();
  });

  it('is steered bound by bound', () => {
    expect(withBudget({ run: { calls: 1, tokens: 5 } }, { run: { calls: 2 }, hour: { calls: 9 } })).toEqual({ run: { calls: 2, tokens: 5 }, hour: { calls: 9 } });
  });
});
