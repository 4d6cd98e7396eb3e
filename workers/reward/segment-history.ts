/** The segments before one of the same shard, as far as its episodes reach back. They are named by their place and never change. */
import type { Table } from 'apache-arrow';
import { columnArray, readTables } from '../../proto/flight/tables.js';
import { LaurelError } from '../../proto/errors.js';
import { SEGMENT_COLUMNS as C } from '../../proto/schemas.js';
import { isUsableSegment } from '../rollout/segment-boundary.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { History } from './sources/source.js';

export interface SegmentPlace {
  readonly run: string;
  readonly shard: number;
  readonly seq: number;
}

/**
 * @returns tables of transitions, oldest first
 * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT with the key of the segment that must be made again first
 */
export async function readHistory(store: ObjectStore, { run, shard, seq }: SegmentPlace, table: Table, history: History, signal?: AbortSignal): Promise<Table[]> {
  const earlier: Table[] = [];
  let oldest = table;
  for (let before = seq - 1; before >= 0 && history !== 'none' && stepsMissing(oldest) > 0; before--) {
    signal?.throwIfAborted();
    const key = layout.segment(run, shard, before);
    const bytes = await store.get(key);
    if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store: episodes of segment ${seq} began there; found nothing`, { key });
    if (!isUsableSegment(bytes)) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${key} to be a whole segment: episodes of segment ${seq} began there`, { key });
    oldest = readTables(bytes)[0] as Table;
    earlier.unshift(oldest);
    if (history === 'previous') break;
  }
  return earlier;
}

/** Steps that the longest of the episodes which run at the first row of each environment had before. */
function stepsMissing(table: Table): number {
  const environment = columnArray(table, C.environment, Int32Array);
  const step = columnArray(table, C.step, Int32Array);
  let most = 0;
  for (let row = 0; row < table.numRows; row++) if (row === 0 || environment[row] !== environment[row - 1]) most = Math.max(most, step[row] as number);
  return most;
}
