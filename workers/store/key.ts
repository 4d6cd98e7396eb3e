/** What a store key may be, the same for every kind of store. */
import { LaurelError } from '../../proto/errors.js';

const KEY_PATTERN = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

/** @throws LaurelError LAUREL_KEY_INVALID */
export function checkKey(key: string): string {
  if (KEY_PATTERN.test(key)) return key;
  throw new LaurelError('LAUREL_KEY_INVALID', `expected a store key of letters, digits, '.', '-', '_' in parts joined by '/', got ${JSON.stringify(key)}`);
}

/** The part of a prefix up to its last '/', without it: the folder that holds all keys with the prefix. @throws LaurelError LAUREL_KEY_INVALID */
export function folderOf(prefix: string): string {
  const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
  return folder === '' && !prefix.startsWith('/') ? '' : checkKey(folder);
}

export function compareKeys(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}
