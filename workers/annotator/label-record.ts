/** One entry of a label log, and its Arrow form (columns: proto/schemas, LABEL_COLUMNS). */
import { createHash } from 'node:crypto';
import type { Table } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { binary, binaryColumn, columnArray, primitive, readTable, tableBytes, utf8, utf8Column } from '../../proto/flight/tables.js';
import { PAIR_CHOICES, type AnnotatorMode, type PairChoice } from '../../proto/judges.js';
import { checkTable, LABEL_STATUS, METADATA_KIND, PAIR_LABEL_COLUMNS as C, LABEL_COLUMNS, tableMetadata } from '../../proto/schemas.js';
import type { LabelStatus } from '../../proto/schemas.js';
import { addSpending, NOTHING_SPENT, type Spending } from '../../proto/budget.js';
import { pairOf, pairText } from './pair.js';
import type { EntrySpending } from './spending-table.js';
import { textKey } from './text-key.js';

export { textKey, textOfKey } from './text-key.js';

/** Longest raw reply that is kept, in bytes of UTF-8. */
export const REPLY_BYTES_MAX = 8192;

export interface LabelRecord {
  /** Absent: pointwise. */
  readonly mode?: AnnotatorMode;
  /** The message as the environment gave it, byte for byte; a pair as `pairText` makes it. */
  readonly text: Uint8Array;
  readonly status: LabelStatus;
  /**
   * Probability that the message is helpful, or that the first of two is preferred (a tie counts one half; 0, 1 or 0.5
   * where the judge gave only text); null unless the status is ok.
   */
  readonly label: number | null;
  /** Of a pair with status ok. */
  readonly choice?: PairChoice | null;
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
  /** The run that asked. An entry knows the sum of each run, not which record is whose: absent in what is read. */
  readonly run?: string;
}

interface LabelBody {
  readonly annotator: string;
  readonly rows: number;
  /** sha256 over all columns: an entry has no reference that could hold the digest of its bytes. */
  readonly digest: string;
  /** What each run has spent on this entry. Absent in entries of earlier versions, and where no run asked. */
  readonly runs?: SpendingByRun;
}

/** `model` of a label that a person made. */
export const HUMAN = 'human';

/** The columns of an entry as plain values: what is written, what is read, and what the digest is made of. */
interface EntryColumns {
  /** First messages, where they are pairs. */
  readonly text: readonly Uint8Array[];
  /** Only in an entry of pairs. */
  readonly pairs: { readonly second: readonly Uint8Array[]; readonly choice: Uint8Array } | null;
  /** NaN where the status is not ok. */
  readonly label: Float32Array;
  readonly status: Uint8Array;
  readonly reply: readonly string[];
  readonly model: readonly string[];
  readonly promptHash: readonly string[];
  readonly tokensIn: Int32Array;
  readonly tokensOut: Int32Array;
  readonly latencyMs: Float32Array;
  readonly attempt: Int32Array;
  readonly askedAt: readonly string[];
}

/**
 * The Arrow stream of one log entry; all records have the same mode.
 * @param runs what each run has spent on it; default: as the records name their runs
 */
export function encodeLabels(annotator: string, records: readonly LabelRecord[], runs: SpendingByRun = spendingByRun(records)): Uint8Array {
  const pairs = records[0]?.mode === 'pairwise' ? records.map((record) => pairOf(record.text)) : null;
  const entry: EntryColumns = {
    text: pairs ? pairs.map(({ first }) => first) : records.map((record) => record.text),
    pairs: pairs && { second: pairs.map(({ second }) => second), choice: Uint8Array.from(records, ({ choice }) => (choice == null ? 0 : 1 + PAIR_CHOICES.indexOf(choice))) },
    label: Float32Array.from(records, (record) => (record.status === 'ok' && record.label !== null ? record.label : Number.NaN)),
    status: Uint8Array.from(records, (record) => LABEL_STATUS.indexOf(record.status)),
    reply: records.map((record) => clipUtf8(record.reply, REPLY_BYTES_MAX)),
    model: records.map((record) => record.model),
    promptHash: records.map((record) => record.promptHash),
    tokensIn: Int32Array.from(records, (record) => record.tokensIn),
    tokensOut: Int32Array.from(records, (record) => record.tokensOut),
    latencyMs: Float32Array.from(records, (record) => record.latencyMs),
    attempt: Int32Array.from(records, (record) => record.attempt),
    askedAt: records.map((record) => record.askedAt),
  };
  const columns = [
    binary(C.text, entry.text),
    primitive(C.label, entry.label),
    primitive(C.status, entry.status),
    utf8(C.reply, entry.reply),
    utf8(C.model, entry.model),
    utf8(C.promptHash, entry.promptHash),
    primitive(C.tokensIn, entry.tokensIn),
    primitive(C.tokensOut, entry.tokensOut),
    primitive(C.latencyMs, entry.latencyMs),
    primitive(C.attempt, entry.attempt),
    utf8(C.askedAt, entry.askedAt),
    ...(entry.pairs ? [binary(C.second, entry.pairs.second), primitive(C.choice, entry.pairs.choice)] : []),
  ];
  const body: LabelBody = { annotator, rows: records.length, digest: contentDigest(entry), ...(Object.keys(runs).length > 0 && { runs }) };
  return tableBytes(columns, { metadata: tableMetadata(pairs ? 'pair-label' : 'label', body), batchRows: Math.max(1, records.length) });
}

