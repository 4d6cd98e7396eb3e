/** What is particular to the folder; what it has in common with buckets is in store-contract.test.ts. */
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
  it('leaves no temporary file behind, and lists none', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => new LocalStore(root).putIfAbsent('runs/a/x', bytes(`writer ${index}`))));
    expect(await readdir(join(root, '.temporary'))).toEqual([]);
    await writeFile(join(root, '.temporary', 'left'), 'by a process that was killed');
    expect(await store.list('')).toEqual([{ key: 'runs/a/x', bytes: expect.any(Number) as number }]);
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

  it('finds a truncated file, a flipped bit and a missing file', async () => {
    const ref = await writeArtifact(store, 'runs/a/x', bytes('some bytes'), { schemaVersion: 1 });
    const path = join(root, 'runs', 'a', 'x');
    const altered = await readFile(path);
    altered[3]! ^= 1;
    await writeFile(path, altered);
    await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('sha256') as string });
    await truncate(path, 4);
    await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('expected 10 bytes') as string });
    await rm(path);
    await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
  });
});
