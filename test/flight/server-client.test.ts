import { tableFromIPC } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ERROR_TABLE, LaurelError, type ErrorCode } from '../../proto/errors.js';
import { FlightClient } from '../../proto/flight/client.js';
import { pathDescriptor } from '../../proto/flight/flight-info.js';
import { createFlightServer, type FlightProducer } from '../../proto/flight/server.js';
import { columnArray, readTables, utf8Column } from '../../proto/flight/tables.js';
import { bigBatch, Closing, fromText, sampleTable, tableProducer, text } from './support.js';

const closing = new Closing();
afterEach(() => closing.closeAll());

async function connect(producer: FlightProducer, clientOptions = {}, serverOptions = {}): Promise<FlightClient> {
  const server = closing.add(await createFlightServer({ producer, ...serverOptions }));
  return closing.add(new FlightClient(server.location, { deadlineMs: 20_000, ...clientOptions }));
}

const streaming = (source: () => Uint8Array | AsyncIterable<Uint8Array>): FlightProducer => ({ getStream: async () => source() });

describe('what a client gets', () => {
  const tables = new Map<string, Uint8Array>();
  let client: FlightClient;
  beforeEach(async () => {
    tables.clear();
    tables.set('sample', sampleTable(1_000));
    tables.set('empty', sampleTable(0));
    tables.set('large', sampleTable(20_000, 1_000));
    tables.set('5 MB message', bigBatch(5_000_000));
    tables.set('two streams', Buffer.concat([sampleTable(10), sampleTable(3)]));
    const shifted = new Uint8Array(sampleTable(50).byteLength + 3).subarray(3);
    shifted.set(sampleTable(50));
    tables.set('misaligned', shifted);
    client = await connect(tableProducer(tables));
  });

  it('is the same bytes that the server has', async () => {
    for (const [name, bytes] of tables) {
      const got = await client.getStream(text(name));
      expect(Buffer.compare(got, bytes), name).toBe(0);
    }
  });

  it('is the same bytes where calls run side by side', async () => {
    const names = [...tables.keys(), ...tables.keys()];
    const all = await Promise.all(names.map((name) => client.getStream(text(name))));
    all.forEach((bytes, index) => expect(Buffer.compare(bytes, tables.get(names[index]!)!), names[index]).toBe(0));
    expect(client.calls).toBe(0);
  });

  it('is a table', async () => {
    const table = await client.getTable(text('sample'));
    expect(table.numRows).toBe(1_000);
    expect(table.schema.metadata.get('laurel.kind')).toBe('test');
    expect(columnArray(table, 'action', Int32Array)[999]).toBe(6_993);
    expect(utf8Column(table, 'text').slice(0, 3)).toEqual(['', 'You see here 1 gold pieces – ☃', 'You see here 2 gold pieces – ☃☃']);
    expect(readTables(await client.getStream(text('two streams'))).map(({ numRows }) => numRows)).toEqual([10, 3]);
  });

  it('comes message by message to a reader that asks for that', async () => {
    const sizes: number[] = [];
    for await (const { body } of client.messages(text('large'))) sizes.push(body.byteLength);
    expect(sizes.length).toBeGreaterThan(8);
    expect(Math.max(...sizes)).toBeLessThan(4 * 1024 * 1024);
  });

  it('is what was put before, byte for byte, under a path or a command', async () => {
    const bytes = sampleTable(5_000, 500);
    expect(fromText(await client.putStream(pathDescriptor('runs', 'a b'), bytes))).toBe(`took ${bytes.byteLength}`);
    expect(Buffer.compare(await client.getStream(text('runs/a b')), bytes)).toBe(0);
    await client.putStream({ kind: 'command', command: text('x') }, sampleTable(0));
    expect((await client.getTable(text('command x'))).numRows).toBe(0);
    await client.putTable(pathDescriptor('table'), tableFromIPC(bytes));
    expect((await client.getTable(text('table'))).numRows).toBe(5_000);
  });

  it('is what the server tells about its data', async () => {
    const info = await client.getFlightInfo(pathDescriptor('sample'));
    expect(info).toMatchObject({ descriptor: { kind: 'path', path: ['sample'] }, records: -1, bytes: tables.get('sample')!.byteLength });
    expect(info.endpoints.map(({ ticket, locations }) => [fromText(ticket), ...locations])).toEqual([['sample', 'grpc+tcp://127.0.0.1:1', 'grpc+tcp://127.0.0.1:2']]);
    expect((await client.getSchema(pathDescriptor('sample'))).names).toEqual(['action', 'observation', 'text']);
    expect((await client.getSchema({ kind: 'command', command: text('empty') })).names).toEqual(['action', 'observation', 'text']);
    const paths = (await client.listFlights(text('s'))).map(({ descriptor }) => descriptor);
    expect(paths).toEqual([{ kind: 'path', path: ['sample'] }]);
    expect(await client.listFlights()).toHaveLength(tables.size);
  });

  it('is the results of an action', async () => {
    expect((await client.doAction('echo', text('hello'))).map(fromText)).toEqual(['hello', 'done']);
    expect(await client.listActions()).toEqual([{ type: 'echo', description: 'answers its body' }]);
  });

  it('is refused above the size that it allows', async () => {
    await expect(client.getStream(text('5 MB message'), { bytesMax: 1_000_000 })).rejects.toThrow('expected at most 1000000 bytes');
    expect((await client.getStream(text('sample'), { bytesMax: 1_000_000 })).byteLength).toBe(tables.get('sample')!.byteLength);
  });
});

