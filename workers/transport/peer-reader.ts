/** Artefacts from the worker that made them, else from the store. What is asked for at the same moment goes as one call. */
import { tableFromIPC, type Table } from 'apache-arrow';
import type { FlightClientPool } from '../../proto/flight/client-pool.js';
import { splitStreams } from '../../proto/flight/ipc-messages.js';
import type { ArtifactRef } from '../../proto/references.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { readArtifact, verifyArtifact } from '../store/artifacts.js';
import type { ObjectStore } from '../store/object-store.js';
import { selectColumns } from './artifact-producer.js';
import { GatheredCalls } from './gathered-calls.js';

/** A peer that failed is left alone for this long: a dead worker must cost one failed call, not one for each artefact. */
const PEER_REST_MS = 30_000;
const PEER_DEADLINE_MS = 10_000;

export interface PeerReaderOptions {
  readonly store: ObjectStore;
  readonly clients: FlightClientPool;
  /** Location of this process: what it offers itself it reads from the store. */
  readonly ownLocation?: string | undefined;
  readonly onPeerFailure?: (location: string, error: unknown) => void;
  /** Milliseconds of a monotonic clock; decides only when a peer is asked again. */
  readonly now?: () => number;
}

export class PeerReader implements ArtifactReader {
  private readonly resting = new Map<string, number>();
  private readonly calls: GatheredCalls;
  private readonly now: () => number;

  constructor(private readonly options: PeerReaderOptions) {
    this.calls = new GatheredCalls(options.clients, PEER_DEADLINE_MS);
    this.now = options.now ?? (() => performance.now());
  }

  async read(ref: ArtifactRef, signal?: AbortSignal): Promise<Uint8Array> {
    const fetched = await this.fromPeers(ref, null, signal, (bytes) => {
      verifyArtifact(ref, bytes);
      return bytes;
    });
    return fetched ?? readArtifact(this.options.store, ref);
  }

  async columns(ref: ArtifactRef, columns: readonly string[], signal?: AbortSignal): Promise<Table> {
    const fetched = await this.fromPeers(ref, columns, signal, (bytes) => tableFromIPC(bytes));
    if (fetched) return fetched;
    const [first] = splitStreams(await readArtifact(this.options.store, ref));
    return selectColumns(tableFromIPC(first), columns);
  }

  private async fromPeers<T>(ref: ArtifactRef, columns: readonly string[] | null, signal: AbortSignal | undefined, accept: (bytes: Uint8Array) => T): Promise<T | undefined> {
    for (const location of ref.endpoints) {
      if (location === this.options.ownLocation || (this.resting.get(location) ?? -Infinity) > this.now()) continue;
      try {
        return accept(await this.calls.fetch(location, ref, columns, signal));
      } catch (error) {
        signal?.throwIfAborted();
        this.rest(location);
        this.options.onPeerFailure?.(location, error);
      }
    }
    return undefined;
  }

  private rest(location: string): void {
    for (const [known, until] of this.resting) if (until <= this.now()) this.resting.delete(known);
    this.resting.set(location, this.now() + PEER_REST_MS);
  }
}
