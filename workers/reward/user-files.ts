/** Files that a job names by path and digest. The first reader puts the bytes into the store, so that they outlive the path. */
import { readFile } from 'node:fs/promises';
import { LaurelError } from '../../proto/errors.js';
import type { FileSpec } from '../../proto/reward-onnx.js';
import { digestOf } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';

export class UserFiles {
  constructor(private readonly store: ObjectStore) {}

  /** @throws LaurelError LAUREL_ASSET_MISSING, LAUREL_ASSET_CORRUPT, LAUREL_STORE_CORRUPT */
  async read({ path, digest }: FileSpec): Promise<Uint8Array> {
    if (digest === null) throw new LaurelError('LAUREL_JOB_INVALID', `expected the digest of ${path} in the job`, { path });
    const key = layout.userFile(digest);
    const stored = await this.store.get(key);
    if (stored !== undefined) {
      if (digestOf(stored) === digest) return stored;
      await this.store.replace(key, await this.fromPath(path, digest));
      return this.read({ path, digest });
    }
    const bytes = await this.fromPath(path, digest);
    await this.store.putIfAbsent(key, bytes);
    return bytes;
  }

  private async fromPath(path: string, digest: string): Promise<Uint8Array> {
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await readFile(path));
    } catch (cause) {
      throw new LaurelError('LAUREL_ASSET_MISSING', `expected the file ${path} (${digest}), got ${(cause as NodeJS.ErrnoException).code ?? 'an error'}; it is not in the store yet: put it there, or run a reward worker where it lies`, { path, digest }, { cause });
    }
    const found = digestOf(bytes);
    if (found !== digest) throw new LaurelError('LAUREL_ASSET_CORRUPT', `expected ${path} to have ${digest}, it has ${found}; give back the file that the job was submitted with, or submit the job again`, { path, digest, found });
    return bytes;
  }
}
