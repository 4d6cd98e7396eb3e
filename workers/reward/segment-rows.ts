/** Rows of a segment, after the rows of earlier segments that belong to the episodes which run on into it. */
import type { Table } from 'apache-arrow';
import { columnArray, columnWidth } from '../../proto/flight/tables.js';
import { SEGMENT_COLUMNS as C } from '../../proto/schemas.js';
import type { NumberColumn } from './units.js';

type Values = NumberColumn['values'];

export interface Rows {
  readonly tables: readonly Table[];
  readonly count: number;
  /** Rows of the last table; undefined: there are no others. */
  readonly own: Int32Array | undefined;
  /** Table and row within it. */
  place(row: number): readonly [table: number, at: number];
  ints(name: string): Int32Array;
  flags(name: string): Uint8Array;
  numbers(name: string): NumberColumn;
}

/** @param tables oldest first, the segment itself last; each environment-major, with the columns environment and episode */
export function gather(tables: readonly Table[]): Rows {
  const last = tables.length - 1;
  const places = last === 0 ? null : placesOf(tables);
  const count = places === null ? (tables[0] as Table).numRows : places.table.length;
  const pick = <V extends Values>(arrays: readonly V[], width: number): V => {
    const [first] = arrays as readonly [V];
    if (places === null) return first;
    const picked = new (first.constructor as new (length: number) => V)(count * width);
    for (let row = 0; row < count; row++) {
      const at = places.at[row] as number;
      picked.set((arrays[places.table[row] as number] as V).subarray(at * width, (at + 1) * width) as never, row * width);
    }
    return picked;
  };
  return {
    tables,
    count,
    own: places?.own,
    place: (row) => (places === null ? [0, row] : [places.table[row] as number, places.at[row] as number]),
    ints: (name) => pick(tables.map((table) => columnArray(table, name, Int32Array)), 1),
    flags: (name) => pick(tables.map((table) => columnArray(table, name, Uint8Array)), 1),
    numbers(name) {
      const width = columnWidth(tables[last] as Table, name);
      return { width, values: pick(tables.map((table) => columnArray(table, name) as Values), width) };
    },
  };
}

interface Places {
  readonly table: Int32Array;
  readonly at: Int32Array;
  readonly own: Int32Array;
}

function placesOf(tables: readonly Table[]): Places {
  const keys = tables.map((table) => ({ rows: table.numRows, environment: columnArray(table, C.environment, Int32Array), episode: columnArray(table, C.episode, Int32Array) }));
  // Rows of one environment and episode lie together in every table.
  const spans = keys.map(({ rows, environment, episode }) => {
    const found = new Map<string, [number, number]>();
    for (let row = 0; row < rows; row++) {
      const key = `${environment[row]}/${episode[row]}`;
      const span = found.get(key);
      if (span === undefined) found.set(key, [row, row + 1]);
      else span[1] = row + 1;
    }
    return found;
  });
  const [table, at, own]: [number[], number[], number[]] = [[], [], []];
  const last = tables.length - 1;
  for (const key of (spans[last] as Map<string, [number, number]>).keys()) {
    spans.forEach((span, index) => {
      const [from, to] = span.get(key) ?? [0, 0];
      for (let row = from; row < to; row++) {
        if (index === last) own.push(table.length);
        table.push(index);
        at.push(row);
      }
    });
  }
  return { table: Int32Array.from(table), at: Int32Array.from(at), own: Int32Array.from(own) };
}
