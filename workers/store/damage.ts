/** Errors about one object of a run that can perhaps be made again (proto/restoration.ts). */
import type { UpdateResult } from '../../proto/activities.js';
import { errorCodeOf, LaurelError } from '../../proto/errors.js';
import { placeOf } from '../../proto/restoration.js';

/** The object that an error says is damaged or gone; null where it says something else. */
export function damageOf(error: unknown): NonNullable<UpdateResult['damage']> | null {
  const code = errorCodeOf(error);
  if ((code !== 'LAUREL_STORE_CORRUPT' && code !== 'LAUREL_STORE_MISSING') || !(error instanceof LaurelError)) return null;
  const { key, digest } = error.details;
  if (typeof key !== 'string' || placeOf(key) === null) return null;
  return { code, message: error.message, key, digest: typeof digest === 'string' ? digest : null };
}

/** Says that an object stays damaged; whoever asked for it learns this by the key. */
export function cannotRestore(key: string, why: string): LaurelError {
  return new LaurelError('LAUREL_STORE_CORRUPT', `${key} cannot be made again: ${why}`, { key });
}
