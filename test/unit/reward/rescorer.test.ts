import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RescoringVariant } from '../../../proto/activities.js';
import { rescoringSchema } from '../../../proto/rescoring.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { compare, summarise } from '../../../workers/reward/compare.js';
import { Rescorer } from '../../../workers/reward/rescorer.js';
import { readerOf, SmallRun } from '../../support/small-run.js';
import { labelled } from './messages.js';

describe('comparing two rewards', () => {
  it('by hand: correlation, agreement, changed signs over what both know', () => {
    const a = { name: 'a', values: Float64Array.of(1, 0, 2, Number.NaN, 1) };
    const b = { name: 'b', values: Float64Array.of(1, 1, 3, 5, Number.NaN) };
    const both = compare(a, b);
    // (1,1), (0,1), (2,3): covariance 1 of deviations sqrt(2) and sqrt(8/3): 2 / sqrt(2 * 8/3).
    expect(both.correlation).toBeCloseTo(2 / Math.sqrt((2 * 8) / 3), 12);
    expect(both).toMatchObject({ both: 3, agreement: 1 / 3, signChanged: 1 / 3, meanDifference: 2 / 3 });
    expect(summarise('a', a.values)).toEqual({ name: 'a', known: 4, unknown: 1, mean: 1, positiveShare: 0.75 });
  });

  it('has no correlation where one of them always says the same, and knows nothing where nothing is known by both', () => {
    const constant = { name: 'c', values: Float64Array.of(1, 1) };
    expect(compare(constant, { name: 'd', values: Float64Array.of(0, 2) }).correlation).toBeNull();
    expect(compare(constant, { name: 'e', values: Float64Array.of(Number.NaN, Number.NaN) })).toMatchObject({ both: 0, correlation: null, agreement: 0 });
  });
});

describe('rescoring a stored run', () => {
  let small: SmallRun;
  const annotator = 'e'.repeat(32);
  const spec = rescoringSchema.parse({
    run: 'small',
    variants: [
      { name: 'table', source: { fit: 'retrieval', annotator: { goal: 'open the wall', judge: { kind: 'scripted' } } } },
      { name: 'words', source: { fit: 'bag-of-words', annotator: { goal: 'open the wall', judge: { kind: 'scripted' } } } },
    ],
  });

  beforeAll(async () => {
    small = await SmallRun.prepare();
    await small.collect(3);
    await new LabelLog(small.store, annotator).append([labelled('You bump into a wall.', 0.9), labelled('There is nothing here to pick up.', 0.1)]);
  }, 60_000);
  afterAll(() => small.close());

  it('says what both variants pay for the same transitions, changes nothing, and gives the same object again', async () => {
    const before = (await small.store.list('runs/small/rewards/')).map(({ key, bytes }) => [key, bytes]);
    const rescorer = new Rescorer({ store: small.store, reader: readerOf(small.store) });
    const segments = await rescorer.sample({ run: 'small', segments: 4, seed: 1 });
    expect(segments.length).toBe(4);
    expect(await rescorer.sample({ run: 'small', segments: 4, seed: 1 })).toEqual(segments);
    const variants: RescoringVariant[] = spec.variants.map(({ name, source }) => ({ name, source: { kind: 'model', ...source }, log: name === 'table' ? { annotator, position: 1, labels: 2 } : null, model: null }));
    const result = await rescorer.rescore({ run: 'small', segments, variants });
    const [table, words] = result.summaries;
    expect(words).toMatchObject({ known: result.transitions, unknown: 0 });
    expect(table!.known).toBeLessThan(result.transitions);
    expect(table!.known).toBeGreaterThan(0);
    expect(result.comparisons[0]!.both).toBe(table!.known);
    const body = await readJson<{ examples: Record<string, { text: string; a: number; b: number }[]> }>(small.store, result.artifact.key);
    for (const { text, a, b } of body!.examples['table / words']!) {
      expect(a).toBe(text === 'You bump into a wall.' ? 1 : 0);
      expect(b).not.toBe(a);
    }
    const again = await new Rescorer({ store: small.store, reader: readerOf(small.store) }).rescore({ run: 'small', segments: segments.map((one) => ({ ...one, endpoints: [] })), variants });
    expect(again.artifact.digest).toBe(result.artifact.digest);
    expect((await small.store.list('runs/small/rewards/')).map(({ key, bytes }) => [key, bytes])).toEqual(before);
  });

  it('refuses a run without segments', async () => {
    await expect(new Rescorer({ store: small.store, reader: readerOf(small.store) }).sample({ run: 'none', segments: 1, seed: 1 })).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
  });
});
