/**
 * Tables of a run without rollouts: units with columns of numbers, and pairs or lists as relations over them. One file
 * holds three Arrow streams: units, pairs, lists (without rows where the relation is absent).
 */
import type { Table } from 'apache-arrow';
import { columnArray, columnWidth, fixedSizeList, primitive, readTables, tableBytes, type Column } from '../../proto/flight/tables.js';
import { LaurelError } from '../../proto/errors.js';
import { checkTable, tableMetadata, type TableKind } from '../../proto/schemas.js';

export interface UnitColumn {
  readonly width: number;
  /** [rows, width]. */
  readonly values: Float32Array;
}

export interface Pairs {
  readonly count: number;
  /** Unit rows. */
  readonly first: Int32Array;
  readonly second: Int32Array;
  /** Probability that the first is preferred: 1, 0, 0.5 for a tie, or anything between. */
  readonly label: Float32Array;
  /** One number for each pair: `user`, `planted`, and after curation `origin` (pair of the table before), `change` (see CHANGES), `strength`. */
  readonly columns: Readonly<Record<string, Float32Array>>;
}

export interface Lists {
  readonly start: Int32Array;
  readonly size: Int32Array;
}

export interface Dataset {
  readonly rows: number;
  readonly units: Readonly<Record<string, UnitColumn>>;
  readonly pairs: Pairs | null;
  readonly lists: Lists | null;
  /** What is known of the table as a whole, plain JSON: `pairsBefore` of a curated one. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What curation did to a pair, column `change`. */
export const CHANGES = { kept: 0, flipped: 1, softened: 2 } as const;

/** Equal tables give equal bytes. */
export function encodeDataset({ rows, units, pairs, lists, facts }: Dataset): Uint8Array {
  const stream = (kind: TableKind, columns: readonly Column[], body: unknown): Uint8Array => tableBytes(columns, { metadata: tableMetadata(kind, body) });
  const unitColumns = Object.entries(units).map(([name, { width, values }]) => fixedSizeList(name, values, width));
  return Buffer.concat([
    stream('units', [primitive('unit', Int32Array.from({ length: rows }, (_, row) => row)), ...unitColumns], facts),
    stream('pairs', [primitive('first', pairs?.first ?? new Int32Array(0)), primitive('second', pairs?.second ?? new Int32Array(0)), primitive('label', pairs?.label ?? new Float32Array(0)), ...Object.entries(pairs?.columns ?? {}).map(([name, values]) => primitive(name, values))], { present: pairs !== null }),
    stream('lists', [primitive('start', lists?.start ?? new Int32Array(0)), primitive('size', lists?.size ?? new Int32Array(0))], { present: lists !== null }),
  ]);
}

/** @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_SCHEMA_MISMATCH */
export function decodeDataset(bytes: Uint8Array): Dataset {
  const [units, pairs, lists] = readTables(bytes) as [Table, Table, Table];
  if (lists === undefined) throw new LaurelError('LAUREL_STORE_CORRUPT', 'expected three Arrow streams: units, pairs, lists');
  const facts = checkTable<Record<string, unknown>>(units, 'units', ['unit']);
  const hasPairs = checkTable<{ present: boolean }>(pairs, 'pairs', ['first', 'second', 'label']).present;
  const hasLists = checkTable<{ present: boolean }>(lists, 'lists', ['start', 'size']).present;
  const floats = (table: Table, name: string): Float32Array => columnArray(table, name, Float32Array);
  const names = (table: Table, fixed: readonly string[]): string[] => table.schema.fields.map((field) => field.name).filter((name) => !fixed.includes(name));
  return {
    rows: units.numRows,
    units: Object.fromEntries(names(units, ['unit']).map((name) => [name, { width: columnWidth(units, name), values: floats(units, name) }])),
    pairs: hasPairs
      ? {
          count: pairs.numRows,
          first: columnArray(pairs, 'first', Int32Array),
          second: columnArray(pairs, 'second', Int32Array),
          label: floats(pairs, 'label'),
          columns: Object.fromEntries(names(pairs, ['first', 'second', 'label']).map((name) => [name, floats(pairs, name)])),
        }
      : null,
    lists: hasLists ? { start: columnArray(lists, 'start', Int32Array), size: columnArray(lists, 'size', Int32Array) } : null,
    facts,
  };
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH with the columns that are there */
export function unitColumn(data: Dataset, name: string): UnitColumn {
  const column = data.units[name];
  if (column === undefined) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected a column ${name} of the units, got ${Object.keys(data.units).join(', ')}`, { name });
  return column;
}

/** A column of one number. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function unitNumbers(data: Dataset, name: string): Float32Array {
  const { width, values } = unitColumn(data, name);
  if (width !== 1) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected one number for each unit in column ${name}, got ${width}`, { name, width });
  return values;
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function pairsOf(data: Dataset, what: string): Pairs {
  if (data.pairs === null) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected a table of pairs for ${what}, got one without`, {});
  return data.pairs;
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function listsOf(data: Dataset, what: string): Lists {
  if (data.lists === null) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected a table of lists for ${what}, got one without`, {});
  return data.lists;
}

/** [rows.length, width]: these rows of a column. */
export function gather({ width, values }: UnitColumn, rows: ArrayLike<number>): Float32Array {
  const out = new Float32Array(rows.length * width);
  for (let at = 0; at < rows.length; at++) out.set(values.subarray((rows[at] as number) * width, ((rows[at] as number) + 1) * width), at * width);
  return out;
}
