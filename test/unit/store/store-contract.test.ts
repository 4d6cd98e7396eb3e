/** What every kind of store promises: the same tests on a folder, and on a bucket of a real S3 server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Claims } from '../../../workers/annotator/claims.js';
import { PACK_ENTRIES } from '../../../workers/annotator/label-entries.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { LabelTable } from '../../../workers/annotator/label-table.js';
import { readArtifact, writeArtifact, writeWhole } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { startS3Server, type S3Server } from '../../support/s3-server.js';
import { record } from '../annotator/support.js';

/** A new, empty store. */
interface Place {
  /** The store as one process sees it; each call is another process. */
  open(): ObjectStore;
  remove(): Promise<void>;
}

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
}, 300_000);
afterAll(() => server.stop());

async function folder(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'laurel-store-'));
  return { open: () => new LocalStore(root), remove: () => rm(root, { recursive: true, force: true }) };
}

async function bucket(): Promise<Place> {
  const name = await server.makeBucket();
  // Lists of more than a few keys then take several pages.
  return { open: () => server.open(name, 'some/where/', { pageKeysMax: 11 }), remove: async () => undefined };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (body: Uint8Array | undefined): string | undefined => (body === undefined ? undefined : Buffer.from(body).toString());

describe.each([
  ['a folder', folder],
  ['a bucket', bucket],
])('%s', (_name, make) => {
  let place: Place;
  let store: ObjectStore;
  beforeEach(async () => {
    place = await make();
    store = place.open();
  });
  afterEach(() => place.remove());

  const keys = async (prefix: string): Promise<string[]> => (await store.list(prefix)).map(({ key }) => key);

  it('keeps the first of many writers and tells the others', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, (_, index) => place.open().putIfAbsent('runs/a/x', bytes(`writer ${index}`))));
    const winners = results.flatMap((result, index) => (result.created ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(text(await store.get('runs/a/x'))).toBe(`writer ${winners[0]}`);
  });

  it('tells a second writer of the same bytes that they were there', async () => {
    expect(await store.putIfAbsent('a', bytes('same'))).toEqual({ created: true });
    expect(await store.putIfAbsent('a', bytes('same'))).toEqual({ created: false });
    expect(await place.open().putIfAbsent('a', bytes('same'))).toEqual({ created: false });
  });

  it('gives back what was written, byte for byte, empty or large', async () => {
    const large = Uint8Array.from({ length: 5_000_000 }, (_, index) => (index * 2_654_435_761) >>> 24);
    for (const [key, body] of [['empty', new Uint8Array(0)], ['large', large]] as const) {
      await store.putIfAbsent(key, body);
      expect(Buffer.compare((await place.open().get(key))!, body)).toBe(0);
    }
    expect(await store.list('')).toEqual([{ key: 'empty', bytes: 0 }, { key: 'large', bytes: 5_000_000 }]);
  });

  it('knows what is there and what is not', async () => {
    await store.putIfAbsent('runs/a/x', bytes('x'));
    expect([await store.exists('runs/a/x'), await store.exists('runs/a'), await store.exists('runs/a/x/y'), await store.exists('runs/b')]).toEqual([true, false, false, false]);
    expect([await store.get('runs/b'), await store.get('runs/a')]).toEqual([undefined, undefined]);
    await store.delete('runs/a/x');
    await store.delete('runs/a/x');
    expect(await store.exists('runs/a/x')).toBe(false);
    expect(await store.putIfAbsent('runs/a/x', bytes('again'))).toEqual({ created: true });
  });

  it('lists by prefix in the order of keys, whether the prefix ends at a folder or not', async () => {
    const all = ['runs/b/2', 'runs/b/10', 'runs/a/1', 'runs/a-2/1', 'labels/x/1'];
    await Promise.all(all.map((key) => store.putIfAbsent(key, bytes(key))));
    expect(await keys('runs/')).toEqual(['runs/a-2/1', 'runs/a/1', 'runs/b/10', 'runs/b/2']);
    expect(await keys('runs/a')).toEqual(['runs/a-2/1', 'runs/a/1']);
    expect(await keys('runs/b/1')).toEqual(['runs/b/10']);
    expect(await keys('')).toEqual(['labels/x/1', 'runs/a-2/1', 'runs/a/1', 'runs/b/10', 'runs/b/2']);
    expect(await keys('nothing/')).toEqual([]);
  });

  it('lists what stays, whatever is removed while it is listed', async () => {
    const stays = Array.from({ length: 30 }, (_, index) => `runs/a/stays-${String(index).padStart(2, '0')}`);
    await Promise.all(stays.map((key) => store.putIfAbsent(key, new Uint8Array(1))));
    let over = false;
    const churn = Array.from({ length: 3 }, async (_, one) => {
      for (let at = 0; !over; at++) {
        const key = `runs/a/goes-${one}-${at}`;
        await store.putIfAbsent(key, new Uint8Array(1));
        await store.delete(key);
      }
    });
    try {
      for (let at = 0; at < 6; at++) expect((await keys('runs/a/')).filter((key) => key.includes('stays'))).toEqual(stays);
    } finally {
      over = true;
      await Promise.all(churn);
    }
  });

  it('replaces in one step: a reader sees the old bytes or the new ones', async () => {
    const bodies = ['a', 'b'].map((letter) => bytes(letter.repeat(200_000)));
    await store.putIfAbsent('x', bodies[0]!);
    let over = false;
    const writing = (async () => {
      for (let at = 1; at <= 10; at++) await store.replace('x', bodies[at % 2]!);
      over = true;
    })();
    const reader = place.open();
    while (!over) {
      const found = await reader.get('x');
      expect(bodies.some((body) => Buffer.compare(body, found!) === 0)).toBe(true);
    }
    await writing;
    await store.replace('new', bytes('also where there was nothing'));
    expect(text(await store.get('new'))).toBe('also where there was nothing');
  });

  it.each(['../outside', '/etc/passwd', 'a//b', 'a/../b', '', '.temporary/x', 'a/.hidden', 'a\\b', 'a\0b', 'a?b', 'ä'])('refuses the key %j', async (key) => {
    const refused = { code: 'LAUREL_KEY_INVALID' };
    await expect(store.putIfAbsent(key, bytes('x'))).rejects.toMatchObject(refused);
    await expect(store.replace(key, bytes('x'))).rejects.toMatchObject(refused);
    await expect(store.get(key)).rejects.toMatchObject(refused);
    await expect(store.exists(key)).rejects.toMatchObject(refused);
    await expect(store.delete(key)).rejects.toMatchObject(refused);
  });

  it.each(['../', '/etc/', 'a//', 'a/../b/'])('refuses to list %j', async (prefix) => {
    await expect(store.list(prefix)).rejects.toMatchObject({ code: 'LAUREL_KEY_INVALID' });
  });

  describe('artefacts in it', () => {
    it('have the same reference for whoever writes the same bytes, and refuse other bytes under the name', async () => {
      const first = await writeArtifact(store, 'runs/a/x', bytes('one'), { schemaVersion: 1 });
      expect(await writeArtifact(place.open(), 'runs/a/x', bytes('one'), { schemaVersion: 1 })).toEqual(first);
      await expect(writeArtifact(store, 'runs/a/x', bytes('two'), { schemaVersion: 1 })).rejects.toMatchObject({ code: 'LAUREL_STORE_CONFLICT' });
      // sha256 of "one", from coreutils' sha256sum.
      expect(first.digest).toBe('sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    });

    it('are never read where they are torn, altered or gone', async () => {
      const ref = await writeArtifact(store, 'runs/a/x', bytes('some bytes'), { schemaVersion: 1 });
      expect(text(await readArtifact(store, ref))).toBe('some bytes');
      await store.replace('runs/a/x', bytes('some bytez'));
      await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('sha256') as string });
      await store.replace('runs/a/x', bytes('some'));
      await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', message: expect.stringContaining('expected 10 bytes') as string });
      expect(await writeWhole(store, 'runs/a/x', bytes('some bytes'), { schemaVersion: 1 }, () => false)).toEqual(ref);
      await store.delete('runs/a/x');
      await expect(readArtifact(store, ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING', retryable: true });
    });
  });

  describe('what annotators share through it', () => {
    it('gives no message to two of them, however many ask at the same moment', async () => {
      const texts = Array.from({ length: 40 }, (_, index) => `m${index}`);
      const given = (await Promise.all(Array.from({ length: 5 }, () => new Claims(place.open(), 'a').claim(texts, 12, 60_000)))).flat();
      expect(new Set(given).size).toBe(given.length);
      expect(given.length).toBe(40);
    });

    it('gives a message back when it is released', async () => {
      const [one, other] = [new Claims(place.open(), 'a'), new Claims(place.open(), 'a')];
      expect(await one.claim(['a', 'b', 'c'], 2, 60_000)).toEqual(['a', 'b']);
      expect(await other.claim(['a', 'b', 'c'], 9, 60_000)).toEqual(['c']);
      await one.release(['a']);
      expect(await other.claim(['a', 'b', 'c'], 9, 60_000)).toEqual(['a', 'c']);
    });

    it('keeps all labels of two that append at the same time, each message once', async () => {
      const logs = [new LabelLog(place.open(), 'a'), new LabelLog(place.open(), 'a')];
      const written = await Promise.all(logs.flatMap((log, one) => Array.from({ length: 8 }, (_, chunk) => log.append([record(`own ${one} ${chunk}`), record(`shared ${chunk}`, { label: one })]))));
      expect(written.reduce((sum, result) => sum + result.written.ok, 0)).toBe(24);
      expect((await new LabelTable(place.open(), 'a').head()).labels).toBe(24);
    });

    it('shows the same log after entries were packed', async () => {
      const log = new LabelLog(store, 'a');
      await log.append([record('first')]);
      const entry = (await store.get(layout.label('a', 0)))!;
      // A whole block, and the last entry of the next one, so that the log has left the first behind.
      const entries = [...Array.from({ length: PACK_ENTRIES - 1 }, (_, index) => index + 1), 2 * PACK_ENTRIES - 1];
      while (entries.length > 0) await Promise.all(entries.splice(0, 32).map((position) => store.putIfAbsent(layout.label('a', position), entry)));
      expect(await log.table.entries.compact()).toBe(1);
      expect(await keys(layout.labelPacks('a'))).toEqual([layout.labelPack('a', 0)]);
      expect(await keys(layout.labels('a'))).toEqual([layout.label('a', 2 * PACK_ENTRIES - 1)]);
      const other = new LabelTable(place.open(), 'a');
      expect(Buffer.compare((await other.entries.read(3))!, entry)).toBe(0);
      expect(await other.entries.count()).toBe(2 * PACK_ENTRIES);
    });
  });
});
