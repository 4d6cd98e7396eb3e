/** E2 and E5: probes of a representation, rank agreement, what curation did, what comparisons determine. */
import type { ModelEvaluationOf } from '../../../proto/preference-evaluate.js';
import { CHANGES, pairsOf, unitColumn, unitNumbers, type Dataset } from '../dataset.js';
import { kendall, mean, pearson, spearman } from '../statistics.js';
import { sigmoid } from '../workloads/draw.js';
import { exact, sampled, type Evaluated, type EvaluationContext } from './evaluation.js';

/** Kendall looks at every pair of units: at the first of them only. */
const KENDALL_UNITS_MAX = 2_000;

export async function correlation(spec: ModelEvaluationOf<'correlation'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const [own, other] = [await scoring.scalar(spec.of, data), await scoring.scalar(spec.with, data)];
  const first = (values: Float32Array): Float32Array => values.subarray(0, KENDALL_UNITS_MAX);
  const largest = own.reduce((most, value, row) => Math.max(most, Math.abs(value - (other[row] as number))), 0);
  return { items: data.rows, means: { largestDifference: exact(largest), pearson: exact(pearson(own, other)), spearman: exact(spearman(own, other)), kendall: exact(kendall(first(own), first(other))) } };
}

const PROBE_STEPS = 300;
const PROBE_RATE = 0.5;
const PROBE_RIDGE = 1e-3;

/** A logistic probe by gradient descent on standardised features: first half of the units trains, second half is judged. */
export async function probes(spec: ModelEvaluationOf<'probe'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const { representation } = await scoring.outputs(spec.of, data, ['representation']);
  const { width, values } = representation ?? { width: 0, values: new Float32Array(0) };
  const half = data.rows >> 1;
  const features = standardisedFeatures(values, width, half);
  const means: Record<string, Evaluated['means'][string]> = {};
  for (const column of spec.columns) {
    const sign = unitNumbers(data, column).map((value) => (value > 0 ? 1 : 0));
    const weights = probe(features, width, sign, half);
    const right = Array.from({ length: data.rows - half }, (_, index) => (linear(features, width, half + index, weights) > 0 ? 1 : 0) === sign[half + index]).map((hit) => (hit ? 1 : 0));
    means[`accuracy.${column}`] = sampled(right);
  }
  return { items: data.rows - half, means };
}

function standardisedFeatures(values: Float32Array, width: number, rows: number): Float32Array {
  const out = values.slice();
  for (let part = 0; part < width; part++) {
    const column = Array.from({ length: rows }, (_, row) => values[row * width + part] as number);
    const centre = mean(column);
    const deviation = Math.sqrt(mean(column.map((value) => (value - centre) ** 2))) || 1;
    for (let at = part; at < out.length; at += width) out[at] = ((values[at] as number) - centre) / deviation;
  }
  return out;
}

function linear(features: Float32Array, width: number, row: number, weights: Float64Array): number {
  let sum = weights[width] as number;
  for (let part = 0; part < width; part++) sum += (weights[part] as number) * (features[row * width + part] as number);
  return sum;
}

function probe(features: Float32Array, width: number, sign: Float32Array, rows: number): Float64Array {
  const weights = new Float64Array(width + 1);
  for (let step = 0; step < PROBE_STEPS; step++) {
    const gradient = weights.map((weight, part) => (part < width ? -PROBE_RIDGE * weight : 0));
    for (let row = 0; row < rows; row++) {
      const error = ((sign[row] as number) - sigmoid(linear(features, width, row, weights))) / rows;
      for (let part = 0; part < width; part++) gradient[part] = (gradient[part] as number) + error * (features[row * width + part] as number);
      gradient[width] = (gradient[width] as number) + error;
    }
    for (let part = 0; part <= width; part++) weights[part] = (weights[part] as number) + PROBE_RATE * (gradient[part] as number);
  }
  return weights;
}

/** Weight of the squares in the readout. */
const READOUT_RIDGE = 1e-3;

