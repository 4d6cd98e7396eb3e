import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { humanRecords, rowsOf } from '../../../workers/annotator/human-labels.js';
import { labelFile, parquetRows, rowOf, type LabelFileFormat } from '../../../workers/annotator/label-files.js';
import type { LabelRecord } from '../../../workers/annotator/label-record.js';
import { pairText } from '../../../workers/annotator/pair.js';
import { ensurePython } from '../../reference/ensure-python.js';
import { bytes, record, temporaryStore } from './support.js';

const RECORDS: readonly LabelRecord[] = [
  record('You kill the newt!', { label: 0.75, reply: 'Yes, "quoted"\nand more' }),
  record('=1+1 is no formula', { label: 0.25 }),
  record('caf\u00e9 \u0001', { status: 'unparsable', label: null, attempt: 2 }),
];
const PAIR = record('', { mode: 'pairwise', text: pairText(bytes('a'), bytes('b')), choice: 'second', label: 0.25 });

async function file(records: readonly LabelRecord[], format: LabelFileFormat): Promise<Buffer> {
  const parts: Buffer[] = [];
  const target = new PassThrough();
  target.on('data', (part: Buffer) => parts.push(part));
  await pipeline([...labelFile((async function* () { yield* records; })(), format), target]);
  return Buffer.concat(parts);
}

describe('a file of labels', () => {
  let root: string;
  let dispose: () => Promise<void>;
  beforeEach(async () => {
    ({ root, dispose } = await temporaryStore());
  });
  afterEach(() => dispose());

  it('in Parquet holds every column of every record, byte for byte', async () => {
    expect(await parquetRows(await file(RECORDS, 'parquet'))).toEqual(RECORDS.map(rowOf));
    const [pair] = await parquetRows(await file([PAIR], 'parquet'));
    expect([pair!['text'], pair!['second']].sort()).toEqual(['a', 'b']);
    expect(pair).toMatchObject({ choice: 'second', label: 0.25, tokens_in: 9 });
    expect(await parquetRows(await file([], 'parquet'))).toEqual([]);
  });

  it('in Parquet is read by others with the same types and values', async () => {
    const path = join(root, 'labels.parquet');
    await writeFile(path, await file(RECORDS, 'parquet'));
    const program = 'import sys, json, pyarrow.parquet as pq\nt = pq.read_table(sys.argv[1])\nprint(json.dumps({"types": [str(f.type) for f in t.schema], "rows": t.to_pylist()}))';
    const { stdout } = await promisify(execFile)(await ensurePython('pyarrow'), ['-c', program, path]);
    const read = JSON.parse(stdout) as { types: string[]; rows: unknown[] };
    expect(read.rows).toEqual(RECORDS.map(rowOf));
    expect(read.types).toEqual(['string', 'string', 'float', 'string', 'string', 'string', 'string', 'string', 'int32', 'int32', 'float', 'int32', 'string']);
  });

  it.each(['csv', 'jsonl', 'parquet'] as const)('in %s can be read in again as labels of people', async (format) => {
    const content = await file(RECORDS.slice(0, 1), format);
    const rows = format === 'parquet' ? await parquetRows(content) : rowsOf(content.toString('utf8'), 'f');
    const [one] = humanRecords(rows, 'f', 'me', 'now');
    expect(one).toMatchObject({ status: 'ok', label: 0.75, model: 'human' });
    expect(Buffer.from(one!.text).toString('latin1')).toBe('You kill the newt!');
  });

  it('is no Parquet file where its bytes are cut', async () => {
    const whole = await file(RECORDS, 'parquet');
    await expect(parquetRows(whole.subarray(0, whole.length - 9))).rejects.toThrow();
  });
});
