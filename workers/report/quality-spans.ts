/** Over which part of a run its rewards are looked at. */
import type { AppendMetricsInput, MetricsLine } from '../../proto/activities.js';
import type { RewardQuality } from '../../proto/quality.js';
import { rewardQuality } from '../reward/quality/run-quality.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { loadEvaluations, loadMetrics, metricsOf } from './load-parts.js';
import type { ReportEvaluation } from './report-data.js';

/** Of the segments of the newest part of the metrics; its rewards are compared with those of the first part. */
export async function partQuality(store: ObjectStore, { run, part, lines }: AppendMetricsInput): Promise<RewardQuality | undefined> {
  const first = part === 0 ? [] : metricsOf([await store.get(layout.metricsPart(run, 0))], run);
  return rewardQuality(store, { run, lines: [...first, ...lines], versions: lines.map(({ version }) => version), evaluations: await loadEvaluations(store, run) });
}

/** Of segments spread over the whole run. */
export async function runQuality(store: ObjectStore, run: string, metrics?: readonly MetricsLine[], evaluations?: readonly ReportEvaluation[]): Promise<RewardQuality | undefined> {
  const lines = metrics ?? (await loadMetrics(store, run));
  return rewardQuality(store, { run, lines, versions: lines.map(({ version }) => version), evaluations: evaluations ?? (await loadEvaluations(store, run)) });
}
