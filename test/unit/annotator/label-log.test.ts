import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { decodeRecords, encodeLabels, REPLY_BYTES_MAX } from '../../../workers/annotator/label-record.js';
import { LabelTable } from '../../../workers/annotator/label-table.js';
import { layout } from '../../../workers/store/layout.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { bytes, record, temporaryStore } from './support.js';

const ANNOTATOR = 'a1';
let store: LocalStore;
let root: string;
let dispose: () => Promise<void>;

beforeEach(async () => {
  ({ store, root, dispose } = await temporaryStore());
});
afterEach(() => dispose());

describe('the label log', () => {
  it('gives back every column of what was appended', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    const records = [record('You kill the newt!'), record('It is solid stone.', { status: 'unparsable', label: null, reply: 'Ünclear …', attempt: 1 })];
    await log.append(records);
    const key = layout.label(ANNOTATOR, 0);
    expect(decodeRecords((await store.get(key)) as Uint8Array, key, ANNOTATOR)).toEqual(records);
  });

  it('keys texts by their raw bytes, those that are no UTF-8 and the byte zero included', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await log.append([{ ...record(''), text: all, label: 0.25 }, { ...record(''), text: Uint8Array.of(0xc3), label: 0.5 }]);
    const view = await new LabelTable(store, ANNOTATOR).head();
    expect(view.get(all)?.probability).toBe(0.25);
    expect(view.get(Uint8Array.of(0xc3))?.probability).toBe(0.5);
    expect(view.get(Uint8Array.of(0xc3, 0xbf))).toBeUndefined();
  });

  it('shows a reader of a position nothing that came later', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    await log.append([record('a', { status: 'error', label: null })]);
    await log.append([record('a'), record('b')]);
    const table = new LabelTable(store, ANNOTATOR);
    const late = await table.at(2);
    const early = await table.at(1);
    expect([late.labels, late.get(bytes('a'))?.probability, late.failedAttempts(bytes('a'))]).toEqual([2, 0.75, 1]);
    expect([early.labels, early.get(bytes('a')), early.failedAttempts(bytes('a'))]).toEqual([0, undefined, 1]);
    expect((await table.at(0)).failedAttempts(bytes('a'))).toBe(0);
    expect(early.ref()).toEqual({ annotator: ANNOTATOR, position: 1, labels: 0 });
  });

  it('lets the first verdict on a text stand', async () => {
    await store.putIfAbsent(layout.label(ANNOTATOR, 0), encodeLabels(ANNOTATOR, [record('a', { label: 0.125 })]));
    await store.putIfAbsent(layout.label(ANNOTATOR, 1), encodeLabels(ANNOTATOR, [record('a', { label: 0.875 }), record('b')]));
    const view = await new LabelTable(store, ANNOTATOR).head();
    expect(view.get('a')?.probability).toBe(0.125);
    expect(view.labels).toBe(2);
  });

  it('writes an answered text no second time', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    await log.append([record('a'), record('a', { label: 0.1 })]);
    const again = await new LabelLog(store, ANNOTATOR).append([record('a', { label: 0.2 })]);
    expect(again.written.ok).toBe(0);
    expect((await store.list(layout.labels(ANNOTATOR))).length).toBe(1);
    expect(again.view.get('a')?.probability).toBe(0.75);
  });

  it('keeps all labels of two writers that append at the same time, each text once', async () => {
    const writers = [new LabelLog(store, ANNOTATOR), new LabelLog(store, ANNOTATOR)];
    const written = await Promise.all(
      writers.flatMap((log, writer) =>
        Array.from({ length: 12 }, (_, chunk) => log.append([record(`own ${writer} ${chunk}`), record(`shared ${chunk}`, { label: writer })])),
      ),
    );
    const view = await new LabelTable(store, ANNOTATOR).head();
    expect(view.labels).toBe(36);
    expect(written.reduce((sum, result) => sum + result.written.ok, 0)).toBe(36);
    const texts: string[] = [];
    for (const { key } of await store.list(layout.labels(ANNOTATOR))) {
      texts.push(...decodeRecords((await store.get(key)) as Uint8Array, key, ANNOTATOR).map((entry) => Buffer.from(entry.text).toString('latin1')));
    }
    expect(texts.length).toBe(36);
    expect(new Set(texts).size).toBe(36);
  });

  it('counts failed attempts over writers and restarts, and never reads one as a verdict', async () => {
    const failed = record('garbled', { status: 'unparsable', label: null });
    await new LabelLog(store, ANNOTATOR).append([failed]);
    const { view } = await new LabelLog(store, ANNOTATOR).append([failed]);
    expect(view.failedAttempts('garbled')).toBe(2);
    expect(view.get('garbled')).toBeUndefined();
    const key = layout.label(ANNOTATOR, 1);
    const [entry] = decodeRecords((await store.get(key)) as Uint8Array, key, ANNOTATOR);
    expect([entry?.attempt, entry?.label]).toEqual([2, null]);
  });

  it('names an entry that is cut at any byte, or altered in any column, and appends nothing after it', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    await log.append([record('You hit the jackal.'), record('b', { label: 0.5 })]);
    const path = join(root, layout.label(ANNOTATOR, 0));
    const whole = await readFile(path);
    const expectCorrupt = async (): Promise<void> => {
      const error = await new LabelTable(store, ANNOTATOR).head().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: expect.stringMatching(/^LAUREL_(STORE_CORRUPT|SCHEMA_MISMATCH)$/) as string });
      expect((error as Error).message).toContain(layout.label(ANNOTATOR, 0));
    };
    for (let length = 0; length < whole.length - 8; length += 7) {
      await writeFile(path, whole.subarray(0, length));
      await expectCorrupt();
    }
    const altered = Buffer.from(whole);
    const at = altered.indexOf('jackal');
    altered[at] = 'J'.charCodeAt(0);
    await writeFile(path, altered);
    await expectCorrupt();
    await writeFile(path, Buffer.from('{"not": "arrow"}'));
    await expectCorrupt();
    await expect(new LabelLog(store, ANNOTATOR).append([record('c')])).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
    expect((await store.list(layout.labels(ANNOTATOR))).length).toBe(1);
  });

  it('refuses an entry of another annotator under its name', async () => {
    await store.putIfAbsent(layout.label(ANNOTATOR, 0), encodeLabels('another', [record('a')]));
    await expect(new LabelTable(store, ANNOTATOR).at(1)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
  });

  it('says which entry is missing where a position is beyond the log or the log has a hole', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    await log.append([record('a')]);
    await log.append([record('b')]);
    await expect(log.table.at(3)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING', details: { key: layout.label(ANNOTATOR, 2) } });
    await store.delete(layout.label(ANNOTATOR, 0));
    await expect(new LabelLog(store, ANNOTATOR).append([record('c')])).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING', details: { key: layout.label(ANNOTATOR, 0) } });
  });

  it('goes on after a failed load', async () => {
    const table = new LabelTable(store, ANNOTATOR);
    await expect(table.at(1)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
    await new LabelLog(store, ANNOTATOR).append([record('a')]);
    expect((await table.at(1)).get('a')?.probability).toBe(0.75);
  });

  it('cuts a long raw reply between characters', async () => {
    await new LabelLog(store, ANNOTATOR).append([record('a', { reply: 'é'.repeat(REPLY_BYTES_MAX) })]);
    const key = layout.label(ANNOTATOR, 0);
    const [entry] = decodeRecords((await store.get(key)) as Uint8Array, key, ANNOTATOR);
    expect(entry?.reply).toBe('é'.repeat(REPLY_BYTES_MAX / 2));
  });
});
