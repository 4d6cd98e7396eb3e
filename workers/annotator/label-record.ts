/** One entry of a label log, and its Arrow form (columns: proto/schemas, LABEL_COLUMNS). */
import { createHash } from 'node:crypto';
import { Binary, Field, Float32, Int32, makeData, RecordBatch, Schema, Struct, Table, tableFromIPC, tableToIPC, Uint8, Utf8 } from 'apache-arrow';
import type { Data, DataType } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { checkTable, LABEL_COLUMNS, LABEL_STATUS, tableMetadata } from '../../proto/schemas.js';
import type { LabelStatus } from '../../proto/schemas.js';

/** Longest raw reply that is kept, in bytes of UTF-8. */
export const REPLY_BYTES_MAX = 8192;

export interface LabelRecord {
  /** The message as the environment gave it, byte for byte. */
  readonly text: Uint8Array;
  readonly status: LabelStatus;
  /** Probability that the message is helpful (0 or 1 where the judge gave only text); null unless the status is ok. */
  readonly label: number | null;
  readonly reply: string;
  readonly model: string;
  readonly promptHash: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly latencyMs: number;
  /** 1 for the first time this text was asked. */
  readonly attempt: number;
  /** ISO 8601. */
  readonly askedAt: string;
}

interface LabelBody {
  readonly annotator: string;
  readonly rows: number;
  /** sha256 over texts, labels, statuses and attempts: an entry has no reference that could hold its digest. */
  readonly digest: string;
}

/** Lossless name of a text: one character for each byte, so that maps can be keyed by it. */
export function textKey(text: Uint8Array): string {
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1');
}

export function textOfKey(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'latin1'));
}

/** The Arrow stream of one log entry. */
export function encodeLabels(annotator: string, records: readonly LabelRecord[]): Uint8Array {
  const labels = Float32Array.from(records, (record) => (record.status === 'ok' && record.label !== null ? record.label : Number.NaN));
  const statuses = Uint8Array.from(records, (record) => LABEL_STATUS.indexOf(record.status));
  const attempts = Int32Array.from(records, (record) => record.attempt);
  const texts = records.map((record) => record.text);
  const utf8 = (pick: (record: LabelRecord) => string): Data => bytesColumn(new Utf8(), records.map((record) => Buffer.from(pick(record), 'utf8')));
  const int32 = (values: Int32Array): Data => makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values });
  const float32 = (values: Float32Array): Data => makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
  const columns: [string, Data][] = [
    [LABEL_COLUMNS.text, bytesColumn(new Binary(), texts)],
    [LABEL_COLUMNS.label, float32(labels)],
    [LABEL_COLUMNS.status, makeData({ type: new Uint8(), length: statuses.length, nullCount: 0, data: statuses })],
    [LABEL_COLUMNS.reply, utf8((record) => clipUtf8(record.reply, REPLY_BYTES_MAX))],
    [LABEL_COLUMNS.model, utf8((record) => record.model)],
    [LABEL_COLUMNS.promptHash, utf8((record) => record.promptHash)],
    [LABEL_COLUMNS.tokensIn, int32(Int32Array.from(records, (record) => record.tokensIn))],
    [LABEL_COLUMNS.tokensOut, int32(Int32Array.from(records, (record) => record.tokensOut))],
    [LABEL_COLUMNS.latencyMs, float32(Float32Array.from(records, (record) => record.latencyMs))],
    [LABEL_COLUMNS.attempt, int32(attempts)],
    [LABEL_COLUMNS.askedAt, utf8((record) => record.askedAt)],
  ];
  const body: LabelBody = { annotator, rows: records.length, digest: contentDigest(texts, labels, statuses, attempts) };
  const schema = new Schema(columns.map(([name, data]) => new Field(name, data.type as DataType, false)), tableMetadata('label', body));
  const children = columns.map(([, data]) => data);
  const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: records.length, nullCount: 0, children }));
  return tableToIPC(new Table(schema, [batch]), 'stream');
}

/** What a reader of the log needs of an entry, column by column. */
export interface LabelColumns {
  readonly keys: readonly string[];
  readonly labels: Float32Array;
  readonly statuses: Uint8Array;
}

/**
 * Reads one log entry for verdicts.
 * @throws LaurelError LAUREL_STORE_CORRUPT where the bytes are torn or altered; LAUREL_SCHEMA_MISMATCH for another version.
 */
export function decodeLabels(bytes: Uint8Array, key: string, annotator: string): LabelColumns {
  const { table } = openLabels(bytes, key, annotator);
  const texts = byteRows(table, LABEL_COLUMNS.text);
  return {
    keys: texts.map(textKey),
    labels: numbers<Float32Array>(table, LABEL_COLUMNS.label),
    statuses: numbers<Uint8Array>(table, LABEL_COLUMNS.status),
  };
}

