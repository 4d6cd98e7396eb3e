/**
 * Requests for artefacts of one peer that are made at the same moment go as one Flight call: a call costs about as much as
 * moving 100 kB, and the consumers of segments ask for a lot of them at once.
 */
import type { FlightClientPool } from '../../proto/flight/client-pool.js';
import { splitStreams } from '../../proto/flight/ipc-messages.js';
import { LaurelError } from '../../proto/errors.js';
import type { ArtifactRef } from '../../proto/references.js';
import { columnsTicket, KEYS_MAX, wholeTicket } from './ticket.js';

/** Artefacts of one call by size (of the whole files); one alone may be larger. */
const CALL_BYTES_MAX = 16 * 1024 * 1024;

interface Item {
  readonly ref: ArtifactRef;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
  /** Nobody waits for it any more. */
  gone: boolean;
}

interface Gathered {
  readonly location: string;
  /** Null: all bytes of the files. */
  readonly columns: readonly string[] | null;
  readonly items: Item[];
  readonly abort: AbortController;
  bytes: number;
}

export class GatheredCalls {
  private readonly open = new Map<string, Gathered>();

  constructor(
    private readonly clients: FlightClientPool,
    private readonly deadlineMs: number,
  ) {}

  /**
   * All bytes of an artefact (not verified), or the stream of some columns of its first table (the peer verifies the file).
   * A call that fails fails for all that went with it.
   * @throws LaurelError of the peer, LAUREL_TRANSPORT_FAILED; the reason of the signal
   */
  async fetch(location: string, ref: ArtifactRef, columns: readonly string[] | null, signal?: AbortSignal): Promise<Uint8Array> {
    signal?.throwIfAborted();
    let leave: (() => void) | undefined;
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        const item: Item = { ref, resolve, reject, gone: false };
        const gathered = this.gather(location, columns, item);
        leave = () => {
          item.gone = true;
          reject(signal?.reason as Error);
          if (gathered.items.every(({ gone }) => gone)) gathered.abort.abort(signal?.reason);
        };
        signal?.addEventListener('abort', leave, { once: true });
      });
    } finally {
      if (leave) signal?.removeEventListener('abort', leave);
    }
  }

  private gather(location: string, columns: readonly string[] | null, item: Item): Gathered {
    const name = JSON.stringify([location, columns]);
    let gathered = this.open.get(name);
    if (gathered === undefined || gathered.items.length >= KEYS_MAX || gathered.bytes + item.ref.bytes > CALL_BYTES_MAX) {
      const begun: Gathered = { location, columns, items: [], abort: new AbortController(), bytes: 0 };
      this.open.set(name, begun);
      // By then everything that was asked for at this moment has come.
      setImmediate(() => {
        if (this.open.get(name) === begun) this.open.delete(name);
        void this.send(begun);
      });
      gathered = begun;
    }
    gathered.items.push(item);
    gathered.bytes += item.ref.bytes;
    return gathered;
  }

  private async send({ location, columns, items, abort }: Gathered): Promise<void> {
    const refs = items.map(({ ref }) => ref);
    try {
      const ticket = columns === null ? wholeTicket(refs.map(({ key }) => key)) : columnsTicket(refs, columns);
      const bytes = await this.clients.get(location).getStream(ticket, { signal: abort.signal, deadlineMs: this.deadlineMs });
      const parts = columns === null ? slices(bytes, refs) : splitStreams(bytes);
      if (parts.length !== items.length) throw new LaurelError('LAUREL_TRANSPORT_FAILED', `expected ${items.length} streams from ${location}, got ${parts.length}`);
      items.forEach(({ resolve }, index) => resolve(parts[index] as Uint8Array));
    } catch (error) {
      for (const { reject } of items) reject(error);
    }
  }
}

/** The files, by the sizes that their references say; where a size is wrong the digests of what follows are too. */
function slices(bytes: Uint8Array, refs: readonly ArtifactRef[]): Uint8Array[] {
  if (refs.length === 1) return [bytes];
  let at = 0;
  return refs.map((ref) => bytes.subarray(at, (at += ref.bytes)));
}
