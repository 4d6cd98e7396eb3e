/** How long a worker that died waits before it is started again. Pure. */
export interface BackOff {
  readonly firstMs: number;
  readonly maxMs: number;
  /** A worker that lived this long has recovered: the next wait is the first one again. */
  readonly resetAfterMs: number;
}

export const DEFAULT_BACK_OFF: BackOff = { firstMs: 500, maxMs: 30_000, resetAfterMs: 60_000 };

/** Deaths in a row, this one included, from the count before it and the life that just ended. */
export function countDeaths(before: number, livedMs: number, backOff: BackOff): number {
  return livedMs >= backOff.resetAfterMs ? 1 : before + 1;
}

/** Doubles with each death in a row. */
export function backOffMs(deaths: number, backOff: BackOff): number {
  return Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(30, Math.max(0, deaths - 1)));
}
