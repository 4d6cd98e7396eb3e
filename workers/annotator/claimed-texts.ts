/** Texts to ask, claimed batch by batch as they are pulled, the next batch while the one before is asked. */
import { setTimeout as wait } from 'node:timers/promises';
import type { AnnotatorSession } from './session.js';

/** Texts of one claim at most: what a process holds back from the others while it asks. The first is small, each one doubles. */
const BATCH_MAX = 512;
/** How long other machines leave alone what a process that died was asking, beside the time of its call. */
const GRACE_MS = 60_000;
/** Pause before texts that others ask are looked at again. */
const POLL_MS = 250;

export interface ClaimOptions {
  /** The call lasts so long at most. */
  readonly callMs: number;
  readonly more: () => boolean;
}

export class ClaimedTexts {
  private readonly claimed: string[] = [];
  private pending: Promise<readonly string[]> = Promise.resolve([]);
  private wanted: readonly string[];

  constructor(
    private readonly session: AnnotatorSession,
    keys: readonly string[],
    private readonly options: ClaimOptions,
  ) {
    this.wanted = keys;
  }

  /** Ends when no text is left, or `more()` no longer holds. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    let most = 2 * this.session.judge.concurrency;
    this.pending = this.next(most);
    for (;;) {
      const batch = await this.pending;
      if (batch.length === 0) return;
      most = Math.min(BATCH_MAX, 2 * most);
      this.pending = this.next(most);
      yield* batch;
    }
  }

  /** The first of the texts that no other process is asking; where all are, waits for one while `more()` holds. */
  async next(most: number): Promise<readonly string[]> {
    const { session, options } = this;
    while (this.wanted.length > 0 && options.more()) {
      const found = await session.claims.claim(this.wanted, most, GRACE_MS + options.callMs);
      this.claimed.push(...found);
      const mine = new Set(found);
      // What was labelled while others held it needs no asking.
      const view = await session.log.table.head();
      this.wanted = this.wanted.filter((key) => !mine.has(key) && view.get(key) === undefined);
      const unknown = found.filter((key) => view.get(key) === undefined);
      if (unknown.length > 0) return unknown;
      if (found.length === 0) await wait(POLL_MS);
    }
    return [];
  }

  /** Gives all of them back, when they are answered. */
  async release(): Promise<void> {
    await this.pending.catch(() => undefined);
    await this.session.release(this.claimed);
  }
}