export type SpendingByRun = Readonly<Record<string, Spending>>;

function spendingByRun(records: readonly LabelRecord[]): SpendingByRun {
  const runs: Record<string, Spending> = {};
  for (const { run, tokensIn, tokensOut } of records) {
    if (run !== undefined) runs[run] = addSpending(runs[run] ?? NOTHING_SPENT, { calls: 1, tokensIn, tokensOut });
  }
  return runs;
}

function readColumns(table: Table, ofPairs: boolean): EntryColumns {
  return {
    text: [...binaryColumn(table, C.text)],
    pairs: ofPairs ? { second: [...binaryColumn(table, C.second)], choice: columnArray(table, C.choice, Uint8Array) } : null,
    label: columnArray(table, C.label, Float32Array),
    status: columnArray(table, C.status, Uint8Array),
    reply: utf8Column(table, C.reply),
    model: utf8Column(table, C.model),
    promptHash: utf8Column(table, C.promptHash),
    tokensIn: columnArray(table, C.tokensIn, Int32Array),
    tokensOut: columnArray(table, C.tokensOut, Int32Array),
    latencyMs: columnArray(table, C.latencyMs, Float32Array),
    attempt: columnArray(table, C.attempt, Int32Array),
    askedAt: utf8Column(table, C.askedAt),
  };
}

/** What a reader of the log needs of an entry, column by column. */
export interface LabelColumns {
  readonly keys: readonly string[];
  readonly labels: Float32Array;
  readonly statuses: Uint8Array;
  /** Whether a person made the label. */
  readonly human: readonly boolean[];
  readonly choices: readonly (PairChoice | null)[];
  readonly spending: EntrySpending;
}

/**
 * Reads one log entry for verdicts.
 * @throws LaurelError LAUREL_STORE_CORRUPT where the bytes are torn or altered; LAUREL_SCHEMA_MISMATCH for another version.
 */
export function decodeLabels(bytes: Uint8Array, key: string, annotator: string): LabelColumns {
  const { entry, body } = openLabels(bytes, key, annotator);
  const { label, status, model } = entry;
  return { spending: spendingOf(entry, body.runs ?? {}), keys: entry.text.map((_, row) => textKey(questionOf(entry, row))), labels: label, statuses: status, human: model.map((name) => name === HUMAN), choices: model.map((_, row) => choiceOf(entry, row)) };
}

/** Labels of people cost nothing. */
function spendingOf({ model, tokensIn, tokensOut, askedAt }: EntryColumns, runs: Readonly<Record<string, Spending>>): EntrySpending {
  let spent = NOTHING_SPENT;
  let askedAtMs = 0;
  model.forEach((name, row) => {
    if (name === HUMAN) return;
    spent = addSpending(spent, { calls: 1, tokensIn: tokensIn[row] as number, tokensOut: tokensOut[row] as number });
    askedAtMs = Math.max(askedAtMs, Date.parse(askedAt[row] as string) || 0);
  });
  return { askedAtMs, spent, runs };
}

/** All of one log entry, with its provenance. @throws as decodeLabels */
export function decodeRecords(bytes: Uint8Array, key: string, annotator: string): LabelRecord[] {
  return recordsOf(openLabels(bytes, key, annotator).entry);
}

