/** Reads everything that a report shows from the store alone. */
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { RunStatus } from '../../proto/status.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { loadAnnotations } from './load-annotations.js';
import { loadEvaluations, loadMetrics } from './load-parts.js';
import { sampleMessages } from './message-sample.js';
import { runQuality } from './quality-spans.js';
import type { ReportData } from './report-data.js';

interface StoredSummary {
  readonly outcome?: ReportData['outcome'];
  readonly status?: RunStatus;
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
  const rewardQuality = (await runQuality(store, run, metrics, evaluations)) ?? null;
  return { run, job, outcome: summary?.outcome ?? null, status, metrics, evaluations, annotations, messages, rewardQuality };
}

