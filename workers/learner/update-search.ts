/** Looking through the records of updates, newest first. */
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { UpdateRecord } from './update-record.js';

/** Records looked at: what is damaged in a live run was used lately. */
const RECORDS_MAX = 2_000;

/** What `choose` finds in the newest record in which it finds anything. */
export async function findTrained<T>(store: ObjectStore, run: string, choose: (record: UpdateRecord) => T | undefined): Promise<T | undefined> {
  const keys = (await store.list(layout.updates(run))).map(({ key }) => key).reverse();
  for (const key of keys.slice(0, RECORDS_MAX)) {
    const record = await readJson<UpdateRecord>(store, key).catch(() => undefined);
    const found = record && choose(record);
    if (found !== undefined) return found;
  }
  return undefined;
}
