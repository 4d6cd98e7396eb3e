/** Reading columns whole: views where the table is one batch, else one copy. Columns with nulls are refused (read them with `getChild`). */
import { DataType, type Table, type Vector } from 'apache-arrow';
import { LaurelError } from '../errors.js';
import type { NumberArray } from './columns.js';

/** Row i is `bytes[offsets[i] .. offsets[i + 1]]`. */
export interface BinaryColumn extends Iterable<Uint8Array> {
  readonly rows: number;
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
  /** A view. */
  at(row: number): Uint8Array;
}

/**
 * All values of a column of numbers or of FixedSizeList of numbers, row-major.
 * @param kind the array that is expected (`Float32Array`); absent: whatever the column has.
 * @throws LaurelError LAUREL_SCHEMA_MISMATCH
 */
export function columnArray(table: Table, name: string): NumberArray;
export function columnArray<Kind extends NumberArray>(table: Table, name: string, kind: new (length: number) => Kind): Kind;
export function columnArray(table: Table, name: string, kind?: new (length: number) => NumberArray): NumberArray {
  const column = withoutNulls(columnOf(table, name), name);
  const isList = DataType.isFixedSizeList(column.type);
  const width = columnWidth(table, name);
  const item = (isList ? column.type.children[0]?.type : column.type) as DataType;
  if (!DataType.isInt(item) && !DataType.isFloat(item)) throw mismatch(name, 'numbers', column);
  const ArrayType = item.ArrayType as unknown as new (length: number) => NumberArray;
  if (kind && kind !== ArrayType) throw mismatch(name, kind.name, column);
  const chunks = column.data.filter((data) => data.length > 0).map((data) => ((isList ? data.children[0]! : data).values as NumberArray).subarray(0, data.length * width));
  if (chunks.length === 1) return chunks[0]!;
  const values = new ArrayType(column.length * width);
  let at = 0;
  for (const chunk of chunks) {
    (values as Uint8Array).set(chunk as Uint8Array, at);
    at += chunk.length;
  }
  return values;
}

/** Numbers for each row: the size of a FixedSizeList, else 1. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function columnWidth(table: Table, name: string): number {
  const type = columnOf(table, name).type as DataType;
  return DataType.isFixedSizeList(type) ? type.listSize : 1;
}

/** Row i is `values[offsets[i] .. offsets[i + 1]]`. */
export interface ListColumn<Kind extends NumberArray> {
  readonly offsets: Int32Array;
  readonly values: Kind;
  /** A view. */
  at(row: number): Kind;
}

/** A column of lists of numbers. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function listColumn<Kind extends NumberArray>(table: Table, name: string, kind: new (length: number) => Kind): ListColumn<Kind> {
  const column = withoutNulls(columnOf(table, name), name);
  const item = DataType.isList(column.type) ? (column.type.children[0]?.type as DataType) : undefined;
  if (item === undefined || (item.ArrayType as unknown) !== kind) throw mismatch(name, `lists for ${kind.name}`, column);
  const offsets = new Int32Array(column.length + 1);
  const parts: Kind[] = [];
  let row = 0;
  for (const data of column.data) {
    const own = data.valueOffsets as Int32Array;
    const first = own[0] ?? 0;
    for (let index = 1; index <= data.length; index++) offsets[row + index] = (offsets[row] as number) + (own[index] as number) - first;
    row += data.length;
    parts.push(((data.children[0] as { values: unknown }).values as Kind).subarray(first, own[data.length]) as Kind);
  }
  const values = parts.length === 1 ? (parts[0] as Kind) : new kind(offsets[column.length] as number);
  if (parts.length !== 1) parts.reduce((at, part) => ((values as Uint8Array).set(part as Uint8Array, at), at + part.length), 0);
  return { offsets, values, at: (index) => values.subarray(offsets[index], offsets[index + 1]) as Kind };
}

/** A column of binary or utf8. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function binaryColumn(table: Table, name: string): BinaryColumn {
  const column = withoutNulls(columnOf(table, name), name);
  if (!DataType.isBinary(column.type) && !DataType.isUtf8(column.type)) throw mismatch(name, 'binary or utf8', column);
  const chunks = column.data.filter((data) => data.length > 0).map((data) => ({ rows: data.length, offsets: (data.valueOffsets as Int32Array).subarray(0, data.length + 1), bytes: data.values as Uint8Array }));
  if (chunks.length === 1) return view(chunks[0]!);
  const rows = column.length;
  const offsets = new Int32Array(rows + 1);
  const parts = chunks.map((chunk) => chunk.bytes.subarray(chunk.offsets[0], chunk.offsets[chunk.rows]));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let row = 0;
  let base = 0;
  chunks.forEach((chunk, index) => {
    const first = chunk.offsets[0]!;
    for (let i = 1; i <= chunk.rows; i += 1) offsets[row + i] = base + chunk.offsets[i]! - first;
    bytes.set(parts[index]!, base);
    row += chunk.rows;
    base += parts[index]!.byteLength;
  });
  return view({ rows, offsets, bytes });
}

/** A column of utf8 as strings. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function utf8Column(table: Table, name: string): string[] {
  const { rows, offsets, bytes } = binaryColumn(table, name);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: rows }, (_, row) => buffer.toString('utf8', offsets[row], offsets[row + 1]));
}

function view({ rows, offsets, bytes }: { rows: number; offsets: Int32Array; bytes: Uint8Array }): BinaryColumn {
  const at = (row: number): Uint8Array => {
    if (!(row >= 0 && row < rows)) throw new RangeError(`expected a row from 0 to ${rows - 1}, got ${row}`);
    return bytes.subarray(offsets[row], offsets[row + 1]);
  };
  return {
    rows,
    offsets,
    bytes,
    at,
    *[Symbol.iterator]() {
      for (let row = 0; row < rows; row += 1) yield at(row);
    },
  };
}

function columnOf(table: Table, name: string): Vector {
  const column = table.getChild(name);
  if (!column) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected a column ${name}, got a table with ${table.schema.fields.map((field) => field.name).join(', ')}`, { name });
  return column;
}

function withoutNulls(column: Vector, name: string): Vector {
  if (column.nullCount > 0) throw mismatch(name, 'no nulls', column);
  return column;
}

function mismatch(name: string, expected: string, column: Vector): LaurelError {
  return new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected ${expected} in column ${name}, got ${String(column.type)} with ${column.nullCount} nulls`, { name });
}
