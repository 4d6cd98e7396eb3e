import { createHash } from 'node:crypto';
import type { EnvironmentGroup, ObservationBuffer } from './environments/environment.js';
import { elementCount } from './segment-buffers.js';

/** sha256 of the observation rows that environment `index` shows, in the order of the spaces; hexadecimal. */
export function observationDigest(group: EnvironmentGroup, index: number): string {
  const hash = createHash('sha256');
  for (const [name, space] of Object.entries(group.spaces.observations)) {
    const width = elementCount(space.shape);
    const row = (group.observations[name] as ObservationBuffer).subarray(index * width, (index + 1) * width);
    hash.update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength));
  }
  return hash.digest('hex');
}
