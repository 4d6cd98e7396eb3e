import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listAnnotators, readLabels } from '../../../workers/annotator/label-archive.js';
import { LabelEntries, PACK_ENTRIES } from '../../../workers/annotator/label-entries.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { encodeLabels, writtenAgain } from '../../../workers/annotator/label-record.js';
import { LabelTable } from '../../../workers/annotator/label-table.js';
import { layout } from '../../../workers/store/layout.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { bytes, record, temporaryStore } from './support.js';

const A = 'a'.repeat(32);
const LENGTH = 2 * PACK_ENTRIES + 3;

describe('a packed label log', () => {
  let store: LocalStore;
  let root: string;
  let dispose: () => Promise<void>;
  beforeEach(async () => {
    ({ store, root, dispose } = await temporaryStore());
    // As the store lays objects out, without its flush of each.
    await mkdir(join(root, layout.labels(A)), { recursive: true });
    for (let entry = 0; entry < LENGTH; entry++) await writeFile(join(root, layout.label(A, entry)), encodeLabels(A, [record(`m${entry}`, { label: (entry % 100) / 100, run: entry % 2 === 0 ? 'even' : 'odd' })]));
  });
  afterEach(() => dispose());
  const loose = async (): Promise<number> => (await store.list(layout.labels(A))).length;

  it('holds the same entries at the same positions, byte for byte, in few objects', async () => {
    const before = await Promise.all([0, 1, PACK_ENTRIES - 1].map((entry) => store.get(layout.label(A, entry))));
    expect(await new LabelEntries(store, A).compact()).toBe(1);
    // The block that the log has not left behind stays as it is.
    expect(await loose()).toBe(LENGTH - PACK_ENTRIES);
    expect((await store.list(layout.labelPacks(A))).map(({ key }) => key)).toEqual([layout.labelPack(A, 0)]);
    const entries = new LabelEntries(store, A);
    expect(await entries.count()).toBe(LENGTH);
    for (const [index, entry] of [0, 1, PACK_ENTRIES - 1].entries()) expect(Buffer.compare((await entries.read(entry))!, before[index]!)).toBe(0);
    expect(await entries.read(LENGTH)).toBeUndefined();
    expect(await new LabelEntries(store, A).compact()).toBe(0);
  });

  it('shows the same at every position, and goes on where it was', async () => {
    const was = await new LabelTable(store, A).at(300);
    await new LabelEntries(store, A).compact();
    const table = new LabelTable(store, A);
    const view = await table.at(300);
    expect([...view.verdicts()]).toEqual([...was.verdicts()]);
    expect(view.get('m300')).toBeUndefined();
    const head = await table.head();
    expect([head.position, head.labels]).toEqual([LENGTH, LENGTH]);
    expect(table.spending.ofRun('odd').calls).toBe((LENGTH - 1) / 2);
    const log = new LabelLog(store, A);
    expect((await log.append([record('new')])).view.position).toBe(LENGTH + 1);
    let read = 0;
    for await (const one of readLabels(store, A)) read += one.status === 'ok' ? 1 : 0;
    expect(read).toBe(LENGTH + 1);
    await store.putIfAbsent(layout.annotator(A), Buffer.from(JSON.stringify({ annotator: A, mode: 'pointwise', judge: {}, prompt: {} })));
    expect((await listAnnotators(store))[0]).toMatchObject({ counts: { ok: LENGTH + 1 } });
  });

  it('can be packed by two processes at the same time, and after one was killed between writing and removing', async () => {
    await Promise.all([new LabelEntries(store, A).compact(), new LabelEntries(store, A).compact()]);
    expect(await loose()).toBe(LENGTH - PACK_ENTRIES);
    // As the kill left it: the pack is there, and some entries too.
    const entries = new LabelEntries(store, A);
    await store.putIfAbsent(layout.label(A, 7), (await entries.read(7))!);
    expect(await new LabelEntries(store, A).compact()).toBe(1);
    expect(await loose()).toBe(LENGTH - PACK_ENTRIES);
    expect((await new LabelTable(store, A).head()).labels).toBe(LENGTH);
  });

  it('takes no entry from a writer that slept while its place was filled and packed', async () => {
    const sleeper = new LabelLog(store, A);
    await sleeper.table.at(200);
    const head = sleeper.table.head.bind(sleeper.table);
    let calls = 0;
    // It looked before all of this, and writes now.
    sleeper.table.head = async () => (calls++ === 0 ? sleeper.table.at(200) : head());
    await new LabelEntries(store, A).compact();
    const { view } = await sleeper.append([record('late')]);
    expect(view.position).toBe(LENGTH + 1);
    expect(view.get('late')?.entry).toBe(LENGTH);
    expect(await store.exists(layout.label(A, 200))).toBe(false);
    expect((await new LabelTable(store, A).at(201)).get('late')).toBeUndefined();
  });

  it('is not made of a log with a damaged entry or a hole, of which nothing is removed', async () => {
    const whole = (await store.get(layout.label(A, 5)))!;
    await store.replace(layout.label(A, 5), bytes('no entry'));
    await expect(new LabelEntries(store, A).compact()).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
    await store.delete(layout.label(A, 5));
    expect(await new LabelEntries(store, A).compact()).toBe(0);
    expect(await loose()).toBe(LENGTH - 1);
    await store.putIfAbsent(layout.label(A, 5), whole);
    await new LabelEntries(store, A).compact();
    const key = layout.labelPack(A, 0);
    const pack = Buffer.from((await store.get(key))!);
    pack[pack.length >> 1]! ^= 1;
    await store.replace(key, pack);
    await expect(new LabelTable(store, A).head()).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT', details: { key } });
  });

  it('is written again from what it says to the same bytes, with what each run spent', async () => {
    const key = layout.label(A, 0);
    const stored = (await store.get(key))!;
    expect(Buffer.compare(writtenAgain(stored, key, A), stored)).toBe(0);
  });
});
