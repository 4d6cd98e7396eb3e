/** Two proxy rewards that rise for ever, and a truth that has its best at a known level of both. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { logSoftmax } from './bandit.js';

/** Nothing is drawn: the table is the whole square. */
export function makeProxies({ levels, most, good, start, spread }: DataSpecOf<'proxies'>): Record<string, Dataset> {
  const rows = levels * levels;
  const level = (index: number): number => (most * index) / (levels - 1);
  const both = Array.from({ length: rows }, (_, row) => [level(Math.floor(row / levels)), level(row % levels)] as const);
  const logReference = logSoftmax(both.map(([a, b]) => -((a - start) ** 2 + (b - start) ** 2) / (2 * spread ** 2)));
  const column = (value: (row: number) => number) => ({ width: 1, values: Float32Array.from({ length: rows }, (_, row) => value(row)) });
  const of = (row: number): readonly [number, number] => both[row] as readonly [number, number];
  return {
    policy: {
      rows,
      units: {
        prompt: column(() => 0),
        action: column((row) => row),
        logReference: column((row) => logReference[row] as number),
        r1: column((row) => of(row)[0]),
        r2: column((row) => of(row)[1]),
        gold: column((row) => 1 - ((of(row)[0] - good) ** 2 + (of(row)[1] - good) ** 2) / 2),
      },
      pairs: null,
      lists: { start: Int32Array.of(0), size: Int32Array.of(rows) },
      facts: {},
    },
  };
}