/** All of one log entry, with its provenance. @throws as decodeLabels */
export function decodeRecords(bytes: Uint8Array, key: string, annotator: string): LabelRecord[] {
  const { table } = openLabels(bytes, key, annotator);
  const texts = byteRows(table, LABEL_COLUMNS.text);
  const strings = (name: string): string[] => byteRows(table, name).map((row) => Buffer.from(row).toString('utf8'));
  const [reply, model, promptHash, askedAt] = [LABEL_COLUMNS.reply, LABEL_COLUMNS.model, LABEL_COLUMNS.promptHash, LABEL_COLUMNS.askedAt].map(strings) as [string[], string[], string[], string[]];
  const label = numbers<Float32Array>(table, LABEL_COLUMNS.label);
  const status = numbers<Uint8Array>(table, LABEL_COLUMNS.status);
  const [tokensIn, tokensOut, attempt] = [LABEL_COLUMNS.tokensIn, LABEL_COLUMNS.tokensOut, LABEL_COLUMNS.attempt].map((name) => numbers<Int32Array>(table, name)) as [Int32Array, Int32Array, Int32Array];
  const latencyMs = numbers<Float32Array>(table, LABEL_COLUMNS.latencyMs);
  return texts.map((text, row) => {
    const name = LABEL_STATUS[status[row] as number] as LabelStatus;
    return {
      text,
      status: name,
      label: name === 'ok' ? (label[row] as number) : null,
      reply: reply[row] as string,
      model: model[row] as string,
      promptHash: promptHash[row] as string,
      tokensIn: tokensIn[row] as number,
      tokensOut: tokensOut[row] as number,
      latencyMs: latencyMs[row] as number,
      attempt: attempt[row] as number,
      askedAt: askedAt[row] as string,
    };
  });
}

function openLabels(bytes: Uint8Array, key: string, annotator: string): { readonly table: Table } {
  let table: Table;
  let body: LabelBody;
  try {
    table = tableFromIPC(bytes);
    if (table.schema.fields.length === 0) throw new Error('no columns');
  } catch (cause) {
    throw corrupt(key, 'bytes that are no Arrow stream', cause);
  }
  try {
    body = checkTable<LabelBody>(table, 'label', Object.values(LABEL_COLUMNS));
  } catch (error) {
    if (error instanceof LaurelError) throw new LaurelError(error.code, `${key}: ${error.message}`, { ...error.details, key }, { cause: error });
    throw corrupt(key, 'metadata that cannot be read', error);
  }
  if (body === null || typeof body !== 'object') throw corrupt(key, 'no description of its rows');
  if (body.annotator !== annotator) throw corrupt(key, `the entry of annotator ${body.annotator}`);
  if (body.rows !== table.numRows) throw corrupt(key, `${table.numRows} of ${body.rows} rows`);
  let digest: string;
  try {
    digest = contentDigest(
      byteRows(table, LABEL_COLUMNS.text),
      numbers<Float32Array>(table, LABEL_COLUMNS.label),
      numbers<Uint8Array>(table, LABEL_COLUMNS.status),
      numbers<Int32Array>(table, LABEL_COLUMNS.attempt),
    );
  } catch (cause) {
    throw corrupt(key, 'columns that cannot be read', cause);
  }
  if (digest !== body.digest) throw corrupt(key, `content with digest ${digest}, not ${body.digest}`);
  return { table };
}

function corrupt(key: string, found: string, cause?: unknown): LaurelError {
  return new LaurelError(
    'LAUREL_STORE_CORRUPT',
    `expected a whole label-log entry in ${key}, found ${found}; restore this object from a copy of the store (its labels are not used, and nothing is appended after it)`,
    { key },
    cause === undefined ? undefined : { cause },
  );
}

function contentDigest(texts: readonly Uint8Array[], labels: Float32Array, statuses: Uint8Array, attempts: Int32Array): string {
  const hash = createHash('sha256');
  hash.update(Int32Array.from(texts, (text) => text.byteLength));
  for (const text of texts) hash.update(text);
  hash.update(labels).update(statuses).update(attempts);
  return `sha256:${hash.digest('hex')}`;
}

function bytesColumn(type: Binary | Utf8, rows: readonly Uint8Array[]): Data {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((row, index) => (offsets[index + 1] = (offsets[index] as number) + row.byteLength));
  const data = new Uint8Array(offsets[rows.length] as number);
  rows.forEach((row, index) => data.set(row, offsets[index]));
  return makeData({ type: type as Binary, length: rows.length, nullCount: 0, valueOffsets: offsets, data });
}

/** The bytes of a Binary or Utf8 column, row by row, copied. */
export function byteRows(table: Table, name: string): Uint8Array[] {
  const rows: Uint8Array[] = [];
  for (const chunk of table.getChild(name)?.data ?? []) {
    const offsets = chunk.valueOffsets as Int32Array;
    const values = chunk.values as Uint8Array;
    for (let row = 0; row < chunk.length; row++) rows.push(values.slice(offsets[row], offsets[row + 1]));
  }
  return rows;
}

function numbers<T>(table: Table, name: string): T {
  return table.getChild(name)?.toArray() as T;
}

/** At most `bytesMax` bytes of UTF-8, cut between characters. */
export function clipUtf8(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.byteLength <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8');
}
