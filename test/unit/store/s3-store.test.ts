/** What networks, servers and settings do to a bucket, and what the store makes of it. Every request goes to a real S3 server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStore } from '../../../workers/store/open-store.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { S3Store } from '../../../workers/store/s3-store.js';
import { bucketOf, storedAt, storeLocation } from '../../../workers/store/store-location.js';
import { S3FaultProxy } from '../../support/s3-fault-proxy.js';
import { startS3Server, type S3Server } from '../../support/s3-server.js';

let server: S3Server;
let proxy: S3FaultProxy;
let bucket: string;
beforeAll(async () => {
  server = await startS3Server();
}, 300_000);
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.makeBucket();
  proxy = await S3FaultProxy.start(server.endpoint);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
});

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (body: Uint8Array | undefined): string | undefined => (body === undefined ? undefined : Buffer.from(body).toString());

/** A store whose requests pass through the proxy, and which does not wait long. */
function throughProxy(variables: Record<string, string> = {}, attemptsMax = 3): S3Store {
  return new S3Store({ bucket, prefix: '' }, { ...server.variables, AWS_ENDPOINT_URL_S3: proxy.endpoint, ...variables }, { attemptsMax, connectMsMax: 2_000, idleMsMax: 1_000 });
}

/** The same bucket with nothing in between. */
const direct = (): S3Store => server.open(bucket);

describe('a bucket behind a bad network', () => {
  it('knows its own write again when the answer to it was lost', async () => {
    const store = throughProxy();
    proxy.plan('PUT', '/labels/a/0', { kind: 'lose-answer' });
    expect(await store.putIfAbsent('labels/a/0', bytes('mine'))).toEqual({ created: true });
    expect(proxy.count('PUT', '/labels/a/0')).toBe(2);
    expect(text(await direct().get('labels/a/0'))).toBe('mine');
  });

  it('does not take the write of another for its own, also where the bytes are the same', async () => {
    await direct().putIfAbsent('labels/a/0', bytes('the same'));
    const store = throughProxy();
    // The answer that is lost says that the condition does not hold.
    proxy.plan('PUT', '/labels/a/0', { kind: 'lose-answer' });
    expect(await store.putIfAbsent('labels/a/0', bytes('the same'))).toEqual({ created: false });
    expect(proxy.count('PUT', '/labels/a/0')).toBe(2);
  });

  it('leaves nothing of an upload that is cut, and sends it again', async () => {
    const whole = Buffer.alloc(2_000_000, 'whole');
    const once = throughProxy({}, 1);
    proxy.plan('PUT', '/x', { kind: 'cut-upload' });
    await expect(once.putIfAbsent('x', whole)).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true });
    expect(await direct().get('x')).toBeUndefined();
    expect(await direct().list('')).toEqual([]);
    proxy.plan('PUT', '/x', { kind: 'cut-upload' });
    expect(await throughProxy().putIfAbsent('x', whole)).toEqual({ created: true });
    expect(Buffer.compare((await direct().get('x'))!, whole)).toBe(0);
  });

  it('never gives half of an object', async () => {
    const whole = Buffer.alloc(300_000, 'whole');
    await direct().putIfAbsent('x', whole);
    proxy.plan('GET', '/x', { kind: 'cut-answer' }, 2);
    expect(Buffer.compare((await throughProxy().get('x'))!, whole)).toBe(0);
    expect(proxy.count('GET', '/x')).toBe(3);
    proxy.plan('GET', '/x', { kind: 'cut-answer' }, 100);
    await expect(throughProxy().get('x')).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true });
  });

  it('asks again where nobody answers, and says so where that does not help', async () => {
    await direct().putIfAbsent('x', bytes('x'));
    proxy.plan('GET', '/x', { kind: 'hang' });
    expect(text(await throughProxy().get('x'))).toBe('x');
    proxy.plan('GET', '/x', { kind: 'hang' }, 100);
    await expect(throughProxy({}, 2).get('x')).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', message: expect.stringContaining('check AWS_ENDPOINT_URL_S3 and the network') as string });
  });

  it('sends many requests over few connections', async () => {
    const store = throughProxy();
    for (let at = 0; at < 20; at++) await store.putIfAbsent(`x/${at}`, bytes('x'));
    for (let at = 0; at < 20; at++) await store.get(`x/${at}`);
    expect(proxy.requests.length).toBeGreaterThan(40);
    expect(proxy.connections).toBeLessThan(4);
  });
});

