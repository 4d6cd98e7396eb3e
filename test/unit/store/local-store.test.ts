import { chmod, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArtifact, writeArtifact } from '../../../workers/store/artifacts.js';
import { LocalStore } from '../../../workers/store/local-store.js';

let root: string;
let store: LocalStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'laurel-store-'));
  store = new LocalStore(root);
});
afterEach(async () => rm(root, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('LocalStore', () => {
  it('keeps the first of many writers and tells the others', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => new LocalStore(root).putIfAbsent('runs/a/x', bytes(`writer ${index}`))));
    const winners = results.flatMap((result, index) => (result.created ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(Buffer.from((await store.get('runs/a/x'))!).toString()).toBe(`writer ${winners[0]}`);
    expect(await readdir(join(root, '.temporary'))).toEqual([]);
  });

  it('lists what stays, whatever is removed while it is listed', async () => {
    const stays = Array.from({ length: 60 }, (_, index) => `runs/a/stays-${String(index).padStart(2, '0')}`);
    for (const key of stays) await store.putIfAbsent(key, new Uint8Array(1));
    let over = false;
    const churn = Array.from({ length: 4 }, async (_, one) => {
      for (let at = 0; !over; at++) {
        const key = `runs/a/goes-${one}-${at}`;
        await store.putIfAbsent(key, new Uint8Array(1));
        await store.delete(key);
      }
    });
    try {
      for (let at = 0; at < 40; at++) {
        const found = (await store.list('runs/a/')).map(({ key }) => key).filter((key) => key.includes('stays'));
        expect(found).toEqual(stays);
      }
    } finally {
      over = true;
      await Promise.all(churn);
    }
  });

  it('lists by prefix in the order of keys and leaves temporary names out', async () => {
    for (const key of ['runs/b/2', 'runs/b/10', 'runs/a/1', 'labels/x/1']) await store.putIfAbsent(key, bytes(key));
    expect((await store.list('runs/')).map((object) => object.key)).toEqual(['runs/a/1', 'runs/b/10', 'runs/b/2']);
    expect(await store.list('nothing/')).toEqual([]);
  });

  it.each(['../outside', '/etc/passwd', 'a//b', 'a/../b', '', '.temporary/x', 'a/.hidden', 'a\\b', 'a\0b'])('refuses the key %j', async (key) => {
    await expect(store.putIfAbsent(key, bytes('x'))).rejects.toMatchObject({ code: 'LAUREL_KEY_INVALID' });
    await expect(store.get(key)).rejects.toMatchObject({ code: 'LAUREL_KEY_INVALID' });
  });

  it('says what is wrong when the disk refuses', async () => {
    await writeFile(join(root, 'runs'), 'a file where a folder must be');
    await expect(store.putIfAbsent('runs/a/x', bytes('x'))).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true });
    expect(await store.get('runs/a/x')).toBeUndefined();
  });

  it('reports a folder that cannot be written', async () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere; to the store a target that is no folder is the same fault.
      const gone = new LocalStore('/dev/null/laurel');
      await expect(gone.putIfAbsent('a', bytes('x'))).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
      return;
    }
    await chmod(root, 0o500);
    await expect(store.putIfAbsent('a', bytes('x'))).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', details: { code: 'EACCES' } });
    await chmod(root, 0o700);
  });
});

describe('artefacts', () => {
  it('gives the same reference to whoever writes the same bytes, and refuses other bytes under the name', async () => {
    const first = await writeArtifact(store, 'runs/a/x', bytes('one'), { schemaVersion: 1 });
    expect(await writeArtifact(store, 'runs/a/x', bytes('one'), { schemaVersion: 1 })).toEqual(first);
    await expect(writeArtifact(store, 'runs/a/x', bytes('two'), { schemaVersion: 1 })).rejects.toMatchObject({ code: 'LAUREL_STORE_CONFLICT' });
    // sha256 of "one", from coreutils' sha256sum.
    expect(first.digest).toBe('sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
  });

  it('finds a truncated file, a flipped bit and a missing file', async () => {
    const ref = await writeArtifact(store, 'runs/a/x', bytes('some bytes'), { schemaVersion: 1 });
    const path = join(root, 'runs', 'a', 'x');
    const altered = await readFile(path);
    altered[3]! ^= 1;
    await writeFile(path, altered);
    await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('sha256') });
    await truncate(path, 4);
    await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('expected 10 bytes') });
    await rm(path);
    await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
  });
});
