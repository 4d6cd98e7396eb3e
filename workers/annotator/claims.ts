/**
 * Who is asking what just now, told to the other annotator processes of a store: a message is not asked twice at one time.
 * `claims/<annotator>/<position>.json` holds what one process is about to ask. Positions are taken with put-if-absent, and
 * whoever takes one has read all before it, so two processes never hold one message. A claim ends when it is released, when
 * its time is over, or when its process is gone (seen on the same machine). Nothing recorded follows from claims: at worst
 * a message is asked twice and its second answer is not logged.
 */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isProcessAlive } from '../process-alive.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { textOfKey } from './text-key.js';

/** How often a position may be lost to another process before this one gives up for now. */
const TRIES_MAX = 32;

interface Claim {
  readonly host: string;
  readonly pid: number;
  /** Tells claims of one process from those of another with its pid. */
  readonly nonce: string;
  /** Unix time. */
  readonly untilMs: number;
  /** sha256 of the text, cut to 16 hexadecimal digits. */
  readonly texts: readonly string[];
}

export class Claims {
  private readonly nonce = randomBytes(8).toString('hex');
  /** How many calls of this process hold a text. */
  private readonly held = new Map<string, number>();
  private own: string | undefined;
  private untilMs = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: ObjectStore,
    private readonly annotator: string,
  ) {}

  /**
   * The first `most` of the texts that no other process holds, held from now on for `holdMs` at most.
   * @throws LaurelError LAUREL_STORE_UNAVAILABLE
   */
  claim(keys: readonly string[], most: number, holdMs: number): Promise<string[]> {
    return this.inTurn(() => this.claimNow(keys, most, holdMs));
  }

  /** Gives texts back. What cannot be given back ends when its time is over. */
  release(keys: readonly string[]): Promise<void> {
    return this.inTurn(async () => {
      for (const key of keys) this.drop(hashOf(key));
      if (this.own !== undefined) await this.store.replace(this.own, this.body()).catch(() => undefined);
    });
  }

  private async claimNow(keys: readonly string[], most: number, holdMs: number): Promise<string[]> {
    for (let tried = 0; keys.length > 0 && most > 0 && tried < TRIES_MAX; tried++) {
      const { taken, last } = await this.ofOthers();
      const free = keys.filter((key) => !taken.has(hashOf(key))).slice(0, most);
      if (free.length === 0) return [];
      for (const key of free) this.held.set(hashOf(key), (this.held.get(hashOf(key)) ?? 0) + 1);
      const key = layout.claim(this.annotator, last + 1);
      this.untilMs = Math.max(this.untilMs, Date.now() + holdMs);
      const { created } = await this.store.putIfAbsent(key, this.body()).catch((error: unknown) => {
        // Nobody asks them for it: later claims of this process must not hold them.
        for (const one of free) this.drop(hashOf(one));
        throw error;
      });
      if (created) {
        const before = this.own;
        this.own = key;
        if (before !== undefined) await this.store.delete(before).catch(() => undefined);
        return free;
      }
      for (const one of free) this.drop(hashOf(one));
    }
    return [];
  }

  /** The newest object always stays: its number tells which is the next. */
  private async ofOthers(): Promise<{ readonly taken: ReadonlySet<string>; readonly last: number }> {
    const objects = await this.store.list(layout.claims(this.annotator));
    const taken = new Set<string>();
    for (const [index, { key }] of objects.entries()) {
      if (key === this.own) continue;
      const claim = parse(await this.store.get(key));
      if (claim !== undefined && claim.nonce !== this.nonce && holds(claim)) for (const text of claim.texts) taken.add(text);
      else if (index < objects.length - 1) await this.store.delete(key).catch(() => undefined);
    }
    const newest = objects.at(-1)?.key;
    return { taken, last: newest === undefined ? -1 : Number.parseInt(newest.slice(newest.lastIndexOf('/') + 1), 10) };
  }

  private body(): Uint8Array {
    const claim: Claim = { host: hostname(), pid: process.pid, nonce: this.nonce, untilMs: this.untilMs, texts: [...this.held.keys()] };
    return Buffer.from(JSON.stringify(claim), 'utf8');
  }

  private drop(hash: string): void {
    const calls = (this.held.get(hash) ?? 0) - 1;
    if (calls > 0) this.held.set(hash, calls);
    else this.held.delete(hash);
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.turn.then(task);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

function holds({ host, pid, untilMs, texts }: Claim): boolean {
  return texts.length > 0 && untilMs > Date.now() && !(host === hostname() && !isProcessAlive(pid));
}

function hashOf(key: string): string {
  return createHash('sha256').update(textOfKey(key)).digest('hex').slice(0, 16);
}

/** A claim that cannot be read holds nothing. */
function parse(bytes: Uint8Array | undefined): Claim | undefined {
  try {
    return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString('utf8')) as Claim);
  } catch {
    return undefined;
  }
}