/** Least squares from the standardised scores: first half of the units fits, second half is judged. */
export async function readout(spec: ModelEvaluationOf<'readout'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const { width, values } = await scoring.score(spec.of, data);
  const half = data.rows >> 1;
  const features = standardisedFeatures(values, width, half);
  const row = (at: number): number[] => [...features.subarray(at * width, (at + 1) * width), 1];
  const gram = Array.from({ length: width + 1 }, (_, i) => Array.from({ length: width + 1 }, (_unused, j) => (i === j ? READOUT_RIDGE : 0)));
  for (let at = 0; at < half; at++) row(at).forEach((a, i) => row(at).forEach((b, j) => ((gram[i] as number[])[j] = ((gram[i] as number[])[j] as number) + (a * b) / half)));
  const factor = cholesky(gram);
  const means: Record<string, Evaluated['means'][string]> = {};
  for (const column of spec.columns) {
    const wanted = unitNumbers(data, column);
    const products = new Float64Array(width + 1);
    for (let at = 0; at < half; at++) row(at).forEach((a, i) => (products[i] = (products[i] as number) + (a * (wanted[at] as number)) / half));
    const weights = solved(factor, products);
    const judged = wanted.subarray(half);
    const centre = mean(judged);
    const error = mean(judged.map((value, at) => (value - row(half + at).reduce((sum, a, i) => sum + a * (weights[i] as number), 0)) ** 2));
    means[`explained.${column}`] = exact(1 - error / mean(judged.map((value) => (value - centre) ** 2)));
  }
  return { items: data.rows - half, means };
}

/** Purity of what was kept, and how many of those that were dropped or turned had a planted fault. */
export function curation(spec: ModelEvaluationOf<'curation'>, { data }: EvaluationContext): Evaluated {
  const pairs = pairsOf(data, 'an evaluation of curation');
  const planted = pairs.columns[spec.planted] ?? new Float32Array(pairs.count);
  const change = pairs.columns['change'] ?? new Float32Array(pairs.count);
  const before = Number(data.facts['pairsBefore'] ?? pairs.count);
  const faultsBefore = Number(data.facts['plantedBefore'] ?? planted.reduce((sum, one) => sum + one, 0));
  // A pair that was turned round and had a planted fault is right now.
  const wrong = Array.from(planted, (fault, pair) => ((fault === 1) !== (change[pair] === CHANGES.flipped) ? 1 : 0));
  const faultsLeft = planted.reduce((sum, one) => sum + one, 0);
  const touched = pairs.columns['selected'] ?? new Float32Array(pairs.count);
  const selected = Array.from(planted).filter((_, pair) => touched[pair] === 1);
  return {
    items: pairs.count,
    means: {
      purity: sampled(wrong.map((fault) => 1 - fault)),
      'purity.before': exact(1 - faultsBefore / before),
      kept: exact(pairs.count / before),
      ...(before > pairs.count ? { 'dropped.precision': exact((faultsBefore - faultsLeft) / (before - pairs.count)) } : {}),
      ...(selected.length > 0 ? { 'selected.precision': sampled(selected) } : {}),
    },
  };
}

/**
 * Inference distance on the graph of comparisons (arXiv 2402.10184): the posterior variance of r(a) - r(b), in the
 * linear-Gaussian form. An answer's reward is the sum of independent normal values of the segments on its path, prior
 * variance 1 in all; a comparison shows a difference with the table's noise. Answers without a path are independent.
 */
