/** Boxes and intervals: how much two of them are the same. */

/** Corner with the smallest coordinates, and size; sizes are not negative. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** Both ends included, whole numbers. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

const overlap = (a: number, aSize: number, b: number, bSize: number): number => Math.max(0, Math.min(a + aSize, b + bSize) - Math.max(a, b));

function areas(a: Box, b: Box): { readonly shared: number; readonly union: number } {
  const shared = overlap(a.x, a.w, b.x, b.w) * overlap(a.y, a.h, b.y, b.h);
  return { shared, union: a.w * a.h + b.w * b.h - shared };
}

/** Intersection over union, 0..1; 0 where both are empty. */
export function boxIou(a: Box, b: Box): number {
  const { shared, union } = areas(a, b);
  return union === 0 ? 0 : shared / union;
}

/** Generalised IoU, above -1 to 1 (Rezatofighi et al., arXiv 1902.09630, algorithm 1). */
export function generalisedIou(a: Box, b: Box): number {
  const { union } = areas(a, b);
  const hull = (Math.max(a.x + a.w, b.x + b.w) - Math.min(a.x, b.x)) * (Math.max(a.y + a.h, b.y + b.h) - Math.min(a.y, b.y));
  return hull === 0 ? 0 : boxIou(a, b) - (hull - union) / hull;
}

/** Mean absolute difference of the four numbers. */
export function boxL1(a: Box, b: Box): number {
  return (Math.abs(a.x - b.x) + Math.abs(a.y - b.y) + Math.abs(a.w - b.w) + Math.abs(a.h - b.h)) / 4;
}

export function sharedInterval(a: Interval, b: Interval): Interval | null {
  const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
  return from <= to ? { from, to } : null;
}

/** Intersection over union of the moments of two intervals. */
export function temporalIou(a: Interval, b: Interval): number {
  const shared = sharedInterval(a, b);
  const length = ({ from, to }: Interval): number => to - from + 1;
  return shared === null ? 0 : length(shared) / (length(a) + length(b) - length(shared));
}

/**
 * The pairing of as many as possible that has the greatest sum, by trying all: for the few items that a text names.
 * @param gain of row i with column j
 * @returns [row, column] pairs, by row
 */
export function bestPairing(rows: number, columns: number, gain: (row: number, column: number) => number): [row: number, column: number][] {
  let best: { pairs: [number, number][]; sum: number } = { pairs: [], sum: Number.NEGATIVE_INFINITY };
  const size = Math.min(rows, columns);
  const search = (row: number, used: ReadonlySet<number>, pairs: [number, number][], sum: number): void => {
    if (pairs.length === size) {
      if (sum > best.sum) best = { pairs, sum };
      return;
    }
    if (rows - row > size - pairs.length) search(row + 1, used, pairs, sum);
    if (row >= rows) return;
    for (let column = 0; column < columns; column++) if (!used.has(column)) search(row + 1, new Set([...used, column]), [...pairs, [row, column]], sum + gain(row, column));
  };
  search(0, new Set(), [], 0);
  return best.pairs;
}
