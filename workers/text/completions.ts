/** Completions of prompts as an Arrow table, and back (proto/schemas.ts says what the columns mean). */
import type { Table } from 'apache-arrow';
import { columnArray, fixedSizeList, list, listColumn, primitive, readTable, tableBytes, utf8, utf8Column, binary, type ListColumn } from '../../proto/flight/tables.js';
import type { EpisodeSums } from '../../proto/references.js';
import { checkTable, COMPLETION_COLUMNS as C, tableMetadata } from '../../proto/schemas.js';
import { seal, UNSEALED } from '../store/seal.js';
import type { Prompt } from './tasks/task.js';

/** A prompt, and one completion of it as it was drawn. */
export interface Completion {
  readonly prompt: Prompt;
  /** Number of the prompt in its shard. */
  readonly group: number;
  readonly sample: number;
  readonly promptTokens: readonly number[];
  /** The end token included where it was drawn. */
  readonly tokens: readonly number[];
  /** One for each token, nats. */
  readonly logProbs: readonly number[];
  /** It ended with the end token. */
  readonly ended: boolean;
  readonly text: string;
  /** Of the task's graders. */
  readonly grades: readonly number[];
}

export interface CompletionsBody {
  readonly run: string;
  readonly shard: number;
  readonly seq: number;
  readonly policyVersion: number;
  /** Prompts. */
  readonly environments: number;
  /** Completions of each. */
  readonly steps: number;
  /** Seed of the job. */
  readonly seed: number;
  readonly spaces: { readonly rewards: readonly string[]; readonly episodeStatistics: readonly string[] };
  readonly episodes: EpisodeSums;
  /** Of the whole file (see store/seal.ts). Absent in files of earlier versions. */
  readonly digest?: string;
}

/** Equal completions give equal bytes. */
export function encodeCompletions(completions: readonly Completion[], identity: Omit<CompletionsBody, 'episodes' | 'digest'>): { readonly bytes: Uint8Array; readonly body: CompletionsBody } {
  const width = identity.spaces.rewards.length;
  const grades = Float32Array.from(completions.flatMap((one) => one.grades));
  const body: CompletionsBody = {
    ...identity,
    episodes: {
      count: completions.length,
      failed: 0,
      lengthSum: completions.reduce((sum, one) => sum + one.tokens.length, 0),
      returnSums: identity.spaces.rewards.map((_, index) => completions.reduce((sum, one) => sum + (one.grades[index] as number), 0)),
      statisticSums: [],
    },
    digest: UNSEALED,
  };
  const numbers = (value: (one: Completion) => number): Int32Array => Int32Array.from(completions, value);
  const flags = (value: (one: Completion) => boolean): Uint8Array => Uint8Array.from(completions, (one) => (value(one) ? 1 : 0));
  const bytes = tableBytes(
    [
      primitive(C.group, numbers((one) => one.group)),
      primitive(C.sample, numbers((one) => one.sample)),
      list(C.promptTokens, offsetsOf(completions, (one) => one.promptTokens), Int32Array.from(completions.flatMap((one) => one.promptTokens))),
      list(C.completionTokens, offsetsOf(completions, (one) => one.tokens), Int32Array.from(completions.flatMap((one) => one.tokens))),
      list(C.behaviourLogProb, offsetsOf(completions, (one) => one.logProbs), Float32Array.from(completions.flatMap((one) => one.logProbs))),
      utf8(C.prompt, completions.map((one) => one.prompt.text)),
      utf8(C.truth, completions.map((one) => JSON.stringify(one.prompt.truth))),
      ...(width === 0 ? [] : [fixedSizeList(C.envReward, grades, width)]),
      primitive(C.terminated, flags((one) => one.ended)),
      primitive(C.truncated, flags((one) => !one.ended)),
      binary(C.text, completions.map((one) => Buffer.from(one.text, 'utf8'))),
      primitive(C.textCount, new Int32Array(completions.length).fill(1)),
      primitive(C.policyVersion, new Int32Array(completions.length).fill(identity.policyVersion)),
    ],
    { metadata: tableMetadata('completions', body) },
  );
  return { bytes: seal(bytes), body };
}

export interface DecodedCompletions {
  readonly body: CompletionsBody;
  readonly rows: number;
  readonly promptTokens: ListColumn<Int32Array>;
  readonly tokens: ListColumn<Int32Array>;
  readonly logProbs: ListColumn<Float32Array>;
  readonly prompts: readonly string[];
  readonly truths: readonly string[];
  readonly texts: readonly string[];
  readonly terminated: Uint8Array;
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
export function decodeCompletions(bytes: Uint8Array): DecodedCompletions {
  const table = readTable(bytes);
  const body = completionsBody(table);
  return {
    body,
    rows: table.numRows,
    promptTokens: listColumn(table, C.promptTokens, Int32Array),
    tokens: listColumn(table, C.completionTokens, Int32Array),
    logProbs: listColumn(table, C.behaviourLogProb, Float32Array),
    prompts: utf8Column(table, C.prompt),
    truths: utf8Column(table, C.truth),
    texts: [...table.getChild(C.text)!].map((text) => Buffer.from(text as Uint8Array).toString('utf8')),
    terminated: columnArray(table, C.terminated, Uint8Array),
  };
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function completionsBody(table: Table): CompletionsBody {
  return checkTable<CompletionsBody>(table, 'completions', [C.group, C.promptTokens, C.completionTokens, C.behaviourLogProb, C.prompt, C.truth, C.text, C.terminated]);
}

function offsetsOf(completions: readonly Completion[], part: (one: Completion) => readonly number[]): Int32Array {
  const offsets = new Int32Array(completions.length + 1);
  completions.forEach((one, row) => (offsets[row + 1] = (offsets[row] as number) + part(one).length));
  return offsets;
}
