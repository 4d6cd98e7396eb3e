/** Means with 95 % confidence intervals by Student's t, for samples of independent episodes; quantiles. */

/** Quantiles 0.975 of Student's t by degrees of freedom, from 1. */
const T_975 = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739,
  2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
];
const Z_975 = 1.959963984540054;

export interface MeanInterval {
  readonly mean: number;
  readonly halfWidth: number;
}

/** Quantile 0.975 of Student's t; beyond the table by the first terms of its expansion in 1 / freedom (error < 1e-4). */
export function studentT975(freedom: number): number {
  const listed = T_975[freedom - 1];
  if (listed !== undefined) return listed;
  const z = Z_975;
  return z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2);
}

/** Undefined for fewer than two values: they have no interval. Values that are not finite are unknown and left out. */
export function meanInterval(values: readonly number[]): MeanInterval | undefined {
  const known = values.filter((value) => Number.isFinite(value));
  if (known.length < 2) return undefined;
  const mean = known.reduce((total, value) => total + value, 0) / known.length;
  const variance = known.reduce((total, value) => total + (value - mean) ** 2, 0) / (known.length - 1);
  return { mean, halfWidth: studentT975(known.length - 1) * Math.sqrt(variance / known.length) };
}

/** The value below which a share `q` of the sorted values lies (nearest rank); 0 where there are none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? 0;
}
