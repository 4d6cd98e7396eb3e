/**
 * What `make` gave for this key, made once; the keys used longest ago are forgotten beyond `entriesMax`. A failure is
 * not remembered.
 */
export function remembered<T>(entries: Map<string, Promise<T>>, key: string, entriesMax: number, make: () => Promise<T>): Promise<T> {
  const value = entries.get(key) ?? make();
  entries.delete(key);
  entries.set(key, value);
  value.catch(() => {
    if (entries.get(key) === value) entries.delete(key);
  });
  for (const oldest of entries.keys()) {
    if (entries.size <= entriesMax) break;
    entries.delete(oldest);
  }
  return value;
}
