/** Where bytes of an artefact come from: a peer's Flight server, else the store. */
import type { Table } from 'apache-arrow';
import type { ArtifactRef } from '../../proto/references.js';

export interface ArtifactReader {
  /**
   * All bytes of the artefact, verified against the reference.
   * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT, LAUREL_STORE_UNAVAILABLE
   */
  read(ref: ArtifactRef, signal?: AbortSignal): Promise<Uint8Array>;
  /** Some columns of the first table of the artefact; only these are moved where a peer serves it. */
  columns(ref: ArtifactRef, columns: readonly string[], signal?: AbortSignal): Promise<Table>;
}
