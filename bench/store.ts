/**
 * A bucket against a folder of the same machine: objects of the size of a small segment, written, read and listed. The bucket is
 * one of the test's server, so no network lies between: what a bucket costs at least.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalStore } from '../workers/store/local-store.js';
import type { ObjectStore } from '../workers/store/object-store.js';
import { startS3Server } from '../test/support/s3-server.js';
import type { Row } from './pipeline.js';

const OBJECTS = 200;
const OBJECT_BYTES = 64 * 1024;
const AT_ONCE = 8;

export async function benchStore(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-bench-'));
  const server = await startS3Server();
  try {
    const inBucket = await measure(server.open(await server.makeBucket()));
    const inFolder = await measure(new LocalStore(folder));
    return Object.keys(inFolder).map((what) => ({ what: `bucket against folder, ${what}`, unit: 'ms an object', ours: inBucket[what]!, reference: inFolder[what]!, ratio: inBucket[what]! / inFolder[what]! }));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds for each object, by what is done with it. */
async function measure(store: ObjectStore): Promise<Record<string, number>> {
  const body = new Uint8Array(OBJECT_BYTES).fill(7);
  // The connection, and what is asked once for each process.
  await store.putIfAbsent('first', body);
  const keys = (group: string): string[] => Array.from({ length: OBJECTS }, (_, index) => `runs/a/${group}/${index}`);
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work();
    return (performance.now() - start) / OBJECTS;
  };
  const each = async (all: string[], one: (key: string) => Promise<unknown>): Promise<void> => {
    for (const key of all) await one(key);
  };
  return {
    'put-if-absent, one after another': await timed(() => each(keys('single'), (key) => store.putIfAbsent(key, body))),
    [`put-if-absent, ${AT_ONCE} at a time`]: await timed(() => Promise.all(Array.from({ length: AT_ONCE }, (_, at) => each(keys('many').filter((_key, index) => index % AT_ONCE === at), (key) => store.putIfAbsent(key, body))))),
    'get, one after another': await timed(() => each(keys('single'), (key) => store.get(key))),
    list: await timed(() => store.list('runs/a/single/')),
  };
}