describe('a stream that the producer makes in pieces', () => {
  it('arrives byte for byte, whatever the pieces', async () => {
    const bytes = Buffer.concat([sampleTable(2_000, 300), sampleTable(5)]);
    async function* pieces() {
      for (let at = 0; at < bytes.byteLength; at += 60_001) yield bytes.subarray(at, at + 60_001);
    }
    const client = await connect(streaming(pieces));
    expect(Buffer.compare(await client.getStream(text('x')), bytes)).toBe(0);
  });

  it('is an error where it breaks off, with what came before discarded', async () => {
    const bytes = sampleTable(2_000);
    async function* pieces() {
      yield bytes.subarray(0, bytes.byteLength / 2);
      throw new LaurelError('LAUREL_STORE_UNAVAILABLE', 'expected the store to answer, got EIO');
    }
    const client = await connect(streaming(pieces));
    await expect(client.getStream(text('x'))).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', message: 'expected the store to answer, got EIO' });
  });

  it('is LAUREL_STORE_CORRUPT where the file is truncated, even between two messages', async () => {
    const bytes = sampleTable(2_000);
    for (const length of [0, 100, bytes.byteLength - 8, bytes.byteLength - 1]) {
      const client = await connect(streaming(() => bytes.subarray(0, length)));
      await expect(client.getStream(text('x')), `${length} bytes`).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
    }
  });

  it('is refused with advice where a batch is larger than a message may be', async () => {
    const client = await connect(streaming(() => bigBatch(70_000_000)));
    await expect(client.getStream(text('x'))).rejects.toMatchObject({ code: 'LAUREL_INVARIANT_VIOLATED', message: expect.stringContaining('batchRowsFor') });
  });

  it('may have batches of 60 MB', async () => {
    const bytes = bigBatch(60_000_000);
    const client = await connect(streaming(() => bytes));
    expect(Buffer.compare(await client.getStream(text('x')), bytes)).toBe(0);
  });
});

describe('an error', () => {
  it('keeps its code from the producer to the client, for every code, on every kind of call', async () => {
    const raise = (code: Uint8Array): never => {
      throw new LaurelError(fromText(code) as ErrorCode, 'expected a, got b: 100 % – ☃');
    };
    const client = await connect({
      getStream: async (ticket) => raise(ticket),
      putStream: async (descriptor) => raise(text(descriptor.kind === 'path' ? descriptor.path[0]! : '')),
      getFlightInfo: async (descriptor) => raise(text(descriptor.kind === 'path' ? descriptor.path[0]! : '')),
      listFlights: (criteria) => raise(criteria),
      async *doAction(_type, body) {
        raise(body);
      },
    });
    for (const code of Object.keys(ERROR_TABLE)) {
      const same = { code, message: 'expected a, got b: 100 % – ☃' };
      await expect(client.getStream(text(code))).rejects.toMatchObject(same);
      await expect(client.putStream(pathDescriptor(code), sampleTable(3))).rejects.toMatchObject(same);
      await expect(client.getFlightInfo(pathDescriptor(code))).rejects.toMatchObject(same);
      await expect(client.getSchema(pathDescriptor(code))).rejects.toMatchObject(same);
      await expect(client.listFlights(text(code))).rejects.toMatchObject(same);
      await expect(client.doAction('x', text(code))).rejects.toMatchObject(same);
    }
    expect(client.calls).toBe(0);
  });

  it('that is none of ours comes as LAUREL_TRANSPORT_FAILED, whatever its message', async () => {
    for (const message of ['boom', 'half a pair \ud83d', 'x'.repeat(100_000)]) {
      const client = await connect({ getStream: () => Promise.reject(new Error(message)) });
      await expect(client.getStream(text('x'))).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED', details: { status: 'INTERNAL' } });
    }
  });

  it('of a method that is not offered says so', async () => {
    const client = await connect({ getStream: async () => sampleTable(1) });
    const status = { code: 'LAUREL_TRANSPORT_FAILED', details: { status: 'UNIMPLEMENTED' } };
    await expect(client.getFlightInfo(pathDescriptor('x'))).rejects.toMatchObject(status);
    await expect(client.listFlights()).rejects.toMatchObject(status);
    await expect(client.doAction('x')).rejects.toMatchObject(status);
    await expect(client.putStream(pathDescriptor('x'), sampleTable(20_000, 1_000))).rejects.toMatchObject(status);
    expect(await client.listActions()).toEqual([]);
  });

  it('of an address that cannot be listened on, or is none, says what was expected', async () => {
    const server = closing.add(await createFlightServer({ producer: streaming(() => sampleTable(1)) }));
    await expect(createFlightServer({ producer: streaming(() => sampleTable(1)), port: server.port })).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED' });
    for (const location of ['127.0.0.1:5', 'http://127.0.0.1:5', 'grpc+tcp://127.0.0.1', 'grpc+tcp://127.0.0.1:70000', 'grpc+tcp://a b:5', '']) {
      expect(() => new FlightClient(location), location).toThrow(expect.objectContaining({ code: 'LAUREL_TRANSPORT_FAILED' }));
    }
  });
});
