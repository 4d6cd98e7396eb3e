/** The store in a bucket that speaks S3: Amazon's, MinIO, Ceph, R2, SeaweedFS and others that know conditional writes. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { LaurelError } from '../../proto/errors.js';
import { checkKey, compareKeys, folderOf } from './key.js';
import type { ObjectStore, StoredObject } from './object-store.js';
import { connectS3, S3_LIMITS, type S3Connection, type S3Limits, type Variables } from './s3-client.js';
import { bucketUnavailable, isMissingObject, isPreconditionFailed, isUndecided } from './s3-errors.js';
import type { Bucket } from './store-location.js';

/** Says which attempt wrote an object (see putIfAbsent). */
const WRITER = 'laurel-writer';
/** Written twice under a condition, to see whether the bucket keeps to it. Keys never begin with a dot, so it is in nobody's way. */
const PROBE = '.put-if-absent';
const PROBE_BODY = Buffer.from('Laurel asks with this object whether the bucket honours If-None-Match.\n');
/** Tries of a write that met another one of the same object, and of a body that was cut while it was read. */
const TRIES_MAX = 8;
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 1_000;

/**
 * The same layout as the folder, each key behind the prefix. An object appears whole or not at all, since the server keeps
 * nothing of an upload that was cut; put-if-absent is the condition `If-None-Match: *`.
 */
export class S3Store implements ObjectStore {
  private connection: Promise<S3Connection> | undefined;
  private probed: Promise<void> | undefined;
  private readonly limits: S3Limits;

  /** @param variables say where and who (see s3-client) */
  constructor(
    private readonly place: Bucket,
    private readonly variables: Variables = process.env,
    limits: Partial<S3Limits> = {},
  ) {
    this.limits = { ...S3_LIMITS, ...limits };
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    checkKey(key);
    await this.ensureConditions();
    return this.putOnce(key, body);
  }

  async replace(key: string, body: Uint8Array): Promise<void> {
    checkKey(key);
    await this.decided(key, async ({ sdk, client }) => {
      await client.send(new sdk.PutObjectCommand({ ...this.at(key), Body: body }));
    });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const at = this.at(checkKey(key));
    for (let tried = 1; ; tried++) {
      const answer = await this.asking(`reading ${key}`, ({ sdk, client }) => client.send(new sdk.GetObjectCommand(at)), isMissingObject);
      if (answer === undefined) return undefined;
      try {
        const bytes = await answer.Body!.transformToByteArray();
        if (answer.ContentLength === undefined || bytes.byteLength === answer.ContentLength) return bytes;
        throw Object.assign(new Error(`expected ${answer.ContentLength} bytes, got ${bytes.byteLength}`), { code: 'ECONNRESET' });
      } catch (error) {
        // The library asks again for an answer that does not come, not for one that is cut.
        if (tried === TRIES_MAX) throw bucketUnavailable(this.place.bucket, `reading ${key}`, error);
        await pause(tried);
      }
    }
  }

  async exists(key: string): Promise<boolean> {
    return (await this.head(key)) !== undefined;
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    folderOf(prefix);
    const { bucket, prefix: before } = this.place;
    const found: StoredObject[] = [];
    for (let token: string | undefined; ; ) {
      const page = await this.asking(`listing ${prefix}`, ({ sdk, client }) =>
        client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: `${before}${prefix}`, MaxKeys: this.limits.pageKeysMax, ...(token === undefined ? {} : { ContinuationToken: token }) })),
      );
      for (const { Key, Size } of page.Contents ?? []) {
        const key = Key!.slice(before.length);
        // Some tools leave an empty object in the place of a folder.
        if (key !== PROBE && !key.endsWith('/')) found.push({ key, bytes: Size ?? 0 });
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      if (token === undefined) break;
    }
    return found.sort(compareKeys);
  }

  async delete(key: string): Promise<void> {
    const at = this.at(checkKey(key));
    await this.asking(`removing ${key}`, ({ sdk, client }) => client.send(new sdk.DeleteObjectCommand(at)), isMissingObject);
  }

  /**
   * Whether the bucket can be a store: it answers, may be written, and honours the condition on which put-if-absent rests.
   * @throws LaurelError LAUREL_STORE_UNAVAILABLE
   */
  async check(): Promise<void> {
    await this.list('runs/');
    await this.ensureConditions();
  }

  private async putOnce(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    const writer = randomBytes(12).toString('hex');
    return this.decided(key, async ({ sdk, client }) => {
      try {
        await client.send(new sdk.PutObjectCommand({ ...this.at(key), Body: body, IfNoneMatch: '*', Metadata: { [WRITER]: writer } }));
        return { created: true };
      } catch (error) {
        if (!isPreconditionFailed(error)) throw error;
        // Perhaps it was this write: its answer was lost, and the library or a proxy has sent it again.
        return { created: (await this.head(key))?.Metadata?.[WRITER] === writer };
      }
    });
  }

  /** A write, sent again as long as the server says that it met another one. */
  private async decided<T>(key: string, write: (connection: S3Connection) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      const done = await this.asking(`writing ${key}`, async (connection) => ({ value: await write(connection) }), (error) => isUndecided(error) && tried < TRIES_MAX);
      if (done !== undefined) return done.value;
      await pause(tried);
    }
  }

  private head(key: string): Promise<{ readonly Metadata?: Record<string, string> | undefined } | undefined> {
    const at = this.at(checkKey(key));
    return this.asking(`looking for ${key}`, ({ sdk, client }) => client.send(new sdk.HeadObjectCommand(at)), isMissingObject);
  }

  private at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.place.bucket, Key: `${this.place.prefix}${key}` };
  }

  /** Once for each process, before its first write: a server that ignores the condition would let two writers both win. */
  private ensureConditions(): Promise<void> {
    this.probed ??= this.probe().catch((error: unknown) => {
      this.probed = undefined;
      throw error;
    });
    return this.probed;
  }

  private async probe(): Promise<void> {
    const attempt = (): Promise<boolean> =>
      this.decided(PROBE, async ({ sdk, client }) => {
        try {
          await client.send(new sdk.PutObjectCommand({ ...this.at(PROBE), Body: PROBE_BODY, IfNoneMatch: '*' }));
          return true;
        } catch (error) {
          if (isPreconditionFailed(error)) return false;
          throw error;
        }
      });
    // Where the object is there already, one attempt tells.
    if (!(await attempt()) || !(await attempt())) return;
    throw new LaurelError('LAUREL_STORE_UNAVAILABLE', `expected the bucket ${this.place.bucket} to honour If-None-Match, it overwrote an object; use a server with conditional writes`, { code: 'ConditionIgnored' });
  }

  /** Undefined where it fails in a way that the caller expects. */
  private async asking<T>(what: string, ask: (connection: S3Connection) => Promise<T>): Promise<T>;
  private async asking<T>(what: string, ask: (connection: S3Connection) => Promise<T>, expected: (error: unknown) => boolean): Promise<T | undefined>;
  private async asking<T>(what: string, ask: (connection: S3Connection) => Promise<T>, expected?: (error: unknown) => boolean): Promise<T | undefined> {
    try {
      this.connection ??= connectS3(this.variables, this.limits);
      return await ask(await this.connection);
    } catch (error) {
      if (expected?.(error) === true) return undefined;
      throw bucketUnavailable(this.place.bucket, what, error);
    }
  }
}

/** Doubles from try to try; two that met do not need to part by chance, for the server lets one of them pass. */
function pause(tried: number): Promise<void> {
  return wait(Math.min(PAUSE_MS * 2 ** (tried - 1), PAUSE_MS_MAX));
}