export function comparisonGraph(_spec: ModelEvaluationOf<'comparison-graph'>, { data }: EvaluationContext): Evaluated {
  const pairs = pairsOf(data, 'a comparison graph');
  const { features, prior } = segmentFeatures(data);
  const noise = Number(data.facts['noise'] ?? 1);
  const precision = features.count === 0 ? [] : Array.from({ length: features.count }, (_, index) => Array.from({ length: features.count }, (_unused, other) => (index === other ? 1 / prior : 0)));
  for (let pair = 0; pair < pairs.count; pair++) {
    const difference = differenceOf(features.of, pairs.first[pair] as number, pairs.second[pair] as number);
    for (const [i, a] of difference) for (const [j, b] of difference) (precision[i] as number[])[j] = ((precision[i] as number[])[j] as number) + (a * b) / noise ** 2;
  }
  const factor = cholesky(precision);
  const variances: number[] = [];
  for (let a = 0; a < data.rows; a++) for (let b = a + 1; b < data.rows; b++) variances.push(quadratic(factor, differenceOf(features.of, a, b), features.count));
  const tokens = pairs.columns['tokens'];
  const shared = pairs.columns['shared'];
  return {
    items: pairs.count,
    means: {
      variance: exact(mean(variances)),
      ...(tokens ? { tokens: exact(tokens.reduce((sum, one) => sum + one, 0)) } : {}),
      ...(shared ? { sharing: exact(mean(Array.from(shared, (segments) => (segments > 0 ? 1 : 0)))) } : {}),
    },
  };
}

/** Numbers of the segments on the path of each answer, and the prior variance of one. */
function segmentFeatures(data: Dataset): { features: { count: number; of: readonly (readonly number[])[] }; prior: number } {
  if (data.units['path'] === undefined) return { features: { count: data.rows, of: Array.from({ length: data.rows }, (_, row) => [row]) }, prior: 1 };
  const { width, values } = unitColumn(data, 'path');
  const known = new Map<string, number>();
  const of = Array.from({ length: data.rows }, (_, row) => {
    const path = Array.from(values.subarray(row * width, (row + 1) * width));
    return path.map((_segment, level) => {
      const key = path.slice(0, level + 1).join('/');
      const number = known.get(key) ?? known.size;
      known.set(key, number);
      return number;
    });
  });
  return { features: { count: known.size, of }, prior: 1 / width };
}

/** Segments that one answer has and the other has not, with signs. */
function differenceOf(of: readonly (readonly number[])[], a: number, b: number): [number, number][] {
  const signs = new Map<number, number>();
  for (const segment of of[a] ?? []) signs.set(segment, 1);
  for (const segment of of[b] ?? []) signs.set(segment, (signs.get(segment) ?? 0) - 1);
  return [...signs].filter(([, sign]) => sign !== 0);
}

/** Lower factor of a positive definite matrix. */
function cholesky(matrix: readonly (readonly number[])[]): number[][] {
  const factor = matrix.map((row) => row.map(() => 0));
  matrix.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let sum = row[j] as number;
      for (let k = 0; k < j; k++) sum -= ((factor[i] as number[])[k] as number) * ((factor[j] as number[])[k] as number);
      (factor[i] as number[])[j] = i === j ? Math.sqrt(sum) : sum / ((factor[j] as number[])[j] as number);
    }
  });
  return factor;
}

/** What solves L L' x = v. */
function solved(factor: readonly (readonly number[])[], v: Float64Array): Float64Array {
  const y = forward(factor, v);
  for (let i = v.length - 1; i >= 0; i--) {
    let sum = y[i] as number;
    for (let k = i + 1; k < v.length; k++) sum -= ((factor[k] as number[])[i] as number) * (y[k] as number);
    y[i] = sum / ((factor[i] as number[])[i] as number);
  }
  return y;
}

/** What solves L y = v. */
function forward(factor: readonly (readonly number[])[], v: Float64Array): Float64Array {
  const y = new Float64Array(v.length);
  for (let i = 0; i < v.length; i++) {
    let sum = v[i] as number;
    for (let k = 0; k < i; k++) sum -= ((factor[i] as number[])[k] as number) * (y[k] as number);
    y[i] = sum / ((factor[i] as number[])[i] as number);
  }
  return y;
}

/** v' M^-1 v from the factor of M: the squared length of what solves L y = v. */
function quadratic(factor: readonly (readonly number[])[], vector: readonly (readonly [number, number])[], size: number): number {
  const v = new Float64Array(size);
  for (const [index, value] of vector) v[index] = value;
  return forward(factor, v).reduce((sum, one) => sum + one * one, 0);
}

