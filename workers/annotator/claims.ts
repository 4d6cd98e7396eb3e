/**
 * Who is asking what just now, told to the other annotator processes of a store: a message is not asked twice at one time.
 * `claims/<annotator>/<position>.json` holds what one process is about to ask. Positions are taken with put-if-absent, and
 * whoever takes one has read all before it, so two processes never hold one message. A list is no snapshot: where a claim
 * moved up while it was made, it may show neither the old object nor the new one, and the next position seems to be one
 * that was taken and left before. So the last positions stay as empty objects, and whoever has taken one looks once more at
 * those above it, and yields. A claim ends when it is released, when its time is over, or when its process is gone (seen on
 * the same machine). Nothing recorded follows from claims: at worst a message is asked twice and its second answer is not logged.
 */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isProcessAlive } from '../process-alive.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { textOfKey } from './text-key.js';

/** How often a position may be lost to another process before this one gives up for now. */
const TRIES_MAX = 32;
/** Positions behind the newest that are not taken away, so that a list that is late finds them taken. */
const KEPT_POSITIONS = 8;

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
      this.drop(keys);
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
        this.drop(free);
        throw error;
      });
      if (!created) {
        this.drop(free);
        continue;
      }
      const before = this.own;
      this.own = key;
      if (before !== undefined) await this.store.replace(before, this.body([])).catch(() => undefined);
      const { taken: above } = await this.ofOthers(last + 1);
      const won = free.filter((one) => !above.has(hashOf(one)));
      if (won.length === free.length) return free;
      this.drop(free.filter((one) => above.has(hashOf(one))));
      await this.store.replace(key, this.body()).catch(() => undefined);
      if (won.length > 0) return won;
    }
    return [];
  }

  /** What others hold at positions above one. The newest object always stays: its number tells which is the next. */
  private async ofOthers(above = -1): Promise<{ readonly taken: ReadonlySet<string>; readonly last: number }> {
    const objects = (await this.store.list(layout.claims(this.annotator))).map(({ key }) => ({ key, position: positionOf(key) }));
    const last = objects.at(-1)?.position ?? -1;
    const taken = new Set<string>();
    for (const { key, position } of objects) {
      if (key === this.own || position <= above) continue;
      const claim = parse(await this.store.get(key));
      if (claim !== undefined && claim.nonce !== this.nonce && holds(claim)) for (const text of claim.texts) taken.add(text);
      else if (position < last - KEPT_POSITIONS) await this.store.delete(key).catch(() => undefined);
    }
    return { taken, last };
  }

  private body(texts: readonly string[] = [...this.held.keys()]): Uint8Array {
    const claim: Claim = { host: hostname(), pid: process.pid, nonce: this.nonce, untilMs: this.untilMs, texts };
    return Buffer.from(JSON.stringify(claim), 'utf8');
  }

  private drop(keys: readonly string[]): void {
    for (const hash of keys.map(hashOf)) {
      const calls = (this.held.get(hash) ?? 0) - 1;
      if (calls > 0) this.held.set(hash, calls);
      else this.held.delete(hash);
    }
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

function positionOf(key: string): number {
  return Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 10);
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
