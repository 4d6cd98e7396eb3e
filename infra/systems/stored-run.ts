/** Reads from the store what the check of a system looks at. */
import type { MetricsLine } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import type { ObjectStore } from '../../workers/store/object-store.js';
import type { StoredEvaluation, StoredRun } from './system-row.js';

/** @throws LaurelError LAUREL_STORE_MISSING where the run has no summary */
export async function loadStoredRun(store: ObjectStore, run: string): Promise<StoredRun> {
  const required = async <T>(key: string): Promise<T> => {
    const value = await readJson<T>(store, key);
    if (value === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; the run is not over`, { key });
    return value;
  };
  const job = await required<StoredRun['job']>(layout.spec(run));
  const summary = await required<StoredRun['summary']>(layout.summary(run));
  const evaluations = await Promise.all((await store.list(layout.evaluations(run))).filter(({ key }) => key.endsWith('.json')).map(({ key }) => required<StoredEvaluation>(key)));
  const lines = Buffer.from((await store.get(layout.metrics(run))) ?? new Uint8Array(0)).toString('utf8').split('\n');
  return { run, job, summary, evaluations, metrics: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as MetricsLine) };
}
