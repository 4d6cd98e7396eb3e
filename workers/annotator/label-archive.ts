/** The label logs of a store, for people: which annotators there are, and what they answered. */
import { LaurelError } from '../../proto/errors.js';
import type { LabelStatus } from '../../proto/schemas.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { AnnotatorDescription } from './annotator-id.js';
import { LabelEntries } from './label-entries.js';
import { decodeRecords, type LabelRecord } from './label-record.js';

export interface AnnotatorSummary extends AnnotatorDescription {
  /** Records by status; a text that was asked again counts each time. */
  readonly counts: Readonly<Record<LabelStatus, number>>;
  /** Labels above one half, of those with a verdict; null: there is none. */
  readonly positiveShare: number | null;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** When the first and the last of them were asked, ISO 8601; null: none was. */
  readonly askedFirst: string | null;
  readonly askedLast: string | null;
}

/** Every annotator of the store, by id. @throws LaurelError LAUREL_STORE_* */
export async function listAnnotators(store: ObjectStore): Promise<AnnotatorSummary[]> {
  return Promise.all((await annotatorIds(store)).map((id) => summarise(store, id)));
}

async function annotatorIds(store: ObjectStore): Promise<string[]> {
  return (await store.list(layout.annotators)).map(({ key }) => key.slice(layout.annotators.length, -'.json'.length));
}

async function summarise(store: ObjectStore, id: string): Promise<AnnotatorSummary> {
  const description = await readJson<AnnotatorDescription>(store, layout.annotator(id));
  const counts = { ok: 0, unparsable: 0, refused: 0, error: 0 };
  let positive = 0;
  let tokensIn = 0;
  let tokensOut = 0;
  let askedFirst: string | null = null;
  let askedLast: string | null = null;
  for await (const record of readLabels(store, id)) {
    counts[record.status] += 1;
    if (record.label !== null && record.label > 0.5) positive += 1;
    tokensIn += record.tokensIn;
    tokensOut += record.tokensOut;
    if (askedFirst === null || record.askedAt < askedFirst) askedFirst = record.askedAt;
    if (askedLast === null || record.askedAt > askedLast) askedLast = record.askedAt;
  }
  return { ...(description as AnnotatorDescription), counts, positiveShare: counts.ok === 0 ? null : positive / counts.ok, tokensIn, tokensOut, askedFirst, askedLast };
}

/** Records of a log in the order in which they were appended. @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_SCHEMA_MISMATCH */
export async function* readLabels(store: ObjectStore, annotator: string): AsyncGenerator<LabelRecord> {
  const entries = new LabelEntries(store, annotator);
  const end = await entries.count();
  for (let position = 0; position < end; position++) {
    const bytes = await entries.read(position);
    if (bytes !== undefined) yield* decodeRecords(bytes, layout.label(annotator, position), annotator);
  }
}

/**
 * The annotator whose id begins so.
 * @throws LaurelError LAUREL_ANNOTATOR_UNKNOWN where there is none, or more than one
 */
export async function findAnnotator(store: ObjectStore, prefix: string): Promise<string> {
  const found = (await annotatorIds(store)).filter((id) => id.startsWith(prefix));
  if (found.length === 1) return found[0] as string;
  throw new LaurelError('LAUREL_ANNOTATOR_UNKNOWN', `expected one annotator whose id begins with ${prefix}, found ${found.length === 0 ? 'none' : found.join(', ')}; \`laurel labels list\` shows all`, { prefix });
}
