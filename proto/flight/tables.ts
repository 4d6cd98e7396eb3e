/** Tables to bytes (one Arrow IPC stream) and back, column by column. Building columns: see columns.ts. */
import { makeData, MessageReader, RecordBatch, RecordBatchStreamWriter, Schema, Struct, tableFromIPC, type Data, type Table } from 'apache-arrow';
import { LaurelError } from '../errors.js';
import type { Column } from './columns.js';
import { splitStreams } from './ipc-messages.js';
import { BATCH_BYTES } from './limits.js';

export { binary, binaryFrom, fixedSizeList, list, primitive, utf8, utf8From, type Column, type NumberArray } from './columns.js';
export { binaryColumn, columnArray, columnWidth, listColumn, utf8Column, type BinaryColumn, type ListColumn } from './column-readers.js';

export interface TableOptions {
  readonly metadata?: ReadonlyMap<string, string>;
  /** Rows of each record batch. Default: as many as fit in 2 MiB, counted row by row. */
  readonly batchRows?: number;
}

/** Rows of a record batch that make one Flight message of about 2 MiB (always between 1 and 4 where a row is below 1 MiB). */
export function batchRowsFor(bytesPerRow: number): number {
  return Math.max(1, Math.floor(BATCH_BYTES / Math.max(1, bytesPerRow)));
}

/**
 * One Arrow IPC stream. Equal columns and options give equal bytes.
 * @throws LaurelError LAUREL_INVARIANT_VIOLATED where columns differ in length or share a name.
 */
export function tableBytes(columns: readonly Column[], options: TableOptions = {}): Uint8Array {
  const rows = checkColumns(columns);
  const schema = new Schema(
    columns.map(({ field }) => field),
    new Map(options.metadata ?? []),
  );
  const writer = new RecordBatchStreamWriter();
  // Writes the schema now; a table without rows has no batch that would.
  writer.reset(undefined, schema);
  let begin = 0;
  for (const end of batchEnds(columns, rows, options.batchRows)) {
    const children = columns.map(({ data }) => (begin === 0 && end === rows ? data : data.slice(begin, end - begin)));
    writer.write(new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: end - begin, nullCount: 0, children })));
    begin = end;
  }
  writer.finish();
  return writer.toUint8Array(true);
}

/**
 * The table of a file that holds one stream, as views of the bytes.
 * @throws LaurelError LAUREL_STORE_CORRUPT where the bytes are not one whole stream.
 */
export function readTable(bytes: Uint8Array): Table {
  const tables = readTables(bytes);
  if (tables.length !== 1) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected one Arrow stream, got ${tables.length}; read them with readTables`, { streams: tables.length });
  return tables[0]!;
}

/** One table for each stream of a file. @throws LaurelError LAUREL_STORE_CORRUPT */
export function readTables(bytes: Uint8Array): Table[] {
  return splitStreams(bytes).map((stream) => {
    try {
      return tableFromIPC(stream);
    } catch (cause) {
      throw new LaurelError('LAUREL_STORE_CORRUPT', `expected an Arrow stream that can be read, got ${(cause as Error).message}`, {}, { cause });
    }
  });
}

/** @param bytes an encapsulated schema message, see `schemaBytes`. @throws LaurelError LAUREL_STORE_CORRUPT */
export function readSchema(bytes: Uint8Array): Schema {
  const schema = new MessageReader(bytes).readSchema();
  if (!schema) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected a schema message, got ${bytes.byteLength} bytes that are none`);
  return schema;
}

function checkColumns(columns: readonly Column[]): number {
  const rows = columns[0]?.data.length ?? 0;
  const names = new Set<string>();
  for (const { field, data } of columns) {
    if (data.length !== rows) {
      throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected ${rows} rows in column ${field.name} as in ${columns[0]?.field.name}, got ${data.length}`, { name: field.name });
    }
    if (names.has(field.name)) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected each column once, got ${field.name} twice`, { name: field.name });
    names.add(field.name);
  }
  return rows;
}

/** Ends of the record batches, ascending; the last is `rows`. */
function* batchEnds(columns: readonly Column[], rows: number, batchRows: number | undefined): Generator<number> {
  if (batchRows !== undefined) {
    for (let end = batchRows; end < rows; end += batchRows) yield end;
  } else {
    const variable = columns.flatMap(({ data }) => (data.valueOffsets ? [{ offsets: data.valueOffsets as Int32Array, item: itemBytes(data) }] : []));
    const fixedBytes = columns.reduce((sum, { data }) => sum + fixedBytesPerRow(data), 0);
    let bytes = 0;
    for (let row = 0; row < rows; row += 1) {
      let rowBytes = fixedBytes;
      for (const { offsets, item } of variable) rowBytes += 4 + item * (offsets[row + 1]! - offsets[row]!);
      if (bytes > 0 && bytes + rowBytes > BATCH_BYTES) {
        yield row;
        bytes = 0;
      }
      bytes += rowBytes;
    }
  }
  if (rows > 0) yield rows;
}

/** Of a column of variable length: 1 for bytes, the width of a number for lists. */
function itemBytes(data: Data): number {
  return (data.children[0]?.values as Uint8Array | undefined)?.BYTES_PER_ELEMENT ?? 1;
}

function fixedBytesPerRow(data: Data): number {
  if (data.valueOffsets) return 0;
  const values = (data.children[0] ?? data).values as Uint8Array;
  return data.length === 0 ? 0 : values.byteLength / data.length;
}
