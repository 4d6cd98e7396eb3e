/** A memory of bounded size: sets the entry as the newest, and forgets those that were set longest ago beyond `entriesMax`. */
export function keepNewest<K, V>(entries: Map<K, V>, key: K, value: V, entriesMax: number): void {
  entries.delete(key);
  entries.set(key, value);
  for (const oldest of entries.keys()) {
    if (entries.size <= entriesMax) break;
    entries.delete(oldest);
  }
}
