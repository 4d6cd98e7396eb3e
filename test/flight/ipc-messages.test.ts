import { createHash } from 'node:crypto';
import { Dictionary, Float32, Int32, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct, Field, tableFromIPC, tableToIPC, Utf8, vectorFromArray, Table } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinMessages, MessageSplitter, messagesOf, readHeader, schemaBytes, splitMessages, splitStreams, StreamJoiner, type IpcMessage } from '../../proto/flight/ipc-messages.js';
import { fixedSizeList, primitive, readSchema, tableBytes, utf8 } from '../../proto/flight/tables.js';

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const numbers = (rows: number, batchRows: number) => tableBytes([primitive('value', Int32Array.from({ length: rows }, (_, row) => row * 3))], { batchRows, metadata: new Map([['note', 'grüße']]) });

/** Two batches with a dictionary that is replaced between them, as apache-arrow's own writer makes it. */
function dictionaryStream(): Uint8Array {
  const type = new Dictionary(new Utf8(), new Int32(), 7);
  const schema = new Schema([new Field('name', type, true), new Field('value', new Float32(), false)]);
  const batch = (words: readonly (string | null)[]) => {
    const children = [vectorFromArray([...words], type).data[0]!, makeData({ type: new Float32(), data: new Float32Array(words.length) })];
    return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: words.length, nullCount: 0, children }));
  };
  return RecordBatchStreamWriter.writeAll([batch(['a', 'b', null]), batch(['c', 'a'])]).toUint8Array(true);
}

const streams: Readonly<Record<string, Uint8Array>> = {
  'one batch': numbers(10, 10),
  'many batches of odd sizes': numbers(1003, 7),
  'no rows': numbers(0, 1),
  'no rows, as apache-arrow writes it': tableToIPC(new Table(new Schema([new Field('value', new Int32())])), 'stream'),
  'text with nulls and bodies of odd length': tableBytes([utf8('text', ['a', null, 'bcd', '', 'ü€😀'])]),
  'a dictionary that is replaced': dictionaryStream(),
  '40 MB': tableBytes([fixedSizeList('observation', Uint8Array.from({ length: 40_000_000 }, (_, i) => i * 7), 2_000)]),
};

describe('a stream that is split into messages and joined again', () => {
  for (const [name, bytes] of Object.entries(streams)) {
    it(`has the same bytes: ${name}`, () => {
      const messages = splitMessages(bytes);
      expect(readHeader(messages[0]!.header).kind).toBe('schema');
      expect(messages[0]!.header.buffer).toBe(bytes.buffer);
      expect(digest(joinMessages(messages))).toBe(digest(bytes));
    });
  }

  it('has the same bytes where several streams stand back to back', () => {
    const file = Buffer.concat(Object.values(streams));
    expect(digest(joinMessages(splitMessages(file)))).toBe(digest(file));
    expect(splitStreams(file).map(digest)).toEqual(Object.values(streams).map(digest));
  });

  it('has the same bytes where a peer sends headers without their padding', () => {
    const bytes = streams['many batches of odd sizes']!;
    const bare = splitMessages(bytes).map(({ header, body }) => {
      let end = header.byteLength;
      // At most 7: zeros before the padding belong to the flatbuffer.
      while (header[end - 1] === 0 && header.byteLength - end < 7) end -= 1;
      return { header: header.slice(0, end), body };
    });
    expect(bare.some(({ header }) => header.byteLength % 8 !== 0)).toBe(true);
    expect(digest(joinMessages(bare))).toBe(digest(bytes));
  });

  it('has the same bytes whatever the pieces in which it arrives', async () => {
    const file = Buffer.concat([streams['a dictionary that is replaced']!, streams['many batches of odd sizes']!, streams['no rows']!]);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 40 }), async (sizes) => {
        const pieces: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < file.byteLength; turn += 1) {
          const size = turn >= 200 ? file.byteLength : sizes[turn % sizes.length]!;
          pieces.push(file.subarray(at, at + size));
          at += size;
        }
        const joiner = new StreamJoiner();
        for await (const message of messagesOf(pieces)) joiner.push(message);
        expect(digest(joiner.finish())).toBe(digest(file));
      }),
      { numRuns: 30 },
    );
  });

  it('reads right from memory at any alignment', () => {
    const bytes = streams['many batches of odd sizes']!;
    for (let shift = 0; shift < 8; shift += 1) {
      const shifted = new Uint8Array(bytes.byteLength + shift).subarray(shift);
      shifted.set(bytes);
      const joined = joinMessages(splitMessages(shifted));
      expect(digest(joined)).toBe(digest(bytes));
      expect(tableFromIPC(shifted).getChild('value')!.get(1002)).toBe(3006);
    }
  });
});

