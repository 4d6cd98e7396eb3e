/** Reading a label log: what every text was answered, up to a position. */
import { LaurelError } from '../../proto/errors.js';
import type { PairChoice } from '../../proto/judges.js';
import type { LabelLogRef } from '../../proto/references.js';
import { LABEL_STATUS } from '../../proto/schemas.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { LabelEntries } from './label-entries.js';
import { decodeLabels } from './label-record.js';
import { SpendingTable } from './spending-table.js';
import { textKey } from './text-key.js';

const STATUS_OK = LABEL_STATUS.indexOf('ok');

export interface Label {
  /** Probability that the message is helpful, or the first of two preferred, as the log holds it (f32). */
  readonly probability: number;
  /** Entry of the log that holds it: every position above it shows the label. */
  readonly entry: number;
  /** A person made it. */
  readonly human: boolean;
  /** Of a pair; absent: the label is of one message. */
  readonly choice?: PairChoice;
}

/** The log as it was when it had `position` entries; later entries never show in it. */
export interface LabelView {
  readonly position: number;
  /** Distinct texts with a verdict. */
  readonly labels: number;
  /** The verdict on a text or pair (its bytes, or their textKey); undefined: unknown, never a negative. */
  get(text: Uint8Array | string): Label | undefined;
  /** What the judge said, whatever people say of it; undefined: it was not asked, or gave no verdict. */
  byJudge(text: Uint8Array | string): Label | undefined;
  /** Every key with a verdict at this position and what it says, in the order in which keys first got one; pairs: pair, pairOfKey. */
  verdicts(): Iterable<readonly [string, Label]>;
  /** How often the text was asked without a verdict. */
  failedAttempts(text: Uint8Array | string): number;
  ref(): LabelLogRef;
}

/**
 * In-memory form of the log `labels/<annotator>/`, loaded entry by entry as positions are asked for and kept. The first
 * verdict of a model on a text stands; later ones are ignored. A person's verdict wins over a model's, and a person's
 * newest over one before it, from the position on that holds it: what a position shows never changes.
 */
export class LabelTable {
  private readonly verdicts = new Map<string, Label>();
  /** Verdicts of people, oldest first. */
  private readonly corrections = new Map<string, Label[]>();
  /** Entries in which a text was asked in vain. */
  private readonly failures = new Map<string, number[]>();
  /** Texts with a verdict in the order in which they got their first. */
  private readonly order: string[] = [];
  /** Distinct verdicts in the first n entries: so many of `order` belong to them. */
  private readonly labelCounts: number[] = [0];
  readonly entries: LabelEntries;
  /** What the loaded entries have cost. */
  readonly spending = new SpendingTable();
  private loading: Promise<unknown> = Promise.resolve();
  private listed = false;

  constructor(
    store: ObjectStore,
    readonly annotator: string,
  ) {
    this.entries = new LabelEntries(store, annotator);
  }

  /** Entries that are loaded. */
  get loaded(): number {
    return this.labelCounts.length - 1;
  }

  /** Distinct texts with a verdict in the first `position` entries, which must be loaded. */
  labelsAt(position: number): number {
    return this.labelCounts[position] as number;
  }

  /** The text (as textKey) that was the `index`-th to get a verdict: those below `labelsAt(position)` are the texts of a position. */
  textAt(index: number): string {
    return this.order[index] as string;
  }

  /**
   * The log at a position; entries that are not yet in memory are read.
   * @throws LaurelError LAUREL_STORE_MISSING (the log is shorter), LAUREL_STORE_CORRUPT, LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_UNAVAILABLE
   */
  async at(position: number): Promise<LabelView> {
    await this.inTurn(() => this.load(position));
    return this.view(position);
  }

  /** The log with everything that is in the store now. @throws as `at` */
  async head(): Promise<LabelView> {
    await this.inTurn(async () => {
      if (!this.listed) {
        // A hole would let a writer put new labels under an old position: look once for the highest name.
        await this.load(await this.entries.count());
        this.listed = true;
      }
      while (await this.loadNext());
    });
    return this.view(this.loaded);
  }

  /** Whether what is loaded holds a verdict on the text. */
  isLabelled(text: Uint8Array | string): boolean {
    return this.view(this.loaded).get(text) !== undefined;
  }

  /** One load at a time; a failed one does not stop the next. */
  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.loading.then(task);
    this.loading = result.catch(() => undefined);
    return result;
  }

  private async load(position: number): Promise<void> {
    while (this.loaded < position) {
      if (await this.loadNext()) continue;
      const key = layout.label(this.annotator, this.loaded);
      throw new LaurelError('LAUREL_STORE_MISSING', `expected ${position} entries in the label log ${layout.labels(this.annotator)}, found none at ${key}; check that all workers see the same store`, {
        key,
        position,
      });
    }
  }

  private async loadNext(): Promise<boolean> {
    const entry = this.loaded;
    const key = layout.label(this.annotator, entry);
    const bytes = await this.entries.read(entry);
    if (bytes === undefined) return false;
    const { keys, labels, statuses, human, choices, spending } = decodeLabels(bytes, key, this.annotator);
    this.spending.add(spending);
    keys.forEach((text, row) => {
      if (statuses[row] === STATUS_OK) {
        this.add(text, { probability: labels[row] as number, entry, human: human[row] === true, ...(choices[row] ? { choice: choices[row] } : {}) });
        return;
      }
      const entries = this.failures.get(text);
      if (entries) entries.push(entry);
      else this.failures.set(text, [entry]);
    });
    this.labelCounts.push(this.order.length);
    return true;
  }

  private add(text: string, label: Label): void {
    if (!this.verdicts.has(text) && !this.corrections.has(text)) this.order.push(text);
    if (label.human) this.corrections.set(text, [...(this.corrections.get(text) ?? []), label]);
    else if (!this.verdicts.has(text)) this.verdicts.set(text, label);
  }

  private view(position: number): LabelView {
    const keyOf = (text: Uint8Array | string): string => (typeof text === 'string' ? text : textKey(text));
    const labels = this.labelCounts[position] as number;
    const byJudge = (key: string): Label | undefined => {
      const verdict = this.verdicts.get(key);
      return verdict !== undefined && verdict.entry < position ? verdict : undefined;
    };
    const get = (key: string): Label | undefined => this.corrections.get(key)?.findLast((label) => label.entry < position) ?? byJudge(key);
    const { order } = this;
    return {
      position,
      labels,
      get: (text) => get(keyOf(text)),
      byJudge: (text) => byJudge(keyOf(text)),
      verdicts: function* () {
        for (let at = 0; at < labels; at++) yield [order[at] as string, get(order[at] as string) as Label];
      },
      failedAttempts: (text) => (this.failures.get(keyOf(text)) ?? []).filter((entry) => entry < position).length,
      ref: () => ({ annotator: this.annotator, position, labels }),
    };
  }
}
