import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GOAL_PRESETS, type GoalPreset } from '../../../proto/goals.js';
import { agreementOf, kappaOf } from '../../../workers/annotator/quality/agreement.js';
import { disagreementOf, driftOf, normalForm } from '../../../workers/annotator/quality/drift.js';
import { openLabelledSet, parseLabelledSet, storedLabelledSet } from '../../../workers/annotator/quality/labelled-set.js';
import { PROMPT_TEMPLATES } from '../../../workers/annotator/prompts/registry.js';
import { LocalStore } from '../../../workers/store/local-store.js';

/** Worked out on paper; see the comments. */
const COMPARED = [
  { positive: true, probability: 0.95 },
  { positive: true, probability: 0.85 },
  { positive: true, probability: 0.35 },
  { positive: false, probability: 0.85 },
  { positive: false, probability: 0.15 },
  { positive: false, probability: 0.15 },
  { positive: false, probability: 0.05 },
  { positive: false, probability: 0.05 },
];

describe('agreement with labels that are taken for true', () => {
  const found = agreementOf(COMPARED, 0.5);

  it('counts verdicts above the threshold', () => {
    expect(found.confusion).toEqual({ truePositive: 2, falsePositive: 1, falseNegative: 1, trueNegative: 4 });
    expect([found.count, found.positives, found.accuracy]).toEqual([8, 3, 0.75]);
    expect(agreementOf(COMPARED, 0.3).confusion).toEqual({ truePositive: 3, falsePositive: 1, falseNegative: 0, trueNegative: 4 });
  });

  it('gives kappa, AUC, Brier score and calibration error as worked out by hand', () => {
    // Expected agreement 3/8 * 3/8 + 5/8 * 5/8 = 34/64; kappa = (48/64 - 34/64) / (30/64).
    expect(found.kappa).toBeCloseTo(14 / 30, 12);
    // Pairs of 3 x 5: .95 beats 5; .85 ties one and beats 4; .35 beats 4: 5 + 4.5 + 4 = 13.5.
    expect(found.auc).toBeCloseTo(13.5 / 15, 12);
    // (.0025 + .0225 + .4225 + .7225 + 2 * .0225 + 2 * .0025) / 8
    expect(found.brier).toBeCloseTo(1.22 / 8, 12);
    // Bins: [0,.1) 2 of .05, share 0; [.1,.2) 2 of .15, share 0; [.3,.4) 1 of .35, share 1; [.8,.9) 2 of .85, share .5; [.9,1] 1 of .95, share 1.
    expect(found.ece).toBeCloseTo((2 * 0.05 + 2 * 0.15 + 0.65 + 2 * 0.35 + 0.05) / 8, 12);
    expect(found.bins.map((bin) => bin.count)).toEqual([2, 2, 0, 1, 0, 0, 0, 0, 2, 1]);
    expect(found.bins[8]).toMatchObject({ from: 0.8, positiveShare: 0.5 });
    expect(found.bins[2]).toEqual({ from: 0.2, count: 0, probability: null, positiveShare: null });
  });

  it('knows kappa of two raters from the literature, where accuracy flatters', () => {
    // 20, 5, 10, 15 of 50: p_o = .7, p_e = .5.
    expect(kappaOf({ truePositive: 20, falseNegative: 5, falsePositive: 10, trueNegative: 15 })).toBeCloseTo(0.4, 12);
    // All "no": 90 % right and no agreement beyond chance.
    expect(kappaOf({ truePositive: 0, falseNegative: 10, falsePositive: 0, trueNegative: 90 })).toBeCloseTo(0, 12);
  });

  it('says nothing where nothing can be said', () => {
    expect(agreementOf([], 0.5)).toMatchObject({ count: 0, accuracy: null, kappa: null, auc: null, brier: null, ece: null });
    expect(agreementOf([{ positive: true, probability: 1 }], 0.5)).toMatchObject({ accuracy: 1, kappa: null, auc: null, ece: 0 });
  });
});

