/** One entry of a label log, and its Arrow form (columns: proto/schemas, LABEL_COLUMNS). */
import { createHash } from 'node:crypto';
import type { Table } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { binary, binaryColumn, columnArray, primitive, readTable, tableBytes, utf8, utf8Column } from '../../proto/flight/tables.js';
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
  /** sha256 over all columns: an entry has no reference that could hold the digest of its bytes. */
  readonly digest: string;
}

/** `model` of a label that a person made. */
export const HUMAN = 'human';

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
  const strings = (name: string, pick: (record: LabelRecord) => string) => utf8(name, records.map(pick));
  const counts = (name: string, pick: (record: LabelRecord) => number) => primitive(name, Int32Array.from(records, pick));
  const columns = [
    binary(LABEL_COLUMNS.text, texts),
    primitive(LABEL_COLUMNS.label, labels),
    primitive(LABEL_COLUMNS.status, statuses),
    strings(LABEL_COLUMNS.reply, (record) => clipUtf8(record.reply, REPLY_BYTES_MAX)),
    strings(LABEL_COLUMNS.model, (record) => record.model),
    strings(LABEL_COLUMNS.promptHash, (record) => record.promptHash),
    counts(LABEL_COLUMNS.tokensIn, (record) => record.tokensIn),
    counts(LABEL_COLUMNS.tokensOut, (record) => record.tokensOut),
    primitive(LABEL_COLUMNS.latencyMs, Float32Array.from(records, (record) => record.latencyMs)),
    primitive(LABEL_COLUMNS.attempt, attempts),
    strings(LABEL_COLUMNS.askedAt, (record) => record.askedAt),
  ];
  const body: LabelBody = { annotator, rows: records.length, digest: contentDigest(readTable(tableBytes(columns))) };
  return tableBytes(columns, { metadata: tableMetadata('label', body), batchRows: Math.max(1, records.length) });
}

/** What a reader of the log needs of an entry, column by column. */
export interface LabelColumns {
  readonly keys: readonly string[];
  readonly labels: Float32Array;
  readonly statuses: Uint8Array;
  /** Whether a person made the label. */
  readonly human: readonly boolean[];
}

/**
 * Reads one log entry for verdicts.
 * @throws LaurelError LAUREL_STORE_CORRUPT where the bytes are torn or altered; LAUREL_SCHEMA_MISMATCH for another version.
 */
export function decodeLabels(bytes: Uint8Array, key: string, annotator: string): LabelColumns {
  const table = openLabels(bytes, key, annotator);
  const texts = [...binaryColumn(table, LABEL_COLUMNS.text)];
  return {
    keys: texts.map(textKey),
    labels: columnArray(table, LABEL_COLUMNS.label, Float32Array),
    statuses: columnArray(table, LABEL_COLUMNS.status, Uint8Array),
    human: utf8Column(table, LABEL_COLUMNS.model).map((model) => model === HUMAN),
  };
}

/** All of one log entry, with its provenance. @throws as decodeLabels */
export function decodeRecords(bytes: Uint8Array, key: string, annotator: string): LabelRecord[] {
  const table = openLabels(bytes, key, annotator);
  const texts = [...binaryColumn(table, LABEL_COLUMNS.text)];
  const strings = (name: string): string[] => utf8Column(table, name);
  const counts = (name: string): Int32Array => columnArray(table, name, Int32Array);
  const reply = strings(LABEL_COLUMNS.reply);
  const model = strings(LABEL_COLUMNS.model);
  const promptHash = strings(LABEL_COLUMNS.promptHash);
  const askedAt = strings(LABEL_COLUMNS.askedAt);
  const tokensIn = counts(LABEL_COLUMNS.tokensIn);
  const tokensOut = counts(LABEL_COLUMNS.tokensOut);
  const attempt = counts(LABEL_COLUMNS.attempt);
  const label = columnArray(table, LABEL_COLUMNS.label, Float32Array);
  const status = columnArray(table, LABEL_COLUMNS.status, Uint8Array);
  const latencyMs = columnArray(table, LABEL_COLUMNS.latencyMs, Float32Array);
  return texts.map((view, row) => {
    const text = view.slice();
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

function openLabels(bytes: Uint8Array, key: string, annotator: string): Table {
  let table: Table;
  let body: LabelBody;
  try {
    table = readTable(bytes);
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
    digest = contentDigest(table);
  } catch (cause) {
    throw corrupt(key, 'columns that cannot be read', cause);
  }
  if (digest !== body.digest) throw corrupt(key, `content with digest ${digest}, not ${body.digest}`);
  return table;
}

function corrupt(key: string, found: string, cause?: unknown): LaurelError {
  return new LaurelError(
    'LAUREL_STORE_CORRUPT',
    `expected a whole label-log entry in ${key}, found ${found}; restore this object from a copy of the store (its labels are not used, and nothing is appended after it)`,
    { key },
    cause === undefined ? undefined : { cause },
  );
}

function contentDigest(table: Table): string {
  const hash = createHash('sha256');
  const sized = (values: readonly (string | Uint8Array)[]): void => {
    const bytes = values.map((value) => Buffer.from(value as Uint8Array));
    hash.update(Int32Array.from(bytes, (one) => one.byteLength));
    for (const one of bytes) hash.update(one);
  };
  const C = LABEL_COLUMNS;
  sized([...binaryColumn(table, C.text)]);
  for (const name of [C.reply, C.model, C.promptHash, C.askedAt]) sized(utf8Column(table, name));
  for (const name of [C.label, C.latencyMs]) hash.update(columnArray(table, name, Float32Array));
  hash.update(columnArray(table, C.status, Uint8Array));
  for (const name of [C.attempt, C.tokensIn, C.tokensOut]) hash.update(columnArray(table, name, Int32Array));
  return `sha256:${hash.digest('hex')}`;
}

/** At most `bytesMax` bytes of UTF-8, cut between characters. */
export function clipUtf8(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.byteLength <= bytesMax) return text;
  let end = bytesMax;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8');
}
