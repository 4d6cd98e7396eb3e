/** Answers on their way to the log: gathered for a moment, so that one object holds more than one, never for longer. */
import type { AppendResult, LabelLog } from './label-log.js';
import type { LabelRecord } from './label-record.js';
import { textKey } from './text-key.js';

export interface ChunkLimits {
  /** Answers in one log entry at most. */
  readonly labelsMax: number;
  /** Longest time that an answer waits for others, in ms. */
  readonly waitMs: number;
}

/** Sums of what was written, until they are taken. */
export interface WrittenCounts {
  made: number;
  unparsable: number;
  failed: number;
  tokensIn: number;
  tokensOut: number;
}

export class AnswerBuffer {
  private readonly records: LabelRecord[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();
  private counts: WrittenCounts = zero();

  /** `onWritten`: the texts are in the log (or were there already). */
  constructor(
    private readonly log: LabelLog,
    private readonly limits: ChunkLimits,
    private readonly onWritten: (keys: readonly string[]) => void,
  ) {}

  /** Takes an answer; it is in the log after `waitMs` or at the next flush, whichever is first. */
  add(record: LabelRecord): void {
    this.records.push(record);
    // A write that fails here keeps its records; the next flush that is awaited says so.
    if (this.records.length >= this.limits.labelsMax) this.flush().catch(() => undefined);
    else this.timer ??= setTimeout(() => void this.flush().catch(() => undefined), this.limits.waitMs);
  }

  /** Writes all that is gathered; durable when it resolves. @throws LaurelError of the store; nothing is lost then. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const result = this.flushing.then(() => this.flushNow());
    this.flushing = result.catch(() => undefined);
    return result;
  }

  /** Writes these answers as one entry, in this order. @throws LaurelError of the store */
  async write(records: readonly LabelRecord[]): Promise<void> {
    const { written } = await this.log.append(records);
    this.count(written, records);
    this.onWritten(records.map((record) => textKey(record.text)));
  }

  /** Counts since the last time; each answer is counted once. */
  takeCounts(): WrittenCounts {
    const taken = this.counts;
    this.counts = zero();
    return taken;
  }

  get counted(): Readonly<WrittenCounts> {
    return this.counts;
  }

  private async flushNow(): Promise<void> {
    while (this.records.length > 0) {
      const chunk = this.records.slice(0, this.limits.labelsMax);
      await this.write(chunk);
      this.records.splice(0, chunk.length);
    }
  }

  private count(written: AppendResult['written'], records: readonly LabelRecord[]): void {
    this.counts.made += written.ok;
    this.counts.unparsable += written.unparsable;
    this.counts.failed += written.refused + written.error;
    for (const record of records) {
      this.counts.tokensIn += record.tokensIn;
      this.counts.tokensOut += record.tokensOut;
    }
  }
}

function zero(): WrittenCounts {
  return { made: 0, unparsable: 0, failed: 0, tokensIn: 0, tokensOut: 0 };
}
