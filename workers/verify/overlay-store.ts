/** A store on top of another: what is made again goes into memory, and what shall be made again is not seen. */
import type { ArtifactReader } from '../store/artifact-reader.js';
import { verifyArtifact } from '../store/artifacts.js';
import type { ObjectStore, StoredObject } from '../store/object-store.js';

export class OverlayStore implements ObjectStore {
  private readonly hidden = new Set<string>();
  private readonly made = new Map<string, Uint8Array>();

  constructor(private readonly base: ObjectStore) {}

  /** As if these had never been written. */
  hide(...keys: readonly string[]): void {
    for (const key of keys) this.hidden.add(key);
  }

  /** What was made again here, else what `base` reads. */
  reader(base: ArtifactReader): ArtifactReader {
    const { made } = this;
    return {
      async read(ref, signal) {
        const bytes = made.get(ref.key);
        if (bytes === undefined) return base.read(ref, signal);
        verifyArtifact(ref, bytes);
        return bytes;
      },
      columns: (ref, columns, signal) => base.columns(ref, columns, signal),
    };
  }

  /** What was written under `key` since it was hidden; what the base holds is seen again. */
  take(key: string): Uint8Array | undefined {
    const bytes = this.made.get(key);
    this.made.delete(key);
    this.hidden.delete(key);
    return bytes;
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    if (await this.exists(key)) return { created: false };
    this.made.set(key, body);
    return { created: true };
  }

  async replace(key: string, body: Uint8Array): Promise<void> {
    this.made.set(key, body);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.made.get(key) ?? (this.hidden.has(key) ? undefined : this.base.get(key));
  }

  async exists(key: string): Promise<boolean> {
    return this.made.has(key) || (!this.hidden.has(key) && (await this.base.exists(key)));
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const below = (await this.base.list(prefix)).filter(({ key }) => !this.hidden.has(key) && !this.made.has(key));
    const own = [...this.made].filter(([key]) => key.startsWith(prefix)).map(([key, bytes]) => ({ key, bytes: bytes.byteLength }));
    return [...below, ...own].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async delete(key: string): Promise<void> {
    this.made.delete(key);
  }
}
