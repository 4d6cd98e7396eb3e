/** Metric lines and evaluations of a run, from the store. */
import type { MetricsLine } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { ReportEvaluation } from './report-data.js';

interface StoredEvaluation extends Omit<ReportEvaluation, 'version' | 'episodes'> {
  readonly policyVersion: number;
  readonly episodes: readonly unknown[];
}

/** The joined file of a finished run, else the parts so far. A line that was written twice counts once. */
export async function loadMetrics(store: ObjectStore, run: string): Promise<MetricsLine[]> {
  const joined = await store.get(layout.metrics(run));
  const bodies = joined === undefined ? await Promise.all((await store.list(layout.metricsParts(run))).map(({ key }) => store.get(key))) : [joined];
  return metricsOf(bodies, run);
}

/** Lines of parts in the order of versions. @throws LaurelError LAUREL_STORE_CORRUPT */
export function metricsOf(bodies: readonly (Uint8Array | undefined)[], run: string): MetricsLine[] {
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

export async function loadEvaluations(store: ObjectStore, run: string): Promise<ReportEvaluation[]> {
  const objects = await store.list(layout.evaluations(run));
  const records = await Promise.all(objects.map(({ key }) => readJson<StoredEvaluation>(store, key)));
  return records
    .filter((record) => record !== undefined)
    .map(({ policyVersion, suite, episodes, failed, means }) => ({ version: policyVersion, suite, episodes: episodes.length, failed, means }))
    .sort((a, b) => a.version - b.version);
}
