/** The store: every artefact has a deterministic key and is written once. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

export interface ObjectStore {
  /**
   * Writes `body` under `key` unless something is there already; durable when it resolves.
   * @returns `created` false: the key existed and nothing was written.
   * @throws LaurelError LAUREL_KEY_INVALID, LAUREL_STORE_UNAVAILABLE
   */
  putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }>;
  /**
   * Writes `body` under `key` whatever is there, in one step: a reader sees the old bytes or the new ones. For what was
   * damaged and is made again to the same digest; nothing else is ever overwritten.
   */
  replace(key: string, body: Uint8Array): Promise<void>;
  /** Bytes of the object, or undefined where there is none. @throws LaurelError LAUREL_STORE_UNAVAILABLE */
  get(key: string): Promise<Uint8Array | undefined>;
  exists(key: string): Promise<boolean>;
  /** Objects whose key begins with `prefix`, sorted by key. */
  list(prefix: string): Promise<readonly StoredObject[]>;
  /** Removes an object (retention only). */
  delete(key: string): Promise<void>;
}
