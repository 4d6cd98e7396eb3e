/** Curves from metric lines: thinned to what a plot can show, smoothed, differentiated. Pure. */
import type { MetricsLine } from '../../proto/activities.js';

export type Point = readonly [x: number, y: number];

export interface Curve {
  readonly name: string;
  readonly points: readonly Point[];
}

const POINTS_MAX = 240;

/** One metric over trained transitions. Lines without the metric, or with a number that is not finite, are left out. */
export function metricPoints(lines: readonly MetricsLine[], metric: string): Point[] {
  const points = lines.flatMap((line): Point[] => {
    const value = line.values[metric];
    return value === undefined || !Number.isFinite(value) ? [] : [[line.transitions, value]];
  });
  return thin(points, POINTS_MAX);
}

/** Means of neighbours, so that no more than `count` points are left. */
export function thin(points: readonly Point[], count: number): Point[] {
  if (points.length <= count) return [...points];
  return Array.from({ length: count }, (_, bucket): Point => {
    const part = points.slice(Math.floor((bucket * points.length) / count), Math.floor(((bucket + 1) * points.length) / count));
    const mean = (index: 0 | 1): number => part.reduce((total, point) => total + point[index], 0) / part.length;
    return [mean(0), mean(1)];
  });
}

/** Centred moving mean over a share of the curve; the ends use what there is. */
export function smooth(points: readonly Point[], share = 0.05): Point[] {
  const half = Math.max(1, Math.round((points.length * share) / 2));
  return points.map(([x], index): Point => {
    const part = points.slice(Math.max(0, index - half), index + half + 1);
    return [x, part.reduce((total, [, y]) => total + y, 0) / part.length];
  });
}

/** Trained transitions per second, over windows of at least two seconds. x: seconds since the start. */
export function throughput(lines: readonly MetricsLine[]): Point[] {
  const points: Point[] = [];
  let last = { elapsedMs: 0, transitions: 0 };
  for (const line of lines) {
    const spanMs = line.elapsedMs - last.elapsedMs;
    if (spanMs < 2000) continue;
    points.push([line.elapsedMs / 1000, ((line.transitions - last.transitions) * 1000) / spanMs]);
    last = line;
  }
  return thin(points, POINTS_MAX);
}

/** Names of metrics with a prefix, without it: `reward.` gives `total`, `helpful`. */
export function namesWith(lines: readonly MetricsLine[], prefix: string): string[] {
  const names = new Set<string>();
  for (const line of lines) for (const name of Object.keys(line.values)) if (name.startsWith(prefix)) names.add(name.slice(prefix.length));
  return [...names];
}
