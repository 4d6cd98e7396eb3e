import { tableFromIPC, vectorFromArray, Table, Int32 } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitMessages } from '../../proto/flight/ipc-messages.js';
import { batchRowsFor, binary, binaryColumn, binaryFrom, columnArray, columnWidth, fixedSizeList, primitive, readTable, readTables, tableBytes, utf8, utf8Column, utf8From, type NumberArray } from '../../proto/flight/tables.js';

const arrays: readonly NumberArray[] = [
  Int8Array.of(-1, 2, 3),
  Uint8Array.of(1, 2, 255),
  Int16Array.of(-300, 2, 3),
  Uint16Array.of(1, 2, 65535),
  Int32Array.of(-1, 2 ** 30, 3),
  Uint32Array.of(1, 2, 4_000_000_000),
  BigInt64Array.of(-1n, 2n ** 60n, 3n),
  BigUint64Array.of(1n, 2n ** 63n, 3n),
  Float32Array.of(0.5, NaN, -0),
  Float64Array.of(0.1, Infinity, 3),
];

describe('columns of numbers', () => {
  it('come back in their own type, for each type, from one batch and from several', () => {
    for (const values of arrays) {
      for (const batchRows of [3, 2, 1]) {
        const table = readTable(tableBytes([primitive('value', values)], { batchRows }));
        expect(table.batches).toHaveLength(Math.ceil(3 / batchRows));
        expect(columnArray(table, 'value')).toEqual(values);
        expect(columnArray(table, 'value', values.constructor as Int32ArrayConstructor)).toEqual(values);
      }
    }
  });

  it('come back as lists of their width, row by row', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 41 }), (width, rows, batchRows) => {
        const values = Float32Array.from({ length: rows * width }, (_, i) => i / 3);
        const table = readTable(tableBytes([fixedSizeList('list', values, width), primitive('row', new Int32Array(rows))], { batchRows }));
        expect(table.numRows).toBe(rows);
        expect(columnWidth(table, 'list')).toBe(width);
        expect(columnArray(table, 'list', Float32Array)).toEqual(values);
        expect(columnArray(table, 'row', Int32Array)).toHaveLength(rows);
      }),
    );
  });

  it('are views of the bytes where the table is one batch', () => {
    const bytes = tableBytes([primitive('value', Int32Array.of(1, 2, 3))]);
    expect(columnArray(readTable(bytes), 'value').buffer).toBe(bytes.buffer);
  });

  it('are written from part of a larger array', () => {
    const pool = Int32Array.from({ length: 100 }, (_, i) => i);
    expect(columnArray(readTable(tableBytes([primitive('value', pool.subarray(10, 13))])), 'value')).toEqual(Int32Array.of(10, 11, 12));
  });

  it('are refused in another type, with nulls, and by another name', () => {
    const table = readTable(tableBytes([primitive('value', Int32Array.of(1)), utf8('text', ['a'])]));
    expect(() => columnArray(table, 'value', Float32Array)).toThrow(expect.objectContaining({ code: 'LAUREL_SCHEMA_MISMATCH', message: 'expected Float32Array in column value, got Int32 with 0 nulls' }));
    expect(() => columnArray(table, 'text')).toThrow('expected numbers in column text');
    expect(() => columnArray(table, 'other')).toThrow('expected a column other, got a table with value, text');
    expect(() => columnArray(new Table({ value: vectorFromArray([1, null], new Int32()) }), 'value')).toThrow('expected no nulls in column value');
  });

  it('are refused where lengths do not agree', () => {
    expect(() => fixedSizeList('list', new Uint8Array(7), 2)).toThrow('a multiple of its width 2, got 7 values');
    expect(() => tableBytes([primitive('a', new Int32Array(2)), primitive('b', new Int32Array(3))])).toThrow('expected 2 rows in column b as in a, got 3');
    expect(() => tableBytes([primitive('a', new Int32Array(2)), primitive('a', new Int32Array(2))])).toThrow('got a twice');
    expect(() => binaryFrom('raw', Int32Array.of(0, 9), new Uint8Array(5))).toThrow('within its 5 bytes, got 9');
  });
});

