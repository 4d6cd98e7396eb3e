/** What lies in a store, as digests: the way to ask whether two runs computed the same. */
import { digestOf } from '../../workers/store/artifacts.js';
import type { ObjectStore } from '../../workers/store/object-store.js';

/** Everything that a run computes; times are in the summary, the metrics and the report. */
export const COMPUTED = /\/(segments|rewards|updates|policies|checkpoints|evaluations)\/|spec\.json$/;

/** Digest of each object below `prefix` whose key matches. */
export async function digestsIn(store: ObjectStore, prefix = '', pattern = /^/): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { key } of await store.list(prefix)) if (pattern.test(key)) found[key] = digestOf((await store.get(key))!);
  return found;
}
