/** Reads everything that a report shows from the store alone. */
import type { MetricsLine } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { RunStatus } from '../../proto/status.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { loadAnnotations } from './load-annotations.js';
import { sampleMessages } from './message-sample.js';
import type { ReportData, ReportEvaluation } from './report-data.js';

interface StoredSummary {
  readonly outcome?: ReportData['outcome'];
  readonly status?: RunStatus;
}

interface StoredEvaluation extends Omit<ReportEvaluation, 'version' | 'episodes'> {
  readonly policyVersion: number;
  readonly episodes: readonly unknown[];
}

/**
 * A run that goes on has metrics and evaluations so far, but no status.
 * @throws LaurelError LAUREL_STORE_MISSING where the store has no such run
 */
export async function loadReport(store: ObjectStore, run: string): Promise<ReportData> {
  const key = layout.spec(run);
  const job = await readJson<Job>(store, key);
  if (job === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check the id of the run and LAUREL_STORE`, { key });
  const summary = await readJson<StoredSummary>(store, layout.summary(run));
  const status = summary?.status ?? null;
  const [metrics, evaluations, annotations, messages] = await Promise.all([loadMetrics(store, run), loadEvaluations(store, run), loadAnnotations(store, job, status), sampleMessages(store, run)]);
  return { run, job, outcome: summary?.outcome ?? null, status, metrics, evaluations, annotations, messages };
}

/** The joined file of a finished run, else the parts so far. A line that was written twice counts once. */
async function loadMetrics(store: ObjectStore, run: string): Promise<MetricsLine[]> {
  const joined = await store.get(layout.metrics(run));
  const bodies = joined === undefined ? await Promise.all((await store.list(layout.metricsParts(run))).map(({ key }) => store.get(key))) : [joined];
  const lines = new Map<number, MetricsLine>();
  for (const body of bodies) {
    for (const text of Buffer.from(body ?? []).toString('utf8').split('\n')) {
      if (text.trim() === '') continue;
      const line = parseLine(text, run);
      lines.set(line.version, line);
    }
  }
  return [...lines.values()].sort((a, b) => a.version - b.version);
}

function parseLine(text: string, run: string): MetricsLine {
  try {
    return JSON.parse(text) as MetricsLine;
  } catch (cause) {
    throw new LaurelError('LAUREL_STORE_CORRUPT', `expected JSON lines in the metrics of ${run}, got ${text.slice(0, 80)}`, { run }, { cause });
  }
}

async function loadEvaluations(store: ObjectStore, run: string): Promise<ReportEvaluation[]> {
  const objects = await store.list(layout.evaluations(run));
  const records = await Promise.all(objects.map(({ key }) => readJson<StoredEvaluation>(store, key)));
  return records
    .filter((record) => record !== undefined)
    .map(({ policyVersion, suite, episodes, failed, means }) => ({ version: policyVersion, suite, episodes: episodes.length, failed, means }))
    .sort((a, b) => a.version - b.version);
}
