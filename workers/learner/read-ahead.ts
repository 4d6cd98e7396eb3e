/** Inputs of updates, read before their turn. */
import type { ArtifactRef } from '../../proto/references.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import type { SegmentBytes } from './batch.js';

/** What is held in memory at most, beside one batch that is larger alone. */
const READ_AHEAD_BYTES = 16 * 1024 * 1024;

export type ReadableRef = Pick<ArtifactRef, 'key' | 'digest' | 'bytes' | 'rows' | 'schemaVersion'> & { readonly endpoints?: readonly string[] };
export interface ReadableBatch {
  readonly segments: readonly ReadableRef[];
  /** One for each segment, in their order. */
  readonly rewards: readonly ReadableRef[];
}

/** @throws LaurelError as `ArtifactReader.read` */
export function readBatch(reader: ArtifactReader, batch: ReadableBatch, signal: AbortSignal | undefined): Promise<SegmentBytes[]> {
  const read = (ref: ReadableRef): Promise<Uint8Array> => reader.read({ endpoints: [], ...ref }, signal);
  return Promise.all(
    batch.segments.map(async (segment, index) => {
      const [bytes, reward] = await Promise.all([read(segment), read(batch.rewards[index] as ReadableRef)]);
      return { segment: bytes, reward };
    }),
  );
}

/** Gives the inputs of batches in turn, and reads as many more as memory allows: several are then one call to the worker that made them. */
export function readAhead(reader: ArtifactReader, batches: readonly ReadableBatch[], signal: AbortSignal | undefined): () => Promise<SegmentBytes[]> {
  const reading: { readonly parts: Promise<SegmentBytes[]>; readonly bytes: number }[] = [];
  let next = 0;
  let heldBytes = 0;
  const fill = (): void => {
    for (; next < batches.length; next++) {
      const batch = batches[next] as ReadableBatch;
      const bytes = [...batch.segments, ...batch.rewards].reduce((sum, ref) => sum + ref.bytes, 0);
      if (heldBytes > 0 && heldBytes + bytes > READ_AHEAD_BYTES) return;
      heldBytes += bytes;
      const parts = readBatch(reader, batch, signal);
      // Handled at its turn, which may never come.
      parts.catch(() => undefined);
      reading.push({ parts, bytes });
    }
  };
  return async () => {
    fill();
    const { parts, bytes } = reading.shift() as (typeof reading)[number];
    heldBytes -= bytes;
    return parts;
  };
}
