import { Dictionary, Field, Int32, RecordBatch, RecordBatchStreamWriter, Schema, Struct, Utf8, makeData, vectorFromArray } from 'apache-arrow';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LaurelError } from '../../proto/errors.js';
import { FlightClient } from '../../proto/flight/client.js';
import { pathDescriptor } from '../../proto/flight/flight-info.js';
import { splitMessages } from '../../proto/flight/ipc-messages.js';
import { createFlightServer, type FlightServer } from '../../proto/flight/server.js';
import { binary, binaryColumn, columnArray, fixedSizeList, primitive, readTable, tableBytes, utf8 } from '../../proto/flight/tables.js';
import { makeCertificate } from './certificate.js';
import { startPyarrowPeer, type PyarrowPeer } from './pyarrow-peer.js';
import { bigBatch, Closing, fromText, sampleTable, settled, tableProducer, text, until } from './support.js';

interface PlainTable {
  readonly rows: number;
  readonly metadata: Record<string, string>;
  readonly types: Record<string, string>;
  readonly columns: Record<string, unknown[]>;
}
interface Failure {
  readonly error: string;
  readonly message: string;
}

let peer: PyarrowPeer;
const closing = new Closing();
beforeAll(async () => {
  peer = await startPyarrowPeer();
}, 600_000);
afterEach(() => closing.closeAll());
afterAll(() => peer?.close());

/** The table that flight_peer.py calls types_table, as its columns must read. */
const rows = [0, 1, 2, 3, 4, 5, 6];
const expectedText = rows.map((row) => (row % 3 === 1 ? null : [...'ü€😀'].slice(0, row % 4).join('')));
const expectedNames = rows.map((row) => (row === 2 ? null : row % 2 === 0 ? 'left' : 'right'));

