/**
 * Columns made from typed arrays without copying or builders (a FixedSizeList builder writes 44 MB/s; this is free).
 * A column aliases its array: do not write to the array until the table's bytes are made.
 */
import { Binary, Field, FixedSizeList, Float32, Float64, Int16, Int32, Int64, Int8, List, makeData, Uint16, Uint32, Uint64, Uint8, Utf8, type Data, type DataType } from 'apache-arrow';
import { LaurelError } from '../errors.js';

export type NumberArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;

export interface Column {
  readonly field: Field;
  readonly data: Data;
}

/** One number for each row. */
export function primitive(name: string, values: NumberArray): Column {
  const type = typeOf(values);
  return { field: new Field(name, type, false), data: primitiveData(type, values) };
}

/**
 * `width` numbers for each row, row-major.
 * @throws LaurelError LAUREL_INVARIANT_VIOLATED where the length is not a multiple of the width.
 */
export function fixedSizeList(name: string, values: NumberArray, width: number): Column {
  if (!Number.isInteger(width) || width < 1 || values.length % width !== 0) {
    throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected column ${name} to hold a multiple of its width ${width}, got ${values.length} values`, { name, width });
  }
  const item = typeOf(values);
  const type = new FixedSizeList(width, new Field('item', item, false));
  return { field: new Field(name, type, false), data: makeData({ type, length: values.length / width, nullCount: 0, child: primitiveData(item, values) }) };
}

/**
 * Numbers of any count for each row: row i is `values[offsets[i] .. offsets[i + 1]]`, so there is one offset more than rows.
 * @throws LaurelError LAUREL_INVARIANT_VIOLATED where the last offset is not the number of values
 */
export function list(name: string, offsets: Int32Array, values: NumberArray): Column {
  if (offsets[offsets.length - 1] !== values.length) {
    throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected the last offset of column ${name} to be its ${values.length} values, got ${offsets[offsets.length - 1] ?? 'no offset'}`, { name });
  }
  const item = typeOf(values);
  const type = new List(new Field('item', item, false));
  return { field: new Field(name, type, false), data: makeData({ type, length: offsets.length - 1, nullCount: 0, valueOffsets: offsets, child: primitiveData(item, values) }) };
}

/** Bytes of any length for each row. Nullable only where a row is null. */
export function binary(name: string, values: readonly (Uint8Array | null)[]): Column {
  const offsets = new Int32Array(values.length + 1);
  let total = 0;
  values.forEach((value, row) => {
    total += value?.byteLength ?? 0;
    offsets[row + 1] = checkOffset(name, total);
  });
  const bytes = new Uint8Array(total);
  values.forEach((value, row) => value && bytes.set(value, offsets[row]));
  return variable(name, new Binary(), offsets, bytes, values);
}

/** As `binary`, from what is at hand already: row i is `bytes[offsets[i] .. offsets[i + 1]]`, so there is one offset more than rows. */
export function binaryFrom(name: string, offsets: Int32Array, bytes: Uint8Array): Column {
  return variable(name, new Binary(), offsets, bytes);
}

/** Text for each row. Nullable only where a row is null. */
export function utf8(name: string, values: readonly (string | null)[]): Column {
  const offsets = new Int32Array(values.length + 1);
  const joined = values.join('');
  let bytes: Uint8Array = Buffer.from(joined, 'utf8');
  // One byte for each UTF-16 unit: all of it is ASCII, and lengths are offsets.
  if (bytes.byteLength === joined.length) {
    let total = 0;
    values.forEach((value, row) => (offsets[row + 1] = checkOffset(name, (total += value?.length ?? 0))));
  } else {
    // Not cut from the joined bytes: halves of a surrogate pair at two row ends would have melted into one character.
    const encoder = new TextEncoder();
    const room = new Uint8Array(3 * joined.length);
    let total = 0;
    values.forEach((value, row) => {
      if (value) total += encoder.encodeInto(value, room.subarray(total)).written;
      offsets[row + 1] = checkOffset(name, total);
    });
    bytes = room.subarray(0, total);
  }
  return variable(name, new Utf8(), offsets, bytes, values);
}

/** Text from bytes that are UTF-8 already, see `binaryFrom`. */
export function utf8From(name: string, offsets: Int32Array, bytes: Uint8Array): Column {
  return variable(name, new Utf8(), offsets, bytes);
}

function variable(name: string, type: Binary | Utf8, valueOffsets: Int32Array, data: Uint8Array, values: readonly unknown[] = []): Column {
  const length = valueOffsets.length - 1;
  const end = valueOffsets[length];
  if (end === undefined || end > data.byteLength) {
    throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected the last offset of column ${name} within its ${data.byteLength} bytes, got ${end ?? 'no offset'}`, { name });
  }
  const nulls = nullsOf(values);
  return { field: new Field(name, type, nulls.nullCount > 0), data: makeData({ type: type as Binary, length, valueOffsets, data, ...nulls }) };
}

/** Arrow's validity bitmap: bit i set where row i has a value. */
function nullsOf(values: readonly unknown[]): { nullCount: number; nullBitmap?: Uint8Array } {
  let nullCount = 0;
  for (const value of values) if (value === null) nullCount += 1;
  if (nullCount === 0) return { nullCount };
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, row) => {
    if (value !== null) nullBitmap[row >> 3]! |= 1 << (row & 7);
  });
  return { nullCount, nullBitmap };
}

function primitiveData(type: DataType, values: NumberArray): Data {
  return makeData({ type, length: values.length, nullCount: 0, data: values } as Parameters<typeof makeData>[0]) as Data;
}

function typeOf(values: NumberArray): DataType {
  if (values instanceof Int32Array) return new Int32();
  if (values instanceof Float32Array) return new Float32();
  if (values instanceof Uint8Array) return new Uint8();
  if (values instanceof Int8Array) return new Int8();
  if (values instanceof Int16Array) return new Int16();
  if (values instanceof Uint16Array) return new Uint16();
  if (values instanceof Uint32Array) return new Uint32();
  if (values instanceof Float64Array) return new Float64();
  return values instanceof BigInt64Array ? new Int64() : new Uint64();
}

function checkOffset(name: string, total: number): number {
  if (total > 2 ** 31 - 1) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected at most 2 GiB in column ${name}; write several tables`, { name });
  return total;
}
