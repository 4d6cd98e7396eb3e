import { describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import { fitKindSchema, type BagOfWordsSpec } from '../../../proto/reward-fits.js';
import { bagOfWordsValues, cosine, WordVectors } from '../../../workers/reward/models/bag-of-words.js';
import { classificationValue } from '../../../workers/reward/models/classification.js';
import type { ModelBody } from '../../../workers/reward/models/model-file.js';
import { faded, merged, momentsOf, NO_MOMENTS, quantile, standardised } from '../../../proto/moments.js';
import { rankingValue } from '../../../workers/reward/models/ranking.js';
import { testPairs } from '../../../workers/reward/models/ranking-fit.js';

const bodyOf = (head: ModelBody['head']): ModelBody => ({ annotator: 'a', fit: 'f', spec: fitKindSchema.parse({ kind: 'classification' }) as ModelBody['spec'], position: 7, labels: 70, previous: null, steps: 1, head, ready: true, usable: 7, metrics: {} });

describe('running standardisation', () => {
  it('merges parts to the moments of the whole: by hand', () => {
    // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares 32, unbiased variance 32/7.
    const whole = merged(merged(NO_MOMENTS, momentsOf([2, 4, 4])), momentsOf([4, 5, 5, 7, 9]));
    expect(whole.count).toBe(8);
    expect(whole.mean).toBeCloseTo(5, 12);
    expect(whole.squares).toBeCloseTo(32, 12);
    expect(standardised(whole, 9)).toBeCloseTo(4 / Math.sqrt(32 / 7), 12);
  });

  it('keeps mean and variance where it forgets, and lets new numbers count more', () => {
    const old = momentsOf([0, 0, 0, 0, 10, 10, 10, 10]);
    expect(faded(old, 4)).toEqual({ count: 4, mean: 5, squares: 100 });
    // Four old of mean 5 and four new of mean 9: 7, not the (8 * 5 + 4 * 9) / 12 of all.
    expect(merged(faded(old, 4), momentsOf([9, 9, 9, 9])).mean).toBeCloseTo(7, 12);
  });

  it('does not become infinite where all scores are the same', () => {
    expect(standardised(momentsOf([3, 3, 3]), 3)).toBe(0);
    expect(Number.isFinite(standardised(momentsOf([3, 3, 3]), 4))).toBe(true);
  });

  it('finds quantiles between neighbours', () => {
    expect(quantile([3, 1, 2, 4], 0.5)).toBe(2.5);
    expect(quantile([3, 1, 2, 4], 0)).toBe(1);
    expect(quantile([3, 1, 2, 4], 1)).toBe(4);
  });
});

describe('what a version says of a score', () => {
  it('ranking: z above the threshold, else 0, by hand', () => {
    const body = bodyOf({ kind: 'ranking', moments: { count: 5, mean: 2, squares: 16 }, standardise: true, threshold: -0.5 });
    // Deviation 2: scores 6, 1.5 and .9 are z = 2, -.25 and -.55.
    expect(rankingValue(body, 6)).toMatchObject({ value: 2, version: 7 });
    expect(rankingValue(body, 1.5).value).toBeCloseTo(-0.25, 12);
    expect(rankingValue(body, 0.9).value).toBe(0);
    // A message of mean score beats one of mean score half the time.
    expect(rankingValue(body, 2).confidence).toBe(0.5);
    expect(rankingValue(body, 2 + Math.log(3)).confidence).toBeCloseTo(0.75, 12);
  });

  it('classification: 1 above eta, or the calibrated probability, by hand', () => {
    const body = bodyOf({ kind: 'classification', calibration: { slope: 2, shift: -Math.log(3) }, threshold: 0.6 });
    // 2 ln 3 - ln 3 = ln 3: three quarters; and 0 - ln 3: a quarter.
    expect(classificationValue(body, Math.log(3), 'probability').value).toBeCloseTo(0.75, 12);
    expect(classificationValue(body, Math.log(3), 'binary').value).toBe(1);
    expect(classificationValue(body, 0, 'binary')).toMatchObject({ value: 0, version: 7 });
    expect(classificationValue(body, 0, 'binary').confidence).toBeCloseTo(0.75, 12);
  });

  it('is measured on pairs with a winner, against naming always one place: by hand', () => {
    const cases = [
      { difference: 1, target: 1 },
      { difference: -1, target: 0 },
      { difference: -0.1, target: 1 },
      { difference: 0.3, target: 0.5 },
    ];
    expect(testPairs(cases)).toEqual({ tested: 3, heldOut: 4, accuracy: 2 / 3, majority: 2 / 3 });
  });
});

describe('fit bag-of-words', () => {
  const spec = fitKindSchema.parse({ kind: 'bag-of-words' }) as BagOfWordsSpec;
  const value = (text: string, goal = 'kill monsters and find gold', change: Partial<BagOfWordsSpec> = {}) => bagOfWordsValues({ ...spec, ...change }, goal)(text, {})!.value;

  it('computes a cosine', () => {
    expect(cosine(Float64Array.of(3, 4), Float64Array.of(4, 3))).toBeCloseTo(24 / 25, 12);
    expect(cosine(Float64Array.of(0, 0), Float64Array.of(4, 3))).toBe(0);
    const words = new WordVectors(64);
    expect(words.sum('a a b')).toEqual(words.sum('b a a'));
  });

  it('is 1 for the goal itself whatever its order and case, larger for shared words and parts of words, and 0 without words', () => {
    expect(value('FIND gold, and kill monsters!')).toBeCloseTo(1, 12);
    expect(value('You kill the monster!')).toBeGreaterThan(value('The door is locked.'));
    expect(value('gold')).toBeGreaterThan(0.2);
    expect(value('...')).toBe(0);
  });

  it('pays nothing at or below its threshold', () => {
    const cosineOfGold = value('gold');
    expect(value('gold', undefined, { threshold: cosineOfGold + 0.01 })).toBe(0);
    expect(value('gold', undefined, { threshold: cosineOfGold - 0.01 })).toBe(cosineOfGold);
  });
});

describe('a job with a fit', () => {
  const job = (fit: unknown, mode?: string) => ({
    name: 'fit',
    environment: { kind: 'nethack' },
    sources: { helpful: { kind: 'model', fit, annotator: { goal: 'g', ...(mode === undefined ? {} : { mode }), judge: { kind: 'scripted' } } } },
    combine: { op: 'linear', weights: { helpful: 1 } },
    stop: { versions: 1 },
  });
  const fitOf = (input: unknown): unknown => (resolveJob(input).sources['helpful'] as { fit: unknown }).fit;

  it('takes the name of a fit for the fit with its defaults, and its resolved form again', () => {
    const resolved = fitOf(job('classification'));
    expect(resolved).toMatchObject({ kind: 'classification', threshold: 0.5, classWeights: 'balanced' });
    expect(fitOf(job(resolved))).toEqual(resolved);
    expect(fitOf(job('retrieval'))).toEqual({ kind: 'retrieval' });
  });

  it('is refused where the annotator asks otherwise than the fit learns', () => {
    expect(() => resolveJob(job('ranking'))).toThrow(/expected pairwise.*ranking learns from comparisons/);
    expect(() => resolveJob(job('classification', 'pairwise'))).toThrow(/expected pointwise/);
    expect(() => resolveJob(job({ kind: 'offline', model: 'classification' }))).not.toThrow();
    expect(() => resolveJob(job('ranking', 'pairwise'))).not.toThrow();
    expect(() => resolveJob(job('bag-of-words'))).not.toThrow();
  });
});