/** An entry written again from what can be read of it: the same bytes, where it is whole. @throws as decodeLabels */
export function writtenAgain(bytes: Uint8Array, key: string, annotator: string): Uint8Array {
  const { entry, body } = openLabels(bytes, key, annotator);
  return encodeLabels(annotator, recordsOf(entry), body.runs ?? {});
}

function recordsOf(entry: EntryColumns): LabelRecord[] {
  return entry.text.map((_, row) => {
    const status = LABEL_STATUS[entry.status[row] as number] as LabelStatus;
    return {
      ...(entry.pairs ? { mode: 'pairwise' as const, choice: choiceOf(entry, row) } : {}),
      text: questionOf(entry, row),
      status,
      label: status === 'ok' ? (entry.label[row] as number) : null,
      reply: entry.reply[row] as string,
      model: entry.model[row] as string,
      promptHash: entry.promptHash[row] as string,
      tokensIn: entry.tokensIn[row] as number,
      tokensOut: entry.tokensOut[row] as number,
      latencyMs: entry.latencyMs[row] as number,
      attempt: entry.attempt[row] as number,
      askedAt: entry.askedAt[row] as string,
    };
  });
}

function questionOf({ text, pairs }: EntryColumns, row: number): Uint8Array {
  const first = text[row] as Uint8Array;
  return pairs ? pairText(first, pairs.second[row] as Uint8Array) : first.slice();
}

function choiceOf({ pairs }: EntryColumns, row: number): PairChoice | null {
  return (pairs && PAIR_CHOICES[(pairs.choice[row] as number) - 1]) ?? null;
}

function openLabels(bytes: Uint8Array, key: string, annotator: string): { readonly entry: EntryColumns; readonly body: LabelBody } {
  let table: Table;
  let body: LabelBody;
  try {
    table = readTable(bytes);
  } catch (cause) {
    throw corrupt(key, 'bytes that are no Arrow stream', cause);
  }
  const ofPairs = table.schema.metadata.get(METADATA_KIND) === 'pair-label';
  try {
    body = ofPairs ? checkTable<LabelBody>(table, 'pair-label', Object.values(C)) : checkTable<LabelBody>(table, 'label', Object.values(LABEL_COLUMNS));
  } catch (error) {
    if (error instanceof LaurelError) throw new LaurelError(error.code, `${key}: ${error.message}`, { ...error.details, key }, { cause: error });
    throw corrupt(key, 'metadata that cannot be read', error);
  }
  if (body === null || typeof body !== 'object') throw corrupt(key, 'no description of its rows');
  if (body.annotator !== annotator) throw corrupt(key, `the entry of annotator ${body.annotator}`);
  if (body.rows !== table.numRows) throw corrupt(key, `${table.numRows} of ${body.rows} rows`);
  let entry: EntryColumns;
  try {
    entry = readColumns(table, ofPairs);
  } catch (cause) {
    throw corrupt(key, 'columns that cannot be read', cause);
  }
  const digest = contentDigest(entry);
  if (digest !== body.digest) throw corrupt(key, `content with digest ${digest}, not ${body.digest}`);
  return { entry, body };
}

function corrupt(key: string, found: string, cause?: unknown): LaurelError {
  return new LaurelError(
    'LAUREL_STORE_CORRUPT',
    `expected a whole label-log entry in ${key}, found ${found}; restore this object from a copy of the store (its labels are not used, and nothing is appended after it)`,
    { key },
    cause === undefined ? undefined : { cause },
  );
}

function contentDigest(entry: EntryColumns): string {
  const hash = createHash('sha256');
  const sized = (values: readonly (string | Uint8Array)[]): void => {
    const bytes = values.map((value) => Buffer.from(value as Uint8Array));
    hash.update(Int32Array.from(bytes, (one) => one.byteLength));
    for (const one of bytes) hash.update(one);
  };
  sized(entry.text);
  for (const column of [entry.reply, entry.model, entry.promptHash, entry.askedAt]) sized(column);
  if (entry.pairs) {
    sized(entry.pairs.second);
    hash.update(entry.pairs.choice);
  }
  for (const column of [entry.label, entry.latencyMs, entry.status, entry.attempt, entry.tokensIn, entry.tokensOut]) hash.update(column);
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
