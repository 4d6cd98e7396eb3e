import { LocalStore } from './local-store.js';
import type { ObjectStore } from './object-store.js';
import { S3Store } from './s3-store.js';
import { bucketOf } from './store-location.js';

/**
 * The store at a location (see `storeLocation`). Nothing is read, written or connected to before its first use.
 * @throws LaurelError LAUREL_JOB_INVALID
 */
export function openStore(location: string): ObjectStore {
  const bucket = bucketOf(location);
  return bucket === undefined ? new LocalStore(location) : new S3Store(bucket);
}
