/** Label logs as files for other tools: CSV, JSON Lines, Parquet. Texts are Latin-1 strings, one character for each byte of a message. */
import { Readable, type Transform } from 'node:stream';
import { stringify } from 'csv-stringify';
import { textKey, type LabelRecord } from './label-record.js';
import { pairOf } from './pair.js';

export const LABEL_FILE_FORMATS = ['csv', 'jsonl', 'parquet'] as const;
export type LabelFileFormat = (typeof LABEL_FILE_FORMATS)[number];

export interface LabelRow {
  readonly text: string;
  /** Of a pair. */
  readonly second: string | null;
  readonly label: number | null;
  readonly choice: string | null;
  readonly status: string;
  readonly reply: string;
  readonly model: string;
  readonly prompt_hash: string;
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly latency_ms: number;
  readonly attempt: number;
  readonly asked_at: string;
}

/** Columns in the order of the file, and their types in Parquet. */
const COLUMNS = {
  text: 'STRING', second: 'STRING', label: 'FLOAT', choice: 'STRING', status: 'STRING', reply: 'STRING', model: 'STRING', prompt_hash: 'STRING', tokens_in: 'INT32', tokens_out: 'INT32', latency_ms: 'FLOAT', attempt: 'INT32', asked_at: 'STRING',
} as const satisfies Record<keyof LabelRow, string>;
const NAMES = Object.keys(COLUMNS) as (keyof LabelRow)[];

export function rowOf(record: LabelRecord): LabelRow {
  const { label, choice = null, status, reply, model, promptHash, tokensIn, tokensOut, latencyMs, attempt, askedAt } = record;
  const { text, second } = textsOf(record);
  return { text, second, label, choice, status, reply, model, prompt_hash: promptHash, tokens_in: tokensIn, tokens_out: tokensOut, latency_ms: latencyMs, attempt, asked_at: askedAt };
}

/** The message; of a pair both. */
export function textsOf(record: LabelRecord): { readonly text: string; readonly second: string | null } {
  if (record.mode !== 'pairwise') return { text: textKey(record.text), second: null };
  const { first, second } = pairOf(record.text);
  return { text: textKey(first), second: textKey(second) };
}

/** The streams that make a file of these records, to be joined to its target. Parquet is made in memory: its columns stand one after the other. */
export function labelFile(records: AsyncIterable<LabelRecord>, format: LabelFileFormat): readonly [Readable, ...Transform[]] {
  switch (format) {
    case 'csv':
      // Messages come from games and models: a spreadsheet must not take one for a formula.
      return [Readable.from(rowsOf(records)), stringify({ header: true, columns: NAMES, escape_formulas: true })];
    case 'jsonl':
      return [Readable.from(linesOf(records))];
    case 'parquet':
      return [Readable.from(parquetOf(records))];
  }
}

async function* rowsOf(records: AsyncIterable<LabelRecord>): AsyncGenerator<LabelRow> {
  for await (const record of records) yield rowOf(record);
}

async function* linesOf(records: AsyncIterable<LabelRecord>): AsyncGenerator<string> {
  for await (const record of records) yield `${JSON.stringify(rowOf(record))}\n`;
}

async function* parquetOf(records: AsyncIterable<LabelRecord>): AsyncGenerator<Uint8Array> {
  // Loaded where a file is written: workers do not need it.
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const columns = Object.fromEntries(NAMES.map((name) => [name, [] as (string | number | null)[]])) as Record<keyof LabelRow, (string | number | null)[]>;
  for await (const record of records) {
    const row = rowOf(record);
    for (const name of NAMES) columns[name].push(row[name]);
  }
  yield new Uint8Array(parquetWriteBuffer({ columnData: NAMES.map((name) => ({ name, data: columns[name], type: COLUMNS[name] })) }));
}

/** Rows of a Parquet file with any of these columns. @throws Error where it is none */
export async function parquetRows(bytes: Uint8Array): Promise<Record<string, unknown>[]> {
  const { parquetReadObjects } = await import('hyparquet');
  const { buffer, byteOffset, byteLength } = bytes;
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer });
}