describe('columns of bytes and text', () => {
  const text = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 30 });

  it('come back as they were, from one batch and from several', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 31 }), (values, batchRows) => {
        const raw = values.map((value) => Buffer.from(value).map((byte) => byte ^ 0xaa));
        const table = readTable(tableBytes([utf8('text', values), binary('raw', raw)], { batchRows }));
        expect(utf8Column(table, 'text')).toEqual(values);
        expect([...binaryColumn(table, 'raw')].map((bytes) => [...bytes])).toEqual(raw.map((bytes) => [...bytes]));
        expect(binaryColumn(table, 'text').offsets).toHaveLength(values.length + 1);
      }),
    );
  });

  it('keep nulls and empty values apart', () => {
    for (const batchRows of [20, 3]) {
      const values = Array.from({ length: 19 }, (_, row) => (row % 4 === 1 ? null : 'ab'.slice(0, row % 3)));
      const table = readTable(tableBytes([utf8('text', values), binary('raw', values.map((value) => (value === null ? null : Buffer.from(value))))], { batchRows }));
      expect(table.getChild('text')!.nullCount).toBe(5);
      expect([...table.getChild('text')!]).toEqual(values);
      expect([...table.getChild('raw')!].map((value) => value && Buffer.from(value as Uint8Array).toString())).toEqual(values);
      expect(() => binaryColumn(table, 'raw')).toThrow('expected no nulls in column raw');
    }
  });

  it('are written from offsets and bytes that are at hand', () => {
    const bytes = Buffer.from('helloworld');
    const table = readTable(tableBytes([binaryFrom('raw', Int32Array.of(0, 5, 5, 10), bytes), utf8From('text', Int32Array.of(0, 1, 2, 10), bytes)], { batchRows: 2 }));
    expect([...binaryColumn(table, 'raw')].map((value) => Buffer.from(value).toString())).toEqual(['hello', '', 'world']);
    expect(utf8Column(table, 'text')).toEqual(['h', 'e', 'lloworld']);
    expect(Buffer.from(binaryColumn(table, 'raw').at(2)).toString()).toBe('world');
    expect(() => binaryColumn(table, 'raw').at(3)).toThrow('expected a row from 0 to 2, got 3');
  });

  it('do not melt half characters at the ends of two rows into one', () => {
    const table = readTable(tableBytes([utf8('text', ['a\ud83d', '\ude00b'])]));
    expect(utf8Column(table, 'text')).toEqual(['a\ufffd', '\ufffdb']);
  });
});

describe('a table', () => {
  it('keeps its metadata and its columns where it has no rows', () => {
    const metadata = new Map([['laurel.kind', 'segment'], ['note', 'grüße']]);
    const table = readTable(tableBytes([primitive('value', new Float32Array(0)), fixedSizeList('list', new Uint8Array(0), 4), utf8('text', [])], { metadata }));
    expect(table.numRows).toBe(0);
    expect(table.schema.metadata).toEqual(metadata);
    expect(columnArray(table, 'value', Float32Array)).toEqual(new Float32Array(0));
    expect(columnArray(table, 'list', Uint8Array)).toEqual(new Uint8Array(0));
    expect(columnWidth(table, 'list')).toBe(4);
    expect(utf8Column(table, 'text')).toEqual([]);
  });

  it('has the same bytes each time it is written', () => {
    const write = () => tableBytes([primitive('value', Int32Array.from({ length: 999 }, (_, i) => i)), utf8('text', Array.from({ length: 999 }, (_, i) => `row ${i}`))], { batchRows: 100, metadata: new Map([['a', 'b']]) });
    expect(Buffer.compare(write(), write())).toBe(0);
  });

  it('is cut into batches of about 2 MiB, counting rows of uneven size', () => {
    const rows = [...Array.from({ length: 20 }, () => new Uint8Array(300_000)), new Uint8Array(5_000_000), ...Array.from({ length: 1000 }, () => new Uint8Array(10))];
    const bytes = tableBytes([binary('raw', rows)]);
    const bodies = splitMessages(bytes).map(({ body }) => body.byteLength);
    expect(bodies.filter((size) => size > 2.1 * 1024 * 1024)).toHaveLength(1);
    expect(bodies.length).toBeLessThan(8);
    expect(tableFromIPC(bytes).numRows).toBe(1021);
  });

  it('is cut by rows where the writer says so', () => {
    expect(batchRowsFor(1920)).toBe(1092);
    expect(batchRowsFor(0)).toBe(2 ** 21);
    expect(batchRowsFor(10_000_000)).toBe(1);
    expect(readTable(tableBytes([primitive('value', new Int32Array(10))], { batchRows: 4 })).batches.map((batch) => batch.numRows)).toEqual([4, 4, 2]);
  });

  it('is one of several in a file, each read on its own', () => {
    const file = Buffer.concat([tableBytes([primitive('a', Int32Array.of(1, 2))]), tableBytes([primitive('b', Int32Array.of(3))])]);
    expect(readTables(file).map((table) => table.numRows)).toEqual([2, 1]);
    expect(() => readTable(file)).toThrow('expected one Arrow stream, got 2');
    expect(() => readTables(file.subarray(0, file.byteLength - 8))).toThrow(expect.objectContaining({ code: 'LAUREL_STORE_CORRUPT' }));
  });
});
