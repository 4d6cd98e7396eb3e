/** The label logs of a run: what its annotators answered. */
import type { Job } from '../../proto/job.js';
import { LABEL_STATUS, type LabelStatus } from '../../proto/schemas.js';
import type { RunStatus } from '../../proto/status.js';
import { LabelEntries } from '../annotator/label-entries.js';
import { decodeRecords, HUMAN, type LabelRecord } from '../annotator/label-record.js';
import { disagreementOf, driftOf, type Verdict } from '../annotator/quality/drift.js';
import { agreementWith, type MeterOptions } from '../annotator/quality/label-quality.js';
import { storedLabelledSet } from '../annotator/quality/labelled-set.js';
import { normalKey } from '../annotator/normal-form.js';
import { textKey } from '../annotator/text-key.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { AnnotationQuality, MessageVerdict, ReportAnnotation } from './report-data.js';

const TENTHS = 10;

/** Logs are shared by runs: only entries up to the position of this run are counted. */
export async function loadAnnotations(store: ObjectStore, job: Job, status: RunStatus | null): Promise<ReportAnnotation[]> {
  const sources = Object.entries(job.sources).filter(([, source]) => source.kind === 'model');
  const found: ReportAnnotation[] = [];
  for (const [source, spec] of sources) {
    if (spec.kind !== 'model') continue;
    const known = status?.annotations.find((one) => one.source === source)?.log;
    const annotator = known?.annotator ?? (await annotatorOfGoal(store, spec.annotator.goal));
    if (annotator === undefined) continue;
    const records = await readLog(store, annotator, known?.position ?? Number.POSITIVE_INFINITY);
    const { threshold, labelled, normalForm } = spec.annotator;
    const set = labelled == null ? undefined : await storedLabelledSet(store, labelled, undefined);
    found.push(summarise(source, annotator, records, { threshold, set, form: normalForm ?? 'raw' }));
  }
  return found;
}

/** While a run goes on only its workflow knows the id; the goal names it unless two annotators share one. */
async function annotatorOfGoal(store: ObjectStore, goal: string): Promise<string | undefined> {
  const ids: string[] = [];
  for (const { key } of await store.list(layout.annotators)) {
    const description = await readJson<{ annotator?: string }>(store, key);
    if (description?.annotator !== undefined && JSON.stringify(description).includes(JSON.stringify(goal))) ids.push(description.annotator);
  }
  return ids.length === 1 ? ids[0] : undefined;
}

async function readLog(store: ObjectStore, annotator: string, position: number): Promise<LabelRecord[]> {
  const records: LabelRecord[] = [];
  const entries = new LabelEntries(store, annotator);
  for (let entry = 0; entry < position; entry++) {
    const key = layout.label(annotator, entry);
    const bytes = await entries.read(entry);
    if (bytes === undefined) break;
    records.push(...decodeRecords(bytes, key, annotator));
  }
  return records;
}

/** The first verdict on a message stands, as for those who read the log to compute rewards. */
export function summarise(source: string, annotator: string, records: readonly LabelRecord[], options: MeterOptions = { threshold: 0.5, set: undefined, form: 'raw' }): ReportAnnotation {
  const statuses = Object.fromEntries(LABEL_STATUS.map((status) => [status, 0])) as Record<LabelStatus, number>;
  const probabilities = new Array<number>(TENTHS).fill(0);
  const verdicts = new Map<string, MessageVerdict>();
  let latencyMs = 0;
  let tokensIn = 0;
  let tokensOut = 0;
  for (const record of records) {
    statuses[record.status] += 1;
    latencyMs += record.latencyMs;
    tokensIn += record.tokensIn;
    tokensOut += record.tokensOut;
    const key = textKey(record.text);
    if (verdicts.get(key)?.status === 'ok') continue;
    verdicts.set(key, { status: record.status, probability: record.label });
    if (record.label === null) continue;
    const tenth = Math.min(TENTHS - 1, Math.floor(record.label * TENTHS));
    probabilities[tenth] = (probabilities[tenth] ?? 0) + 1;
  }
  const latencyMsMean = records.length === 0 ? 0 : latencyMs / records.length;
  return { source, annotator, statuses, probabilities, model: records.at(-1)?.model ?? '', latencyMsMean, tokensIn, tokensOut, verdicts, form: options.form, quality: qualityOf(records, options) };
}

/** By the judge's first verdict on each message, in the order of the log. */
function qualityOf(records: readonly LabelRecord[], { threshold, set, form }: MeterOptions): AnnotationQuality {
  const verdicts = new Map<string, Verdict>();
  for (const { text, label, model } of records) {
    const key = textKey(text);
    if (label !== null && model !== HUMAN && !verdicts.has(key)) verdicts.set(key, { text: key, probability: label });
  }
  const inOrder = [...verdicts.values()];
  const agreement = set && { ...agreementWith(set, (key) => verdicts.get(normalKey(form, key))?.probability, threshold), of: set.truth.size };
  return { agreement: agreement ?? null, drift: driftOf(inOrder, threshold), disagreement: disagreementOf(inOrder, threshold) };
}