describe('bytes that are not whole streams', () => {
  it('are refused wherever they were cut', () => {
    const bytes = Buffer.concat([streams['a dictionary that is replaced']!, streams['no rows']!]);
    const whole = new Set([bytes.byteLength, streams['a dictionary that is replaced']!.byteLength]);
    for (let length = 0; length <= bytes.byteLength; length += 1) {
      const cut = bytes.subarray(0, length);
      if (whole.has(length)) expect(splitMessages(cut).length).toBeGreaterThan(0);
      else expect(() => splitMessages(cut), `cut at ${length}`).toThrow(expect.objectContaining({ code: 'LAUREL_STORE_CORRUPT' }));
    }
  });

  it('are refused with LAUREL_STORE_CORRUPT whatever byte was altered, or keep their shape', () => {
    const bytes = streams['a dictionary that is replaced']!;
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const altered = bytes.slice();
      altered[at]! ^= 0xff;
      try {
        expect(digest(joinMessages(splitMessages(altered)))).toBe(digest(altered));
      } catch (error) {
        expect(error).toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
      }
    }
  });

  it('are refused where they begin with a batch, and where a stream ends twice', () => {
    const bytes = streams['one batch']!;
    const first = splitMessages(bytes)[0]!;
    const batch = bytes.subarray(8 + first.header.byteLength);
    expect(() => splitMessages(batch)).toThrow('expected a schema at byte 0, got a message of kind batch');
    expect(() => splitMessages(Buffer.concat([bytes, bytes.subarray(-8)]))).toThrow('got an end-of-stream mark');
    expect(() => splitMessages(Buffer.concat([bytes, Buffer.alloc(8, 1)]))).toThrow('got other bytes');
  });

  it('are refused by the joiner where a body is not the announced one or no schema came', () => {
    const [schema, batch] = splitMessages(streams['one batch']!) as [IpcMessage, IpcMessage];
    expect(() => joinMessages([schema, { header: batch.header, body: batch.body.subarray(8) }])).toThrow('expected a body of 40 bytes, got 32');
    expect(() => joinMessages([batch])).toThrow('expected a schema as the first message');
    expect(() => joinMessages([])).toThrow('expected a schema as the first message, got no message');
  });
});

describe('the schema of a stream', () => {
  it('is its first message with the prefix', () => {
    const schema = readSchema(schemaBytes(streams['many batches of odd sizes']!));
    expect(schema.fields.map((field) => `${field.name}: ${String(field.type)}`)).toEqual(['value: Int32']);
    expect(schema.metadata.get('note')).toBe('grüße');
    expect(() => schemaBytes(streams['one batch']!.subarray(0, 20))).toThrow(expect.objectContaining({ code: 'LAUREL_STORE_CORRUPT' }));
  });

  it('tells each stream of a file by where it ends', () => {
    const ends: number[] = [];
    const splitter = new MessageSplitter((end) => ends.push(end));
    const one = streams['one batch']!;
    splitter.push(one.subarray(0, 50));
    splitter.push(Buffer.concat([one.subarray(50), one]));
    splitter.finish();
    expect(ends).toEqual([one.byteLength, 2 * one.byteLength]);
  });
});
