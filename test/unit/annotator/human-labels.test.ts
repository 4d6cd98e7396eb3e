import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHumanLabels } from '../../../workers/annotator/human-labels.js';
import { findAnnotator, listAnnotators, readLabels } from '../../../workers/annotator/label-archive.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { textOfKey, type LabelRecord } from '../../../workers/annotator/label-record.js';
import { LabelTable } from '../../../workers/annotator/label-table.js';
import { LocalStore } from '../../../workers/store/local-store.js';

const ANNOTATOR = 'b'.repeat(32);
const AT = '2026-01-01T00:00:00.000Z';
const byModel = (text: string, label: number): LabelRecord => ({ text: textOfKey(text), label, status: 'ok', reply: '', model: 'embedded:m', promptHash: 'p', tokensIn: 1, tokensOut: 1, latencyMs: 1, attempt: 1, askedAt: AT });

describe('labels that people made', () => {
  let folder: string;
  let store: LocalStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-human-'));
    store = new LocalStore(folder);
    await store.putIfAbsent(`annotators/${ANNOTATOR}.json`, Buffer.from(JSON.stringify({ annotator: ANNOTATOR, mode: 'pointwise', judge: { kind: 'embedded' }, prompt: {} })));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are read from CSV and from JSON lines alike', () => {
    const csv = readHumanLabels('text,label,note\n"You feel, well.",1,"quoted, with a comma"\nOuch,0,\n', 'a.csv', 'ann', AT);
    const lines = readHumanLabels('{"text":"You feel, well.","label":1,"note":"quoted, with a comma"}\n{"text":"Ouch","label":0,"note":""}\n', 'a.jsonl', 'ann', AT);
    expect(csv).toEqual(lines);
    expect(csv.map(({ label, model, reply }) => [label, model, JSON.parse(reply) as unknown])).toEqual([
      [1, 'human', { by: 'ann', note: 'quoted, with a comma' }],
      [0, 'human', { by: 'ann', note: '' }],
    ]);
  });

  it.each([
    ['a label out of range', 'text,label\nOuch,2\n', /row 1.*nothing was written/],
    ['no text', 'text,label\nfine,1\n,1\n', /row 2/],
    ['a character that no message can hold', 'text,label\n→,1\n', /row 1.*Latin-1/],
    ['broken JSON', '{"text":"a","label":1}\n{"text"\n', /nothing was written/],
    ['a row of another length', 'text,label\na,1,2,3\n', /nothing was written/],
  ])('are refused with the row where there is %s', (_what, content, message) => {
    expect(() => readHumanLabels(content, 'f', 'ann', AT)).toThrow(expect.objectContaining({ code: 'LAUREL_LABELS_INVALID', message: expect.stringMatching(message) as string }) as Error);
  });

  it('win over those of a model from their position on, and positions before it show what they showed', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    await log.append([byModel('Ouch', 0.9), byModel('Fine', 0.8)]);
    const after = await log.append(readHumanLabels('text,label\nOuch,0\nNew,1\n', 'f', 'ann', AT));
    expect(after.written.ok).toBe(2);
    expect(after.view.labels).toBe(3);
    const table = new LabelTable(store, ANNOTATOR);
    const [before, now] = [await table.at(1), await table.at(2)];
    expect([before.get('Ouch')?.probability, before.get('New'), before.labels]).toEqual([Math.fround(0.9), undefined, 2]);
    expect([now.get('Ouch'), now.get('Fine')?.human, now.get('New')?.probability]).toEqual([{ probability: 0, entry: 1, human: true }, false, 1]);
  });

  it('are not overruled by a model, changed by a person later, and not written twice', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    const first = readHumanLabels('text,label\nOuch,0\n', 'f', 'ann', AT);
    await log.append(first);
    expect((await log.append(first)).written.ok).toBe(0);
    expect((await log.append([byModel('Ouch', 0.9)])).written.ok).toBe(0);
    await log.append(readHumanLabels('text,label\nOuch,0.25\n', 'f', 'bob', AT));
    const table = new LabelTable(store, ANNOTATOR);
    expect([(await table.at(1)).get('Ouch')?.probability, (await table.at(2)).get('Ouch')?.probability, (await table.head()).labels]).toEqual([0, 0.25, 1]);
  });

  it('are listed and read back with the rest of the log', async () => {
    const log = new LabelLog(store, ANNOTATOR);
    await log.append([byModel('Fine', 0.8), { ...byModel('Odd', 0), label: null, status: 'unparsable' }]);
    await log.append(readHumanLabels('text,label\nFine,0\n', 'f', 'ann', AT));
    const [summary] = await listAnnotators(store);
    expect(summary).toMatchObject({ annotator: ANNOTATOR, counts: { ok: 2, unparsable: 1, refused: 0, error: 0 }, positiveShare: 0.5, tokensIn: 2 });
    const texts: string[] = [];
    for await (const record of readLabels(store, await findAnnotator(store, 'bb'))) texts.push(`${Buffer.from(record.text).toString()} ${record.model}`);
    expect(texts).toEqual(['Fine embedded:m', 'Odd embedded:m', 'Fine human']);
    await expect(findAnnotator(store, 'c')).rejects.toMatchObject({ code: 'LAUREL_ANNOTATOR_UNKNOWN' });
  });
});
