/** Reading a label log: what every text was answered, up to a position. */
import { LaurelError } from '../../proto/errors.js';
import type { LabelLogRef } from '../../proto/references.js';
import { LABEL_STATUS } from '../../proto/schemas.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { decodeLabels, textKey } from './label-record.js';

const STATUS_OK = LABEL_STATUS.indexOf('ok');

export interface Label {
  /** Probability that the message is helpful, as the log holds it (f32). */
  readonly probability: number;
  /** Entry of the log that holds it: every position above it shows the label. */
  readonly entry: number;
  /** A person made it. */
  readonly human: boolean;
}

/** The log as it was when it had `position` entries; later entries never show in it. */
export interface LabelView {
  readonly position: number;
  /** Distinct texts with a verdict. */
  readonly labels: number;
  /** The verdict on a text (raw bytes, or its textKey); undefined: unknown, never a negative. */
  get(text: Uint8Array | string): Label | undefined;
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
  /** Distinct verdicts in the first n entries. */
  private readonly labelCounts: number[] = [0];
  /** Texts with a verdict. */
  private labelled = 0;
  private loading: Promise<unknown> = Promise.resolve();
  private listed = false;

  constructor(
    private readonly store: ObjectStore,
    readonly annotator: string,
  ) {}

  /** Entries that are loaded. */
  get loaded(): number {
    return this.labelCounts.length - 1;
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
        const last = (await this.store.list(layout.labels(this.annotator))).at(-1);
        const count = last === undefined ? 0 : Number.parseInt(last.key.slice(last.key.lastIndexOf('/') + 1), 10) + 1;
        await this.load(count);
        this.listed = true;
      }
      while (await this.loadNext());
    });
    return this.view(this.loaded);
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
    const bytes = await this.store.get(key);
    if (bytes === undefined) return false;
    const { keys, labels, statuses, human } = decodeLabels(bytes, key, this.annotator);
    keys.forEach((text, row) => {
      if (statuses[row] === STATUS_OK) {
        this.add(text, { probability: labels[row] as number, entry, human: human[row] === true });
        return;
      }
      const entries = this.failures.get(text);
      if (entries) entries.push(entry);
      else this.failures.set(text, [entry]);
    });
    this.labelCounts.push(this.labelled);
    return true;
  }

  private add(text: string, label: Label): void {
    if (!this.verdicts.has(text) && !this.corrections.has(text)) this.labelled += 1;
    if (label.human) this.corrections.set(text, [...(this.corrections.get(text) ?? []), label]);
    else if (!this.verdicts.has(text)) this.verdicts.set(text, label);
  }

  private view(position: number): LabelView {
    const keyOf = (text: Uint8Array | string): string => (typeof text === 'string' ? text : textKey(text));
    const labels = this.labelCounts[position] as number;
    return {
      position,
      labels,
      get: (text) => {
        const key = keyOf(text);
        const corrected = this.corrections.get(key)?.findLast((label) => label.entry < position);
        if (corrected !== undefined) return corrected;
        const verdict = this.verdicts.get(key);
        return verdict !== undefined && verdict.entry < position ? verdict : undefined;
      },
      failedAttempts: (text) => (this.failures.get(keyOf(text)) ?? []).filter((entry) => entry < position).length,
      ref: () => ({ annotator: this.annotator, position, labels }),
    };
  }
}
