/** What two rewards of the same transitions have in common. Pure. */
import type { RescoringComparison, RescoringSummary } from '../../proto/activities.js';

/** NaN: unknown. */
export type Values = Float64Array;

const EQUAL = 1e-6;

export function summarise(name: string, values: Values): RescoringSummary {
  const known = values.filter((value) => !Number.isNaN(value));
  const sum = known.reduce((total, value) => total + value, 0);
  return {
    name,
    known: known.length,
    unknown: values.length - known.length,
    mean: known.length === 0 ? 0 : sum / known.length,
    positiveShare: known.length === 0 ? 0 : known.filter((value) => value > 0).length / known.length,
  };
}

export function compare(a: { readonly name: string; readonly values: Values }, b: { readonly name: string; readonly values: Values }): RescoringComparison {
  let both = 0;
  let equal = 0;
  let changed = 0;
  let difference = 0;
  const sums = { a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
  a.values.forEach((x, unit) => {
    const y = b.values[unit] as number;
    if (Number.isNaN(x) || Number.isNaN(y)) return;
    both += 1;
    if (Math.abs(x - y) <= EQUAL) equal += 1;
    if (x > 0 !== y > 0) changed += 1;
    difference += Math.abs(x - y);
    sums.a += x;
    sums.b += y;
    sums.aa += x * x;
    sums.bb += y * y;
    sums.ab += x * y;
  });
  const share = (count: number): number => (both === 0 ? 0 : count / both);
  const spread = (square: number, sum: number): number => square - (sum * sum) / both;
  const product = both === 0 ? 0 : spread(sums.aa, sums.a) * spread(sums.bb, sums.b);
  const correlation = product > 1e-12 ? (sums.ab - (sums.a * sums.b) / both) / Math.sqrt(product) : null;
  return { a: a.name, b: b.name, both, correlation, agreement: share(equal), signChanged: share(changed), meanDifference: share(difference) };
}
