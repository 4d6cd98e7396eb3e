/** Appending to a label log that several writers share. */
import type { LabelStatus } from '../../proto/schemas.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { encodeLabels, HUMAN } from './label-record.js';
import type { LabelRecord } from './label-record.js';
import { LabelTable } from './label-table.js';
import type { LabelView } from './label-table.js';
import { textKey } from './text-key.js';

export interface AppendResult {
  /** The log after the append. */
  readonly view: LabelView;
  /** Records written by this call, by status. */
  readonly written: Readonly<Record<LabelStatus, number>>;
}

/**
 * The log `labels/<annotator>/<position>.arrow`: each object is one batch of answers, its number is the position before
 * it. An append claims the next free number with put-if-absent; where another writer was first, its entry is read, what
 * it already answers is left out, and the rest goes to the number after it. So no label is lost or told twice.
 */
export class LabelLog {
  readonly table: LabelTable;
  private appending: Promise<unknown> = Promise.resolve();

  constructor(
    readonly store: ObjectStore,
    readonly annotator: string,
  ) {
    this.table = new LabelTable(store, annotator);
  }

  /**
   * Appends answers; durable when it resolves. Nothing is written where all of them are already answered.
   * @throws LaurelError LAUREL_STORE_UNAVAILABLE, LAUREL_STORE_CORRUPT
   */
  append(records: readonly LabelRecord[]): Promise<AppendResult> {
    const result = this.appending.then(() => this.appendNow(records));
    this.appending = result.catch(() => undefined);
    return result;
  }

  private async appendNow(records: readonly LabelRecord[]): Promise<AppendResult> {
    for (;;) {
      const view = await this.table.head();
      const fresh = firstOfEach(records).filter((record) => isNews(record, view));
      const written = { ok: 0, unparsable: 0, refused: 0, error: 0 };
      if (fresh.length === 0) return { view, written };
      // A repeated attempt is counted from what the log says now, which another writer may have changed.
      const numbered = fresh.map((record) => ({ ...record, attempt: view.failedAttempts(record.text) + 1 }));
      const { created } = await this.store.putIfAbsent(layout.label(this.annotator, view.position), encodeLabels(this.annotator, numbered));
      if (!created) continue;
      // Stopped for so long between looking and writing that others filled this block, and packed it: not the end of the log.
      if (await this.table.entries.isPacked(view.position)) {
        await this.store.delete(layout.label(this.annotator, view.position));
        continue;
      }
      for (const record of numbered) written[record.status]++;
      return { view: await this.table.at(view.position + 1), written };
    }
  }
}

/** A text without a verdict; or a person's word where there is none of a person that says the same. */
function isNews(record: LabelRecord, view: LabelView): boolean {
  const known = view.get(record.text);
  if (known === undefined) return true;
  return record.model === HUMAN && record.status === 'ok' && !(known.human && known.probability === Math.fround(record.label ?? Number.NaN));
}

/** One record for each text: the first with a verdict, else the first. */
function firstOfEach(records: readonly LabelRecord[]): LabelRecord[] {
  const chosen = new Map<string, LabelRecord>();
  for (const record of records) {
    const key = textKey(record.text);
    const known = chosen.get(key);
    if (known === undefined || (known.status !== 'ok' && record.status === 'ok')) chosen.set(key, record);
  }
  return [...chosen.values()];
}
