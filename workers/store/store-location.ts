/** Where a store is: a folder of this machine, or `s3://bucket/prefix`. Plain text, so that it passes through variables and to threads. */
import { join, resolve } from 'node:path';
import { LaurelError } from '../../proto/errors.js';
import { checkKey } from './key.js';

export interface Bucket {
  readonly bucket: string;
  /** Empty, or ends with '/': stands before every key. */
  readonly prefix: string;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const BUCKET_URL = /^s3:\/\/([A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9])(?:\/(.*))?$/;

/**
 * The location that a setting names: a URL as it is, a folder as an absolute path.
 * @throws LaurelError LAUREL_JOB_INVALID where it is a URL of no bucket
 */
export function storeLocation(setting: string): string {
  if (!SCHEME.test(setting)) return resolve(setting);
  bucketOf(setting);
  return setting.replace(/\/+$/, '');
}

/** The bucket of a location; undefined: it is a folder. @throws LaurelError LAUREL_JOB_INVALID */
export function bucketOf(location: string): Bucket | undefined {
  if (!SCHEME.test(location)) return undefined;
  const [, bucket, path = ''] = BUCKET_URL.exec(location) ?? [];
  const folder = path.replace(/\/+$/, '');
  if (bucket === undefined || !isFolder(folder)) {
    // What stands in place of a bucket may be a key that somebody took for a part of the address.
    throw new LaurelError('LAUREL_JOB_INVALID', `expected LAUREL_STORE to be a folder or s3://bucket/prefix, got ${location.replace(/\/\/[^/]*@/, '//...@')}; name keys and end point in AWS_* variables`);
  }
  return { bucket, prefix: folder === '' ? '' : `${folder}/` };
}

/** An object of a store, for people. */
export function storedAt(location: string, key: string): string {
  return bucketOf(location) === undefined ? join(location, key) : `${location}/${key}`;
}

function isFolder(folder: string): boolean {
  try {
    return folder === '' || checkKey(folder) === folder;
  } catch {
    return false;
  }
}