describe('pyarrow as the client of our server', () => {
  const tables = new Map<string, Uint8Array>();
  let server: FlightServer;
  const ask = <Answer>(command: Record<string, unknown>): Promise<Answer> => peer.ask<Answer>({ location: server.location, ...command });
  beforeEach(async () => {
    tables.clear();
    server = closing.add(await createFlightServer({ producer: tableProducer(tables) }));
  });

  it('reads every column type that we write, from one batch and from several', async () => {
    const columns = [
      primitive('i8', Int8Array.from(rows, (row) => -row)),
      primitive('u16', Uint16Array.from(rows, (row) => 65_535 - row)),
      primitive('i32', Int32Array.from(rows, (row) => row - 2)),
      primitive('u32', Uint32Array.from(rows, (row) => 2 ** 32 - 1 - row)),
      primitive('i64', BigInt64Array.from(rows, (row) => 2n ** 40n + BigInt(row))),
      primitive('f32', Float32Array.from(rows, (row) => row / 2)),
      primitive('f64', Float64Array.from(rows, (row) => row / 3)),
      fixedSizeList('observation', Uint8Array.from(rows.flatMap((row) => [row, row + 1, row + 2])), 3),
      fixedSizeList('reward', Float32Array.from(rows.flatMap((row) => [row / 4, -row])), 2),
      utf8('text', expectedText),
      utf8('plain', rows.map(String)),
      binary('raw', rows.map((row) => Uint8Array.from({ length: row }, (_, i) => i))),
      binary('maybe', rows.map((row) => (row === 3 ? null : Buffer.of(row)))),
    ];
    for (const batchRows of [7, 3, 1]) {
      tables.set('types', tableBytes(columns, { batchRows, metadata: new Map([['note', 'grüße']]) }));
      const read = await ask<PlainTable>({ do: 'get', ticket: 'types' });
      expect(read).toMatchObject({ rows: 7, metadata: { note: 'grüße' } });
      expect(read.types).toMatchObject({ i8: 'int8', u16: 'uint16', i32: 'int32', i64: 'int64', f32: 'float', f64: 'double', text: 'string', raw: 'binary' });
      expect(read.types['observation']).toBe('fixed_size_list<item: uint8 not null>[3]');
      expect(read.columns).toEqual({
        i8: [0, -1, -2, -3, -4, -5, -6],
        u16: rows.map((row) => 65_535 - row),
        i32: rows.map((row) => row - 2),
        u32: rows.map((row) => 2 ** 32 - 1 - row),
        i64: rows.map((row) => 2 ** 40 + row),
        f32: rows.map((row) => row / 2),
        f64: rows.map((row) => row / 3),
        observation: rows.map((row) => [row, row + 1, row + 2]),
        reward: rows.map((row) => [row / 4, row === 0 ? expect.closeTo(0) : -row]),
        text: expectedText,
        plain: rows.map(String),
        raw: rows.map((row) => Buffer.from(Array.from({ length: row }, (_, i) => i)).toString('hex')),
        maybe: rows.map((row) => (row === 3 ? null : Buffer.of(row).toString('hex'))),
      });
    }
  });

  it('reads dictionaries, also where one is replaced in mid-stream', async () => {
    const type = new Dictionary(new Utf8(), new Int32(), 7);
    const schema = new Schema([new Field('name', type, true)]);
    const batch = (words: (string | null)[]) => new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: words.length, nullCount: 0, children: [vectorFromArray(words, type).data[0]!] }));
    tables.set('words', RecordBatchStreamWriter.writeAll([batch(['a', 'b', null]), batch(['c', 'a'])]).toUint8Array(true));
    expect((await ask<PlainTable>({ do: 'get', ticket: 'words' })).columns).toEqual({ name: ['a', 'b', null, 'c', 'a'] });
  });

  it('reads a table without rows, a message of 5 MB, and many batches', async () => {
    tables.set('empty', sampleTable(0));
    tables.set('big', bigBatch(5_000_000));
    tables.set('many', sampleTable(30_000, 500));
    const empty = await ask<PlainTable>({ do: 'get', ticket: 'empty' });
    expect(empty).toMatchObject({ rows: 0, columns: { action: [], observation: [], text: [] }, metadata: { 'laurel.kind': 'test' } });
    expect(await ask({ do: 'get', ticket: 'big', values: false })).toMatchObject({ rows: 5_000_000 });
    expect(await ask({ do: 'get', ticket: 'many', values: false })).toMatchObject({ rows: 30_000 });
  });

  it('puts a table and gets our acknowledgement', async () => {
    expect(await ask({ do: 'put', path: ['runs', 'x'] })).toEqual({ acknowledgement: expect.stringMatching(/^took \d+$/) });
    const table = readTable(tables.get('runs/x')!);
    expect(table.batches).toHaveLength(2);
    expect([...table.getChild('text')!]).toEqual(expectedText);
    expect([...table.getChild('name')!]).toEqual(expectedNames);
    expect(await ask({ do: 'put', path: ['big'], table: 'numbers', rows: 700_000 })).toMatchObject({ acknowledgement: expect.stringMatching(/^took 5\d{6}$/) });
    expect(columnArray(readTable(tables.get('big')!), 'value', BigInt64Array)[699_999]).toBe(699_999n);
  });

  it('gets back the values and metadata that it put', async () => {
    await ask({ do: 'put', path: ['a'] });
    const first = await ask<PlainTable>({ do: 'get', ticket: 'a' });
    expect(first.columns).toMatchObject({ text: expectedText, name: expectedNames, i64: rows.map((row) => 2 ** 40 + row) });
    expect(first.metadata).toEqual({ 'laurel.kind': 'test', note: 'grüße' });
  });

  it('sees flights, schemas and actions', async () => {
    tables.set('a', sampleTable(4));
    tables.set('ab', sampleTable(4));
    tables.set('b', sampleTable(4));
    const described = { path: ['a'], names: ['action', 'observation', 'text'], rows: -1, bytes: tables.get('a')!.byteLength, tickets: ['a'], locations: ['grpc+tcp://127.0.0.1:1', 'grpc+tcp://127.0.0.1:2'] };
    expect(await ask({ do: 'info', path: ['a'] })).toEqual(described);
    expect((await ask<{ path: string[] }[]>({ do: 'list', criteria: 'a' })).map(({ path }) => path)).toEqual([['a'], ['ab']]);
    expect(await ask({ do: 'schema', path: ['a'] })).toEqual({ schema: "['action', 'observation', 'text']" });
    expect(await ask({ do: 'action', type: 'echo', body: 'grüße' })).toEqual(['grüße', 'done']);
    expect(await ask({ do: 'actions' })).toEqual([['echo', 'answers its body']]);
  });

  it('sees our errors with their code first, and methods that we do not offer as such', async () => {
    const missing = await ask<Failure>({ do: 'get', ticket: 'nothing' });
    // Arrow's name for NOT_FOUND.
    expect(missing.error).toBe('ArrowKeyError');
    expect(missing.message).toContain('LAUREL_STORE_MISSING: expected nothing in the store, found nothing');
    expect(await ask({ do: 'info', path: ['nothing'] })).toMatchObject({ error: 'ArrowKeyError' });
    expect((await ask<Failure>({ do: 'action', type: 'drop', body: '' })).message).toContain('LAUREL_KEY_INVALID: expected the action echo, got drop');
    expect((await ask<Failure>({ do: 'exchange' })).message).toContain('this server does not offer DoExchange');
  });

  it('sees a truncated file as an error, not as fewer rows', async () => {
    const bytes = sampleTable(100);
    tables.set('cut', bytes.subarray(0, bytes.byteLength - 8));
    expect((await ask<Failure>({ do: 'get', ticket: 'cut' })).message).toContain('LAUREL_STORE_CORRUPT');
  });

  it('reads the first of two streams behind one ticket and reports the second as an error', async () => {
    tables.set('two', Buffer.concat([sampleTable(3), sampleTable(4)]));
    expect(await ask<Failure>({ do: 'get', ticket: 'two' })).toHaveProperty('error');
  });

  it('with a token in its headers is let in, and without is not', async () => {
    tables.set('a', sampleTable(4));
    const guarded = closing.add(await createFlightServer({ producer: tableProducer(tables), token: 'secret' }));
    expect(await peer.ask({ location: guarded.location, do: 'get', ticket: 'a', token: 'secret' })).toMatchObject({ rows: 4 });
    expect(await peer.ask({ location: guarded.location, do: 'get', ticket: 'a' })).toMatchObject({ error: 'FlightUnauthenticatedError' });
    expect(await peer.ask({ location: guarded.location, do: 'put', path: ['b'], token: 'other' })).toMatchObject({ error: 'FlightUnauthenticatedError' });
  });

  it('speaks TLS with us', async () => {
    tables.set('a', sampleTable(4));
    const own = makeCertificate();
    const guarded = closing.add(await createFlightServer({ producer: tableProducer(tables), tls: own }));
    const location = guarded.location.replace('127.0.0.1', 'localhost');
    expect(await peer.ask({ location, do: 'get', ticket: 'a', certificate: own.certificate.toString() })).toMatchObject({ rows: 4 });
    expect(await peer.ask({ location, do: 'get', ticket: 'a', certificate: makeCertificate().certificate.toString(), timeout: 3 })).toHaveProperty('error');
  });

  it('that reads slowly makes our server wait, and its cancel stops our producer', async () => {
    const seen = { pieces: 0, ended: false };
    const bytes = bigBatch(1024 * 1024);
    const schemaEnd = 8 + splitMessages(bytes)[0]!.header.byteLength;
    async function* pieces() {
      try {
        yield bytes.subarray(0, schemaEnd);
        for (; seen.pieces < 200; seen.pieces += 1) yield bytes.subarray(schemaEnd, bytes.byteLength - 8);
        yield bytes.subarray(bytes.byteLength - 8);
      } finally {
        seen.ended = true;
      }
    }
    const endless = closing.add(await createFlightServer({ producer: { getStream: async () => pieces() } }));
    const hold = { location: endless.location, do: 'hold', ticket: 'x' };
    expect(await peer.ask(hold)).toEqual({ rows: 1024 * 1024 });
    expect(await settled(() => seen.pieces)).toBeLessThan(60);
    expect(await peer.ask({ do: 'resume' })).toEqual({ rows: 199 * 1024 * 1024 });
    expect(seen.pieces).toBe(200);
    Object.assign(seen, { pieces: 0, ended: false });
    await peer.ask(hold);
    await settled(() => seen.pieces);
    await peer.ask({ do: 'cancel' });
    await until(() => seen.ended);
    expect(seen.pieces).toBeLessThan(200);
  });

  it('passes its deadline on to our producer', async () => {
    let signal: AbortSignal | undefined;
    const producer = { getStream: (_ticket: Uint8Array, context: { signal: AbortSignal }) => ((signal = context.signal), new Promise<never>(() => undefined)) };
    const silent = closing.add(await createFlightServer({ producer }));
    expect(await peer.ask({ location: silent.location, do: 'get', ticket: 'x', timeout: 0.3 })).toMatchObject({ error: 'FlightTimedOutError' });
    await until(() => signal?.aborted === true);
  });
});

