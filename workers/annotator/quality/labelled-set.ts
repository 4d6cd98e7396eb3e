/** Messages with labels that are taken for true: what a judge is measured by. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LaurelError } from '../../../proto/errors.js';
import type { LabelledSpec } from '../../../proto/labelled.js';
import { canonicalJson } from '../../store/artifacts.js';
import { layout } from '../../store/layout.js';
import type { ObjectStore } from '../../store/object-store.js';
import { humanRecords, rowsOf } from '../human-labels.js';
import { textKey } from '../label-record.js';

/** A label above it says helpful. */
const POSITIVE_ABOVE = 0.5;
/** `part` of rows that prompts were chosen by: they would flatter. */
const DEVELOPMENT = 'development';
/** Longest file, in rows: all of them are looked up after each annotate call. */
const ROWS_MAX = 20_000;

export interface LabelledSet {
  /** `sha256:...` of the file. */
  readonly digest: string;
  /** Whether a message is helpful, by textKey. Without the rows whose `part` is `development`. */
  readonly truth: ReadonlyMap<string, boolean>;
}

/** @throws LaurelError LAUREL_LABELS_INVALID where the content is no such file, or says two things of one message */
export function parseLabelledSet(content: Uint8Array, name: string): LabelledSet {
  const rows = rowsOf(Buffer.from(content).toString('utf8'), name).filter((row) => (row as { part?: unknown }).part !== DEVELOPMENT);
  const records = humanRecords(rows, name, '', '');
  if (records.length === 0 || records.length > ROWS_MAX) throw new LaurelError('LAUREL_LABELS_INVALID', `expected 1 to ${ROWS_MAX} labelled messages in ${name}, got ${records.length}`, { name });
  const truth = new Map<string, boolean>();
  for (const { text, label } of records) {
    const key = textKey(text);
    const positive = (label ?? 0) > POSITIVE_ABOVE;
    if (truth.get(key) === !positive) throw new LaurelError('LAUREL_LABELS_INVALID', `expected one label for each message in ${name}, got two for ${JSON.stringify(key)}; keep one of them`, { name });
    truth.set(key, positive);
  }
  return { digest: `sha256:${createHash('sha256').update(content).digest('hex')}`, truth };
}

/**
 * Reads a set where the annotator runs, and keeps a copy in the store for whoever reads the run later.
 * @throws LaurelError LAUREL_LABELS_INVALID where the file cannot be read or parsed, LAUREL_STORE_*
 */
export async function openLabelledSet(store: ObjectStore, spec: LabelledSpec): Promise<LabelledSet> {
  const path = typeof spec === 'string' ? shippedSet(spec) : spec.path;
  let content: Uint8Array;
  try {
    content = await readFile(path);
  } catch (cause) {
    throw new LaurelError('LAUREL_LABELS_INVALID', `expected a file of labelled messages at ${path} on the annotator worker, got: ${(cause as Error).message}; correct annotator.labelled`, { path }, { cause });
  }
  const set = parseLabelledSet(content, path);
  await store.putIfAbsent(layout.labelledSet(labelledName(spec), set.digest), content);
  return set;
}

/** The newest copy in the store; undefined where no annotator has opened the set yet. @throws LaurelError LAUREL_LABELS_INVALID, LAUREL_STORE_* */
export async function storedLabelledSet(store: ObjectStore, spec: LabelledSpec, digest: string | undefined): Promise<LabelledSet | undefined> {
  const name = labelledName(spec);
  const key = digest === undefined ? (await store.list(layout.labelledSets(name))).at(-1)?.key : layout.labelledSet(name, digest);
  const content = key === undefined ? undefined : await store.get(key);
  return key === undefined || content === undefined ? undefined : parseLabelledSet(content, key);
}

/** Compiled files lie one folder deeper than sources. */
function shippedSet(name: string): string {
  const [compiled, source] = ['../../../..', '../../..'].map((root) => fileURLToPath(new URL(`${root}/examples/labels/${name}.jsonl`, import.meta.url))) as [string, string];
  return existsSync(compiled) ? compiled : source;
}

function labelledName(spec: LabelledSpec): string {
  return typeof spec === 'string' ? spec : `file-${createHash('sha256').update(canonicalJson(spec)).digest('hex').slice(0, 32)}`;
}
