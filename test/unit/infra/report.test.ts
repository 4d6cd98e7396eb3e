import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadReport } from '../../../workers/report/load-report.js';
import { evenly } from '../../../workers/evenly.js';
import { renderReport, renderRunReport } from '../../../workers/report/report.js';
import { smooth, thin, throughput, type Point } from '../../../workers/report/series.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { HOSTILE, metricsLines, RUN, writeRun } from './report-fixture.js';

describe('the report of a run', () => {
  let root: string;
  let store: LocalStore;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'laurel-report-'));
    store = new LocalStore(root);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('shows every part of a finished run in one page that asks for nothing else', async () => {
    await writeRun(store, true);
    const page = await renderRunReport(store, RUN);
    for (const title of ['Reward by component', 'Share of unknown rewards', 'Return of an episode', 'Episodes: keys found', 'Labels over time', 'The most common messages and their labels', 'Losses', 'Entropy of the policy', 'Transitions per second', 'Where the time went', 'Segments', 'Means over episodes', 'all settings, with defaults']) {
      expect(page).toContain(title);
    }
    expect(page).not.toMatch(/\b(src|href)\s*=|url\(|@import|<script/i);
    expect(page).not.toMatch(/NaN|undefined|\[object/);
    // Every plot follows the page's colours: no colour of the drawing is left.
    expect(page).not.toMatch(/(fill|stroke)="#/);
    expect(page.match(/<svg /g)?.length).toBeGreaterThanOrEqual(9);
  });

  it('shows text of others as text', async () => {
    await writeRun(store, true);
    const page = await renderRunReport(store, RUN);
    expect(page).toContain('&lt;script&gt;alert(&quot;owned&quot;)&lt;/script&gt; &amp; more');
    expect(page).not.toContain(HOSTILE);
    expect(page).toContain('gain levels &lt;b&gt;fast&lt;/b&gt;');
    expect(page).not.toContain('<b>fast</b>');
  });

  it('says what the run was told, by whom and when', async () => {
    await writeRun(store, true);
    const data = await loadReport(store, RUN);
    expect(await renderReport(data)).not.toContain('What it was told');
    const controls = [{ action: 'pause', by: '<ann>', atMs: Date.UTC(2026, 4, 1, 12, 30, 5) }, { action: 'resume', by: null, atMs: Date.UTC(2026, 4, 1, 12, 31) }] as const;
    const page = await renderReport({ ...data, status: { ...data.status!, controls } });
    expect(page).toContain('<td>2026-05-01 12:30:05 UTC</td><td>&lt;ann&gt;</td><td>pause</td>');
    expect(page).toContain('<td>2026-05-01 12:31:00 UTC</td><td>–</td><td>resume</td>');
  });

  it('counts messages and takes labels of the log only up to the position of the run', async () => {
    await writeRun(store, true);
    const data = await loadReport(store, RUN);
    expect(data.messages).toMatchObject({ segments: 3, segmentsInAll: 3, transitions: 90, distinct: 8 });
    expect(data.messages.common[0]).toMatchObject({ text: 'You kill the newt!', count: 21 });
    const [annotation] = data.annotations;
    expect(annotation?.statuses).toEqual({ ok: 6, unparsable: 1, refused: 0, error: 0 });
    expect(annotation?.verdicts.get('You kill the newt!')?.probability).toBeCloseTo(0.84, 5);
    expect(annotation?.verdicts.has('asked later')).toBe(false);
    expect(annotation?.probabilities).toEqual([2, 0, 0, 0, 0, 1, 0, 1, 1, 1]);
    const page = await renderReport(data);
    expect(page).toContain('not asked yet');
    expect(page).toContain('0.84 helpful');
  });

  it('can be drawn while the run goes on, from the parts of its metrics', async () => {
    await writeRun(store, false);
    const data = await loadReport(store, RUN);
    expect(data.outcome).toBeNull();
    expect(data.metrics.map((line) => line.version)).toEqual(metricsLines(200).map((line) => line.version));
    expect(data.annotations[0]?.statuses.ok).toBe(7);
    const page = await renderReport(data);
    expect(page).toContain('goes on');
    expect(page).not.toMatch(/NaN|undefined|\[object/);
  });

  it('says how far the judge agrees with labelled messages, and which messages pay', async () => {
    await writeRun(store, true);
    const data = await loadReport(store, RUN);
    const agreement = data.annotations[0]?.quality.agreement;
    // Four of the five held-out messages were asked up to this position; the gold (0.71) is labelled 0.
    expect(agreement).toMatchObject({ of: 5, count: 4, positives: 2, accuracy: 0.75, kappa: 0.5, confusion: { truePositive: 2, falsePositive: 1, falseNegative: 0, trueNegative: 1 } });
    expect(data.annotations[0]?.quality.drift).toMatchObject({ early: 2 / 3, late: 1 / 3 });
    // 24 of 200 segments, in each 7 newts at 1 and 4 levels at 0.5.
    expect(data.rewardQuality).toMatchObject({ segments: 24, versions: [1, 200] });
    const [helpful] = data.rewardQuality?.sources ?? [];
    expect(helpful).toMatchObject({ source: 'helpful', observations: 24 * 29, known: 24 * 28, paid: 24 * 9, paying: 2 });
    expect(helpful?.top.map(({ key, share }) => [key, share])).toEqual([['You kill the newt!', 7 / 9], ['Welcome to experience level 2.', 2 / 9]]);
    expect(data.rewardQuality?.warnings).toEqual([{ kind: 'one-message', source: 'helpful', key: 'You kill the newt!', share: 7 / 9, shareMax: 0.5 }]);
    const page = await renderReport(data);
    for (const part of ['Agreement with labelled messages: helpful', '4 of 5 labelled messages have an answer', 'Calibration: helpful', 'Most rewarding messages: helpful', '77.8 %', 'helpful: one message brings 78 % of its reward: “You kill the newt!”']) expect(page).toContain(part);
  });

  it('warns where the reward rose while the return in evaluations fell', async () => {
    await writeRun(store, true);
    const worse = { schemaVersion: 1, run: RUN, policyVersion: 200, suite: 'policy', failed: 0, means: { 'return.goal': { mean: -0.5, halfWidth: 0.06 } }, episodes: [] };
    await store.replace(layout.evaluation(RUN, 200, 'policy'), Buffer.from(JSON.stringify(worse)));
    const warnings = (await loadReport(store, RUN)).rewardQuality?.warnings ?? [];
    expect(warnings.map(({ kind }) => kind)).toEqual(['one-message', 'apart-from-evaluation']);
    expect(warnings[1]).toMatchObject({ source: 'helpful', metric: 'return.goal', evaluation: [{ mean: 0.1 }, { mean: -0.5 }] });
  });

  it('marks an evaluation whose interval is apart from the untrained one, and no other', async () => {
    await writeRun(store, true);
    const page = await renderRunReport(store, RUN);
    expect(page).toContain('<span class="good">0.9 <span class="soft">± 0.06</span></span>');
    expect(page).toContain('<span>1.8 <span class="soft">± 1.5</span></span>');
  });

  it('can be drawn for a run that has done nothing yet', async () => {
    await writeRun(store, false, 0);
    await store.delete(layout.evaluation(RUN, 0, 'policy'));
    await store.delete(layout.evaluation(RUN, 200, 'policy'));
    for (let seq = 0; seq < 3; seq++) await store.delete(layout.segment(RUN, 0, seq));
    const page = await renderRunReport(store, RUN);
    expect(page).toContain('all settings, with defaults');
    expect(page).not.toMatch(/NaN|undefined|\[object/);
  });

  it('says which run is missing', async () => {
    await expect(renderRunReport(store, 'nothing')).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING', message: expect.stringContaining('runs/nothing/spec.json') as string });
  });
});

describe('curves', () => {
  const line: Point[] = Array.from({ length: 1000 }, (_, index) => [index, 2 * index] as const);

  it('are thinned to means of neighbours that keep a straight line straight', () => {
    const thinned = thin(line, 10);
    expect(thinned).toHaveLength(10);
    for (const [x, y] of thinned) expect(y).toBeCloseTo(2 * x, 9);
    expect(thin(line.slice(0, 5), 10)).toEqual(line.slice(0, 5));
  });

  it('are smoothed by a centred mean', () => {
    const spike: Point[] = Array.from({ length: 101 }, (_, index) => [index, index === 50 ? 1 : 0] as const);
    const smoothed = smooth(spike, 0.1);
    expect(smoothed[50]?.[1]).toBeCloseTo(1 / 11, 9);
    expect(smoothed.reduce((total, [, y]) => total + y, 0)).toBeCloseTo(1, 9);
  });

  it('give transitions per second over windows of two seconds or more', () => {
    const lines = [500, 1000, 3000, 5000].map((elapsedMs, index) => ({ version: index + 1, transitions: (index + 1) * 1000, elapsedMs, values: {} }));
    expect(throughput(lines)).toEqual([[3, 1000], [5, 500]]);
  });

  it('sample a list evenly with its ends', () => {
    expect(evenly([0, 1, 2, 3, 4, 5, 6, 7, 8], 3)).toEqual([0, 4, 8]);
    expect(evenly([1, 2], 3)).toEqual([1, 2]);
  });
});
