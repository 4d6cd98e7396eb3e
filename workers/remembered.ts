import { keepNewest } from './keep-newest.js';

/**
 * What `make` gave for this key, made once; the keys used longest ago are forgotten beyond `entriesMax`. A failure is
 * not remembered.
 */
export function remembered<T>(entries: Map<string, Promise<T>>, key: string, entriesMax: number, make: () => Promise<T>): Promise<T> {
  const value = entries.get(key) ?? make();
  keepNewest(entries, key, value, entriesMax);
  value.catch(() => {
    if (entries.get(key) === value) entries.delete(key);
  });
  return value;
}