describe('drift of a judge', () => {
  const verdicts = (positive: readonly number[]) => positive.map((one, index) => ({ text: `m${index}`, probability: one }));

  it('is the change of its positive rate over the log, in standard errors', () => {
    const drift = driftOf(verdicts([...new Array<number>(20).fill(0.9), ...new Array<number>(20).fill(0.9), ...new Array<number>(20).fill(0.1), ...new Array<number>(20).fill(0.9)]), 0.5);
    expect(drift.windows.map((window) => [window.from, window.to, window.positive])).toEqual([[0, 20, 20], [20, 40, 20], [40, 60, 0], [60, 80, 20]]);
    expect([drift.early, drift.late]).toEqual([1, 0.5]);
    // (1 - .5) / sqrt(.75 * .25 * (1/40 + 1/40))
    expect(drift.z).toBeCloseTo(0.5 / Math.sqrt(0.1875 * 0.05), 12);
  });

  it('is not told where all verdicts are the same, or there is one', () => {
    expect(driftOf(verdicts([0.9, 0.9, 0.9]), 0.5)).toMatchObject({ windows: [], early: 1, late: 1, z: null });
    expect(driftOf(verdicts([0.9]), 0.5)).toMatchObject({ early: null, late: null, z: null });
  });

  it('shows in messages that differ only in numbers, case or blanks', () => {
    expect(normalForm(' $ -  17 gold Pieces. ')).toBe('$ - # gold pieces.');
    const found = disagreementOf([
      { text: '$ - 5 gold pieces.', probability: 0.9 },
      { text: '$ - 17 gold pieces.', probability: 0.4 },
      { text: '$ - 3  gold pieces.', probability: 0.8 },
      { text: 'You see here 2 darts.', probability: 0.1 },
      { text: 'You see here 4 darts.', probability: 0.2 },
      { text: 'alone', probability: 1 },
    ], 0.5);
    expect(found).toEqual({ groups: 2, messages: 5, differ: 1, examples: [{ form: '$ - # gold pieces.', positive: 2, count: 3 }] });
  });
});

describe('the labelled NetHack messages', () => {
  const rows = (name: string) => readFileSync(`examples/labels/${name}.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { text: string; label: number; part: string });
  const progress = rows('nethack-progress');
  const gold = rows('nethack-gold');
  const combat = rows('nethack-combat');
  const descent = rows('nethack-descent');

  it('are 400, the same under all goals, with labels that differ', () => {
    expect(new Set(progress.map(({ text }) => text)).size).toBe(400);
    for (const other of [combat, gold, descent]) expect(other.map(({ text, part }) => [text, part])).toEqual(progress.map(({ text, part }) => [text, part]));
    expect([progress, combat, gold, descent].map((one) => one.filter(({ label }) => label === 1).length)).toEqual([102, 41, 36, 10]);
    // Each of the three is a part of progress, and two of them at once is a message of two sentences.
    expect(progress.filter((one, index) => one.label === 0 && combat[index]!.label + gold[index]!.label + descent[index]!.label > 0)).toEqual([]);
    expect(progress.filter((_, index) => combat[index]!.label + gold[index]!.label + descent[index]!.label > 1).map(({ text }) => text)).toEqual(['$ - a gold piece.  A trap door opens up under you!']);
    expect(existsSync('examples/labels/README.md')).toBe(true);
  });

  it('have a part for choosing prompts and one that no shipped prompt shows', () => {
    const heldOut = progress.filter(({ part }) => part === 'held-out');
    expect([progress.length - heldOut.length, heldOut.length]).toEqual([210, 190]);
    const shown = new Set(PROMPT_TEMPLATES.flatMap((one) => (one.mode === 'pairwise' ? one.examples.flatMap(({ first, second }) => [first, second]) : one.examples.map(({ text }) => text))));
    for (const { examples = [] } of Object.values(GOAL_PRESETS) as GoalPreset[]) for (const { text } of examples) shown.add(text);
    expect(heldOut.filter(({ text }) => shown.has(text.replaceAll(/\s+/g, ' ').trim()))).toEqual([]);
  });

  it('are read as a labelled set, whose copy in the store is found again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-labelled-'));
    try {
      const store = new LocalStore(folder);
      expect(await storedLabelledSet(store, 'nethack-gold', undefined)).toBeUndefined();
      const set = await openLabelledSet(store, 'nethack-gold');
      // The held-out part: prompts were chosen on the other.
      expect(set.truth.size).toBe(190);
      expect([...set.truth.keys()]).toEqual(gold.filter(({ part }) => part === 'held-out').map(({ text }) => text));
      expect(await storedLabelledSet(store, 'nethack-gold', undefined)).toEqual(set);
      const path = join(folder, 'own.csv');
      await writeFile(path, 'text,label\n"Ouch!",0\n"Hurray!",1\n');
      const own = await openLabelledSet(store, { path });
      expect([...own.truth]).toEqual([['Ouch!', false], ['Hurray!', true]]);
      expect(await storedLabelledSet(store, { path }, own.digest)).toEqual(own);
      await expect(openLabelledSet(store, { path: join(folder, 'none.csv') })).rejects.toMatchObject({ code: 'LAUREL_LABELS_INVALID', message: expect.stringContaining('none.csv') as string });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('are refused where one message has two labels, or there is none', () => {
    expect(() => parseLabelledSet(Buffer.from('text,label\na,0\na,1\n'), 'f')).toThrow(/two for "a"/);
    expect(() => parseLabelledSet(Buffer.from('text,label\n'), 'f')).toThrow(/got 0/);
  });
});
