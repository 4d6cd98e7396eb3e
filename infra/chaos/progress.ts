/** Follows the trained updates of a run in its store, from outside. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { layout } from '../../workers/store/layout.js';

const LOOK_EVERY_MS = 100;

export class Progress {
  /** When each look found new updates, oldest first. */
  readonly seen: { readonly version: number; readonly atMs: number }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: string,
    private readonly run: string,
  ) {
    this.look();
  }

  get version(): number {
    return this.seen.at(-1)?.version ?? 0;
  }

  /** Milliseconds from `atMs` to the first update seen after it; null where none came. */
  untilNext(atMs: number): number | null {
    const next = this.seen.find((one) => one.atMs > atMs);
    return next === undefined ? null : next.atMs - atMs;
  }

  /** The longest time without a new update between the first and the last. */
  longestGapMs(): number {
    return this.seen.reduce((longest, one, index) => Math.max(longest, one.atMs - (this.seen[index - 1] ?? one).atMs), 0);
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private look(): void {
    this.timer = setTimeout(() => {
      void this.lookNow().then(() => this.timer && this.look());
    }, LOOK_EVERY_MS);
  }

  private async lookNow(): Promise<void> {
    const names = await readdir(join(this.store, dirname(layout.update(this.run, 0)))).catch(() => []);
    const version = names.reduce((newest, name) => Math.max(newest, Number.parseInt(name, 10) || 0), 0);
    if (version > this.version) this.seen.push({ version, atMs: Date.now() });
  }
}
