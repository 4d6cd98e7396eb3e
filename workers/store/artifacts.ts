/** Writing and reading artefacts by reference: digests are made on write and checked on read. */
import { createHash } from 'node:crypto';
import { errorCodeOf, LaurelError } from '../../proto/errors.js';
import type { ArtifactRef } from '../../proto/references.js';
import type { ObjectStore } from './object-store.js';

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** 32 hexadecimal digits that name a plain JSON value; the order of its keys does not matter. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32);
}

/** JSON with sorted keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}

export interface WriteOptions {
  readonly rows?: number;
  readonly schemaVersion: number;
  readonly endpoints?: readonly string[];
}

/**
 * Stores `body` under `key` and gives its reference. A second writer with the same bytes gets the same reference;
 * one with other bytes is refused.
 * @throws LaurelError LAUREL_STORE_CONFLICT
 */
export async function writeArtifact(store: ObjectStore, key: string, body: Uint8Array, options: WriteOptions): Promise<ArtifactRef> {
  const digest = digestOf(body);
  const { created } = await store.putIfAbsent(key, body);
  if (!created) {
    const existing = await store.get(key);
    const found = existing === undefined ? 'nothing' : digestOf(existing);
    if (found !== digest) {
      throw new LaurelError('LAUREL_STORE_CONFLICT', `expected ${key} to hold ${digest}, found ${found}; two computations claim one name`, { key, digest, found });
    }
  }
  return { key, digest, bytes: body.byteLength, rows: options.rows ?? 0, schemaVersion: options.schemaVersion, endpoints: options.endpoints ?? [] };
}

/**
 * As `writeArtifact`; where the name holds bytes that do not stand, they are replaced: bytes that are not whole, or that
 * belong to an attempt that was cut short and given up, so that nobody has their reference.
 */
export async function writeWhole(store: ObjectStore, key: string, body: Uint8Array, options: WriteOptions, stands: (bytes: Uint8Array) => boolean | Promise<boolean>): Promise<ArtifactRef> {
  try {
    return await writeArtifact(store, key, body, options);
  } catch (error) {
    const existing = errorCodeOf(error) === 'LAUREL_STORE_CONFLICT' ? await store.get(key) : undefined;
    if (existing === undefined || (await stands(existing))) throw error;
    await store.replace(key, body);
    return writeArtifact(store, key, body, options);
  }
}

/**
 * Bytes of an artefact from the store, verified against its reference.
 * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT
 */
export async function readArtifact(store: ObjectStore, ref: Pick<ArtifactRef, 'key' | 'digest' | 'bytes'>): Promise<Uint8Array> {
  const bytes = await store.get(ref.key);
  if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${ref.key} in the store, found nothing`, { key: ref.key, digest: ref.digest });
  verifyArtifact(ref, bytes);
  return bytes;
}

export function verifyArtifact(ref: Pick<ArtifactRef, 'key' | 'digest' | 'bytes'>, bytes: Uint8Array): void {
  if (bytes.byteLength !== ref.bytes) {
    throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${ref.bytes} bytes in ${ref.key}, found ${bytes.byteLength}`, { key: ref.key, digest: ref.digest });
  }
  const digest = digestOf(bytes);
  if (digest !== ref.digest) {
    throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${ref.key} to have ${ref.digest}, found ${digest}`, { key: ref.key, digest: ref.digest });
  }
}

/** Reads a JSON object that has no reference (its key is its identity). Undefined where there is none. */
export async function readJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  const bytes = await store.get(key);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
  } catch (cause) {
    throw new LaurelError('LAUREL_STORE_CORRUPT', `expected JSON in ${key}`, { key }, { cause });
  }
}