describe('pyarrow as the server of our client', () => {
  const connect = (options = {}) => closing.add(new FlightClient(peer.location, { deadlineMs: 20_000, ...options }));

  it('sends every column type that it has, and we read the same', async () => {
    const table = await connect().getTable(text('types'));
    expect(table.batches).toHaveLength(2);
    expect(table.schema.metadata).toEqual(new Map([['laurel.kind', 'test'], ['note', 'grüße']]));
    expect(columnArray(table, 'i32', Int32Array)).toEqual(Int32Array.from(rows, (row) => row - 2));
    expect(columnArray(table, 'i64', BigInt64Array)).toEqual(BigInt64Array.from(rows, (row) => 2n ** 40n + BigInt(row)));
    expect(columnArray(table, 'f32', Float32Array)).toEqual(Float32Array.from(rows, (row) => row / 2));
    expect(columnArray(table, 'f64', Float64Array)).toEqual(Float64Array.from(rows, (row) => row / 3));
    expect(columnArray(table, 'observation', Uint8Array)).toEqual(Uint8Array.from(rows.flatMap((row) => [row, row + 1, row + 2])));
    expect([...table.getChild('text')!]).toEqual(expectedText);
    expect([...table.getChild('name')!]).toEqual(expectedNames);
    expect([...binaryColumn(table, 'raw')].map((bytes) => bytes.byteLength)).toEqual(rows);
  });

  it('sends a table without rows, and a message of 5 MB', async () => {
    const empty = await connect().getTable(text('empty'));
    expect(empty.numRows).toBe(0);
    expect(empty.schema.fields).toHaveLength(8);
    const bytes = await connect().getStream(text('big'));
    expect(Math.max(...splitMessages(bytes).map(({ body }) => body.byteLength))).toBeGreaterThan(5_000_000);
    expect(columnArray(readTable(bytes), 'value', BigInt64Array)[699_999]).toBe(699_999n);
  });

  it('takes what we put and gives the same back', async () => {
    const bytes = sampleTable(5_000, 300);
    const client = connect();
    expect(fromText(await client.putStream(pathDescriptor('ours', 'a'), bytes))).toBe('5000');
    const sent = readTable(bytes);
    const back = await client.getTable(text('ours/a'));
    expect(columnArray(back, 'observation')).toEqual(columnArray(sent, 'observation'));
    expect(columnArray(back, 'action')).toEqual(columnArray(sent, 'action'));
    expect(binaryColumn(back, 'text').bytes).toEqual(binaryColumn(sent, 'text').bytes);
    expect(fromText(await client.putStream(pathDescriptor('none'), sampleTable(0)))).toBe('0');
  });

  it('tells its flights, schemas and actions', async () => {
    const client = connect();
    const info = await client.getFlightInfo(pathDescriptor('types'));
    expect(info).toMatchObject({ descriptor: pathDescriptor('types'), records: 7, bytes: -1, endpoints: [{ locations: [peer.location] }] });
    expect(fromText(info.endpoints[0]!.ticket)).toBe('types');
    expect((await client.getFlightInfo({ kind: 'command', command: text('big') })).records).toBe(700_000);
    expect((await client.getSchema(pathDescriptor('types'))).names).toEqual(['i32', 'i64', 'f32', 'f64', 'text', 'name', 'observation', 'raw']);
    expect((await client.listFlights(text('types'))).map(({ records }) => records)).toEqual([7]);
    expect((await client.doAction('echo', text('grüße'))).map(fromText)).toEqual(['grüße', 'done']);
    expect(await client.listActions()).toEqual([{ type: 'echo', description: 'answers its body' }]);
  });

  it('raises, and we see LAUREL_TRANSPORT_FAILED with its message', async () => {
    const call = connect().getStream(text('nothing'));
    await expect(call).rejects.toBeInstanceOf(LaurelError);
    await expect(call).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED', message: expect.stringContaining('no table nothing') });
  });

  it('is left in mid-stream and stops; is slow and we do not wait', async () => {
    const client = connect();
    let read = 0;
    for await (const { body } of client.messages(text('endless'))) if ((read += body.byteLength) > 100_000) break;
    const stopped = async () => Number(fromText((await client.doAction('stopped-at'))[0]!));
    const first = await settledAsync(stopped);
    expect(first).toBeLessThan(999_999);
    const abort = new AbortController();
    const aborted = client.getStream(text('endless'), { signal: abort.signal });
    aborted.catch(() => undefined);
    abort.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(client.getStream(text('slow'), { deadlineMs: 300 })).rejects.toMatchObject({ details: { status: 'DEADLINE_EXCEEDED' } });
  });
});

/** Asks until two answers in a row are the same. */
async function settledAsync(read: () => Promise<number>): Promise<number> {
  for (let last = Number.NaN; ; ) {
    const now = await read();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
