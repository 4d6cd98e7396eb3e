import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { relabelLines } from '../../../infra/cli/commands/relabel.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { HUMAN } from '../../../workers/annotator/label-record.js';
import { compareVerdicts, type VerdictPair } from '../../../workers/annotator/quality/comparison.js';
import { relabel } from '../../../workers/annotator/relabel.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { chatReply, judgeServer } from './judge-server.js';
import { annotatorSpec, Bench, record, segment, temporaryStore } from './support.js';

const KILLS = { kind: 'scripted', rules: [{ pattern: 'kill', probability: 0.9 }], otherwise: 0.1 };
const GOLD = { kind: 'scripted', rules: [{ pattern: 'gold', probability: 0.8 }], otherwise: 0.2 };
const RESOURCES = { modelPath: () => Promise.reject(new Error('no model')), secret: () => undefined };

describe('two verdicts on each question', () => {
  it('are compared by hand: agreement, kappa over three verdicts, what differs most first', () => {
    const pair = (text: string, a: string, b: string, distance: number): VerdictPair => ({ text, a, b, distance });
    const found = compareVerdicts([pair('1', 'first', 'first', 0.1), pair('2', 'first', 'second', 0.9), pair('3', 'second', 'second', 0), pair('4', 'tie', 'tie', 0), pair('5', 'tie', 'second', 0.95)], ['first', 'second', 'tie']);
    // p_o = 3/5; p_e = 2/5 * 1/5 + 1/5 * 3/5 + 2/5 * 1/5 = 7/25.
    expect(found.agreement).toBeCloseTo(0.6, 12);
    expect(found.kappa).toBeCloseTo((0.6 - 0.28) / 0.72, 12);
    expect(found.confusion['first']).toEqual({ first: 1, second: 1, tie: 0 });
    expect(found.differing.map(({ text }) => text)).toEqual(['5', '2']);
    expect(compareVerdicts([], ['x'])).toMatchObject({ count: 0, agreement: null, kappa: null });
    expect(compareVerdicts([pair('1', 'x', 'x', 0)], ['x', 'y'])).toMatchObject({ agreement: 1, kappa: null });
  });
});

describe('relabelling', () => {
  let store: LocalStore;
  let dispose: () => Promise<void>;
  let bench: Bench;
  let from: string;
  const texts = ['You kill it!', 'You find gold.', 'You kill for gold.', 'A wall.', 'A door.'];
  const options = { limit: 100, signal: new AbortController().signal, onProgress: () => undefined };
  beforeEach(async () => {
    ({ store, dispose } = await temporaryStore());
    bench = new Bench(store, annotatorSpec(KILLS));
    from = (await bench.annotate([await segment(store, 's', [texts])])).log.annotator;
  });
  afterEach(async () => {
    await bench.annotator.close();
    await dispose();
  });

  it('asks every question of one annotator again as another, in a log of its own, and shows where they agree', async () => {
    const result = await relabel(store, from, annotatorSpec(GOLD), RESOURCES, options);
    expect(result).toMatchObject({ made: 5, known: 0, unanswered: 0 });
    expect(result.annotator).not.toBe(from);
    // kill: yes, no, yes, no, no; gold: no, yes, yes, no, no.
    expect(result.comparison).toMatchObject({ count: 5, agreement: 0.6, confusion: { helpful: { helpful: 1, unhelpful: 1 }, unhelpful: { helpful: 1, unhelpful: 2 } } });
    expect(result.comparison.kappa).toBeCloseTo((0.6 - (0.16 + 0.36)) / (1 - 0.52), 12);
    expect(result.comparison.differing.map(({ text }) => text).sort()).toEqual(['You find gold.', 'You kill it!']);
    const lines = relabelLines(from, result, 1, 'pointwise');
    expect(lines[1]).toBe(`agreement with ${from}: 60.0 % of 5, kappa 0.167`);
    expect(lines.join('\n')).toContain('2 differ, the farthest apart of them (--examples shows more):');
    // The old log is as it was.
    expect((await bench.logged()).length).toBe(5);
    // Known now: nothing is asked twice.
    expect(await relabel(store, from, annotatorSpec(GOLD), RESOURCES, options)).toMatchObject({ made: 0, known: 5, comparison: { count: 5 } });
  });

  it('compares judges: what a person corrected is no verdict of one, and what only a person said is not asked', async () => {
    await new LabelLog(store, from).append([record('A wall.', { label: 1, model: HUMAN }), record('never played', { label: 1, model: HUMAN })]);
    const { comparison } = await relabel(store, from, annotatorSpec(GOLD), RESOURCES, options);
    expect(comparison).toMatchObject({ count: 5, confusion: { helpful: { helpful: 1, unhelpful: 1 } } });
  });

  it('takes the newest where not all are wanted', async () => {
    const { comparison, made } = await relabel(store, from, annotatorSpec(GOLD), RESOURCES, { ...options, limit: 2 });
    expect([comparison.count, made]).toEqual([2, 2]);
  });

  it('keeps what was answered when it is interrupted', async () => {
    const aborting = new AbortController();
    const server = await judgeServer(({ nth: _nth }) => chatReply({ Yes: 0.9, No: 0.1 }));
    try {
      const spec = annotatorSpec({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1 });
      await expect(relabel(store, from, spec, RESOURCES, { ...options, signal: aborting.signal, onProgress: (answered) => answered === 2 && aborting.abort(new Error('enough')) })).rejects.toThrow('enough');
      const asked = server.requests.length;
      expect(asked).toBeLessThan(5);
      expect(await relabel(store, from, spec, RESOURCES, options)).toMatchObject({ known: asked, made: 5 - asked, comparison: { count: 5 } });
      expect(server.requests.length).toBe(5);
    } finally {
      await server.close();
    }
  });

  it('refuses the same annotator, another mode or form, and one that is not there', async () => {
    await expect(relabel(store, from, annotatorSpec(KILLS), RESOURCES, options)).rejects.toMatchObject({ code: 'LAUREL_JOB_INVALID' });
    await expect(relabel(store, from, annotatorSpec(GOLD, { mode: 'pairwise' }), RESOURCES, options)).rejects.toMatchObject({ code: 'LAUREL_JOB_INVALID', message: expect.stringContaining('mode pointwise') as string });
    await expect(relabel(store, from, annotatorSpec(GOLD, { normalForm: 'digits' }), RESOURCES, options)).rejects.toMatchObject({ code: 'LAUREL_JOB_INVALID' });
    await expect(relabel(store, 'f'.repeat(32), annotatorSpec(GOLD), RESOURCES, options)).rejects.toMatchObject({ code: 'LAUREL_ANNOTATOR_UNKNOWN' });
  });

  it('compares choices where questions are pairs', async () => {
    const pairs = new Bench(store, annotatorSpec(KILLS, { mode: 'pairwise' }));
    const { log } = await pairs.annotate([await segment(store, 's', [texts])]);
    await pairs.annotator.close();
    const result = await relabel(store, log.annotator, annotatorSpec(GOLD, { mode: 'pairwise' }), RESOURCES, options);
    expect(Object.keys(result.comparison.confusion)).toEqual(['first', 'second', 'tie']);
    expect(result.comparison.count).toBe(log.labels);
    expect(relabelLines(log.annotator, result, 3, 'pairwise').join('\n')).toContain('  |  ');
  });
});