describe('a bucket whose server says no', () => {
  it.each([409, 404])('sends a write again that met another one (%d)', async (status) => {
    const store = throughProxy();
    proxy.plan('PUT', '/x', { kind: 'answer', status, code: status === 409 ? 'ConditionalRequestConflict' : 'NoSuchKey' }, 2);
    expect(await store.putIfAbsent('x', bytes('x'))).toEqual({ created: true });
    proxy.plan('PUT', '/y', { kind: 'answer', status, code: 'ConditionalRequestConflict' }, 1);
    await store.replace('y', bytes('y'));
    expect(text(await direct().get('y'))).toBe('y');
  });

  it('asks again after a while where it is asked to slow down', async () => {
    proxy.plan('PUT', '/x', { kind: 'answer', status: 503, code: 'SlowDown' });
    expect(await throughProxy().putIfAbsent('x', bytes('x'))).toEqual({ created: true });
  });

  it.each([
    [507, 'InsufficientStorage', 'the bucket is full: make room, or raise its quota'],
    [507, 'XMinioStorageFull', 'the bucket is full'],
    [403, 'QuotaExceeded', 'the bucket is full'],
    [403, 'AccessDenied', 'allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket'],
    [403, 'InvalidAccessKeyId', 'correct AWS_ACCESS_KEY_ID'],
    [400, 'ExpiredToken', 'correct AWS_ACCESS_KEY_ID'],
    [403, 'RequestTimeTooSkewed', 'set the clock of this machine'],
    [301, 'PermanentRedirect', 'set AWS_REGION to the region of the bucket'],
    [503, 'SlowDown', 'it asks for fewer requests'],
    [501, 'NotImplemented', 'use a server that knows conditional writes'],
  ])('says what to do about %d %s', async (status, code, action) => {
    const store = throughProxy({}, 1);
    await store.check();
    proxy.plan('PUT', '/x', { kind: 'answer', status, code }, 100);
    await expect(store.putIfAbsent('x', bytes('x'))).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true, details: { code, status }, message: expect.stringContaining(action) as string });
    expect(await direct().get('x')).toBeUndefined();
  });

  it('tells a bucket that is not there from an object that is not', async () => {
    const gone = new S3Store({ bucket: 'no-such-bucket', prefix: '' }, server.variables, { attemptsMax: 1 });
    const expected = { code: 'LAUREL_STORE_UNAVAILABLE', message: expect.stringContaining('make the bucket, or correct LAUREL_STORE') as string };
    await expect(gone.get('x')).rejects.toMatchObject(expected);
    await expect(gone.list('')).rejects.toMatchObject(expected);
    await expect(gone.check()).rejects.toMatchObject(expected);
  });

  it('tells a key that may not, without showing it', async () => {
    const denied = new S3Store({ bucket, prefix: '' }, { ...server.variables, AWS_SECRET_ACCESS_KEY: 'a-secret-that-is-wrong' }, { attemptsMax: 1 });
    const error = await denied.putIfAbsent('x', bytes('x')).catch((reason: unknown) => reason as Error);
    expect(error).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', details: { status: 403 } });
    expect((error as Error).message).toMatch(/correct AWS_ACCESS_KEY_ID|allow s3:GetObject/);
    expect((error as Error).message).not.toContain('a-secret-that-is-wrong');
    expect(await direct().list('')).toEqual([]);
  });

  it('says which variables are missing where there is no key', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    await expect(new S3Store({ bucket, prefix: '' }, { AWS_ENDPOINT_URL_S3: server.endpoint }, { attemptsMax: 1 }).get('x')).rejects.toMatchObject({
      code: 'LAUREL_STORE_UNAVAILABLE',
      message: expect.stringContaining('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY') as string,
    });
  });

  it('says that nobody is there', async () => {
    await expect(new S3Store({ bucket, prefix: '' }, { ...server.variables, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, { attemptsMax: 2 }).get('x')).rejects.toMatchObject({
      code: 'LAUREL_STORE_UNAVAILABLE',
      details: { code: 'ECONNREFUSED' },
    });
  });

  it('writes nothing into a bucket that ignores the condition', async () => {
    const store = throughProxy();
    proxy.plan('PUT', '/.put-if-absent', { kind: 'answer', status: 200 }, 100);
    const expected = { code: 'LAUREL_STORE_UNAVAILABLE', message: expect.stringContaining('to honour If-None-Match') as string };
    await expect(store.putIfAbsent('x', bytes('x'))).rejects.toMatchObject(expected);
    await expect(store.check()).rejects.toMatchObject(expected);
    expect(await direct().list('')).toEqual([]);
  });

  it('asks once for each process whether it honours the condition, and shows nothing of it', async () => {
    const store = throughProxy();
    await Promise.all(Array.from({ length: 10 }, (_, at) => store.putIfAbsent(`x/${at}`, bytes('x'))));
    expect(proxy.count('PUT', '/.put-if-absent')).toBe(2);
    await throughProxy().putIfAbsent('y', bytes('y'));
    expect(proxy.count('PUT', '/.put-if-absent')).toBe(3);
    expect((await store.list('')).map(({ key }) => key)).not.toContain('.put-if-absent');
  });
});

describe('the setting of a store', () => {
  it('is a folder, made absolute, or a bucket', () => {
    expect(storeLocation('some/folder')).toBe(`${process.cwd()}/some/folder`);
    expect(storeLocation('s3://bucket/a/b/')).toBe('s3://bucket/a/b');
    expect(bucketOf('s3://bucket')).toEqual({ bucket: 'bucket', prefix: '' });
    expect(bucketOf('s3://my.bucket-1/a/b')).toEqual({ bucket: 'my.bucket-1', prefix: 'a/b/' });
    expect(bucketOf('/folder')).toBeUndefined();
    expect(openStore('/folder')).toBeInstanceOf(LocalStore);
    expect(openStore('s3://bucket/a')).toBeInstanceOf(S3Store);
    expect([storedAt('/folder', 'runs/a/x'), storedAt('s3://bucket/a', 'runs/a/x')]).toEqual(['/folder/runs/a/x', 's3://bucket/a/runs/a/x']);
  });

  it.each(['s3://', 's3:///a', 's3://b', 's3://bucket/a//b', 's3://bucket/../x', 's3://bucket?region=x', 'gs://bucket', 'http://host/bucket', 's3://key:secret@bucket/a'])('is refused where it is %s', (setting) => {
    expect(() => storeLocation(setting)).toThrow(expect.objectContaining({ code: 'LAUREL_JOB_INVALID' }) as Error);
    expect(() => storeLocation(setting)).not.toThrow(/secret/);
  });
});
