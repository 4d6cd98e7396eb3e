import { Writable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FlightClientPool } from '../../proto/flight/client-pool.js';
import { FlightClient } from '../../proto/flight/client.js';
import { pathDescriptor } from '../../proto/flight/flight-info.js';
import { splitMessages } from '../../proto/flight/ipc-messages.js';
import { callSink } from '../../proto/flight/message-sink.js';
import { SendWindow } from '../../proto/flight/send-window.js';
import { createFlightServer, type FlightProducer } from '../../proto/flight/server.js';
import { makeCertificate } from './certificate.js';
import { Closing, bigBatch, sampleTable, settled, tableProducer, text, until } from './support.js';

const closing = new Closing();
afterEach(() => closing.closeAll());

const MIB = 1024 * 1024;
const serve = async (producer: FlightProducer, options = {}) => closing.add(await createFlightServer({ producer, ...options }));
/** By name: for an IP address, Node warns about TLS. */
const byName = (location: string) => location.replace('127.0.0.1', 'localhost');
const connect = (location: string, options = {}) => closing.add(new FlightClient(location, { deadlineMs: 20_000, ...options }));

/** A stream without end, in batches of 1 MiB, that counts what was taken and sees how it ended. */
function endless() {
  const seen = { pieces: 0, ended: false, signal: undefined as AbortSignal | undefined };
  const bytes = bigBatch(MIB);
  const [schema, batch] = splitMessages(bytes);
  const schemaEnd = 8 + schema!.header.byteLength;
  const batchEnd = schemaEnd + 8 + batch!.header.byteLength + batch!.body.byteLength;
  async function* pieces() {
    try {
      yield bytes.subarray(0, schemaEnd);
      for (;;) {
        seen.pieces += 1;
        yield bytes.subarray(schemaEnd, batchEnd);
      }
    } finally {
      seen.ended = true;
    }
  }
  const producer: FlightProducer = {
    async getStream(_ticket, { signal }) {
      seen.signal = signal;
      return pieces();
    },
  };
  return { seen, producer };
}

/** A producer that never answers. */
function silent() {
  const seen = { signals: [] as AbortSignal[] };
  const wait = (signal: AbortSignal): Promise<never> => {
    seen.signals.push(signal);
    return new Promise(() => undefined);
  };
  const producer: FlightProducer = {
    getStream: (_ticket, { signal }) => wait(signal),
    getFlightInfo: (_descriptor, { signal }) => wait(signal),
    putStream: (_descriptor, _messages, { signal }) => wait(signal),
    async *doAction(_type, _body, { signal }) {
      await wait(signal);
    },
  };
  return { seen, producer };
}

describe('a call that is aborted', () => {
  it('throws the reason of the signal and stops the producer in mid-stream', async () => {
    const { seen, producer } = endless();
    const client = connect((await serve(producer)).location);
    const abort = new AbortController();
    const call = client.getStream(text('x'), { signal: abort.signal });
    call.catch(() => undefined);
    await until(() => seen.pieces > 20);
    abort.abort(new Error('not wanted any more'));
    await expect(call).rejects.toThrow('not wanted any more');
    await until(() => seen.ended && seen.signal!.aborted);
    expect(client.calls).toBe(0);
  });

  it('is not made at all where the signal was aborted before', async () => {
    const getStream = vi.fn(async () => sampleTable(1));
    const client = connect((await serve({ getStream })).location);
    await expect(client.getStream(text('x'), { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
    await expect(client.getFlightInfo(pathDescriptor('x'), { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
    expect(getStream).not.toHaveBeenCalled();
  });

  it('ends on the server though the producer never answers', async () => {
    const { seen, producer } = silent();
    const client = connect((await serve(producer)).location);
    const abort = new AbortController();
    const calls = [
      client.getStream(text('x'), { signal: abort.signal }),
      client.getFlightInfo(pathDescriptor('x'), { signal: abort.signal }),
      client.putStream(pathDescriptor('x'), sampleTable(9), { signal: abort.signal }),
      client.doAction('x', text(''), { signal: abort.signal }),
    ];
    const outcomes = Promise.allSettled(calls);
    await until(() => seen.signals.length === 4);
    abort.abort(new Error('enough'));
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } });
    await until(() => seen.signals.every((signal) => signal.aborted));
  });

  it('ends where the reader of messages stops early', async () => {
    const { seen, producer } = endless();
    const client = connect((await serve(producer)).location);
    let messages = 0;
    for await (const _message of client.messages(text('x'))) if ((messages += 1) === 3) break;
    await until(() => seen.ended);
    expect(client.calls).toBe(0);
  });
});

describe('a deadline', () => {
  it('ends every kind of call, on both sides', async () => {
    const { seen, producer } = silent();
    const client = connect((await serve(producer)).location, { deadlineMs: 200 });
    const late = { code: 'LAUREL_TRANSPORT_FAILED', details: { status: 'DEADLINE_EXCEEDED' } };
    await expect(client.getStream(text('x'))).rejects.toMatchObject(late);
    await expect(client.getFlightInfo(pathDescriptor('x'))).rejects.toMatchObject(late);
    await expect(client.putStream(pathDescriptor('x'), sampleTable(9))).rejects.toMatchObject(late);
    await expect(client.doAction('x')).rejects.toMatchObject(late);
    await until(() => seen.signals.length === 4 && seen.signals.every((signal) => signal.aborted));
  });

  it('of one call overrides that of the client', async () => {
    const { producer } = silent();
    const client = connect((await serve(producer)).location, { deadlineMs: 600_000 });
    await expect(client.getStream(text('x'), { deadlineMs: 100 })).rejects.toMatchObject({ details: { status: 'DEADLINE_EXCEEDED' } });
  });
});

describe('a slow reader', () => {
  it('keeps the server from making more than the windows hold', async () => {
    const { seen, producer } = endless();
    const client = connect((await serve(producer)).location);
    const messages = client.messages(text('x'), { deadlineMs: 60_000 });
    await messages.next();
    const made = await settled(() => seen.pieces);
    // 16 MiB window, 16 messages that gRPC reads ahead, 8 MiB that the server has sent off, and one or two in between.
    expect(made).toBeGreaterThan(16);
    expect(made).toBeLessThan(48);
    // It goes on as soon as the reader does.
    for (let taken = 0; taken < 60; taken += 1) expect((await messages.next()).done).toBe(false);
    expect(seen.pieces).toBeGreaterThan(made);
    await messages.return();
    await until(() => seen.ended);
  });

  it('on the server loses nothing of what is put', async () => {
    const tables = new Map<string, Uint8Array>();
    const { putStream, ...rest } = tableProducer(tables);
    const server = await serve({
      ...rest,
      putStream: (descriptor, messages, context) => {
        async function* slowly() {
          for await (const message of messages) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            yield message;
          }
        }
        return putStream!(descriptor, slowly(), context);
      },
    });
    const bytes = sampleTable(40_000, 1_000);
    await connect(server.location).putStream(pathDescriptor('x'), bytes);
    expect(Buffer.compare(tables.get('x')!, bytes)).toBe(0);
  });

  it('makes a sender wait as soon as 8 MiB are not taken, and no earlier', async () => {
    const taken: (() => void)[] = [];
    let written = 0;
    const call = new Writable({ objectMode: true, highWaterMark: 1_000, write: (_message, _encoding, done) => void taken.push(done) });
    const abort = new AbortController();
    const window = new SendWindow(callSink(call), abort.signal);
    const send = async () => {
      for (;;) {
        await window.send({ header: new Uint8Array(0), body: new Uint8Array(MIB) });
        written += 1;
      }
    };
    const sending = send();
    sending.catch(() => undefined);
    expect(await settled(() => written)).toBe(8);
    taken.shift()!();
    expect(await settled(() => written)).toBe(9);
    // The peer is gone, and gRPC never calls back: the sender must not wait for ever.
    abort.abort(new Error('gone'));
    await expect(sending).rejects.toThrow('gone');
    expect(written).toBe(9);
  });

  it('does not keep a message waiting that alone is larger than the window', async () => {
    const call = new Writable({ objectMode: true, write: (_message, _encoding, done) => done() });
    const window = new SendWindow(callSink(call), new AbortController().signal, 100);
    for (let i = 0; i < 3; i += 1) await window.send({ header: new Uint8Array(10), body: new Uint8Array(1_000) });
    expect(call.writableLength).toBe(0);
  });
});

describe('a server', () => {
  it('that is closed during a call ends it after the grace, and the client learns of it', async () => {
    const { producer, seen } = endless();
    const server = await createFlightServer({ producer });
    const client = connect(server.location);
    const call = client.getStream(text('x'));
    call.catch(() => undefined);
    await until(() => seen.pieces > 3);
    await server.close(50);
    await expect(call).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED' });
    await until(() => seen.ended);
  });

  it('that is gone is an error at once, and is found again when it is back at its address', async () => {
    const first = await createFlightServer({ producer: tableProducer(new Map([['a', sampleTable(1)]])) });
    const client = connect(first.location);
    await client.getStream(text('a'));
    await first.close(0);
    await expect(client.getStream(text('a'))).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED', details: { status: 'UNAVAILABLE' } });
    await serve(tableProducer(new Map([['a', sampleTable(2)]])), { port: first.port });
    await vi.waitFor(async () => expect((await client.getTable(text('a'))).numRows).toBe(2), { timeout: 20_000, interval: 100 });
  });

  it('is reached directly though the environment names a proxy', async () => {
    const server = await serve(tableProducer(new Map([['a', sampleTable(1)]])));
    vi.stubEnv('http_proxy', 'http://127.0.0.1:9');
    vi.stubEnv('no_proxy', '');
    try {
      expect((await connect(server.location).getTable(text('a'))).numRows).toBe(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('on all addresses tells a host that others can use', async () => {
    const server = await serve(tableProducer(new Map()), { host: '0.0.0.0' });
    expect(server.location).not.toContain('0.0.0.0');
    const named = await serve(tableProducer(new Map()), { host: '0.0.0.0', advertisedHost: 'rollout-3.pool' });
    expect(named.location).toBe(`grpc+tcp://rollout-3.pool:${named.port}`);
  });
});

describe('a token', () => {
  it('opens every call, and nothing else does', async () => {
    const tables = new Map([['a', sampleTable(4)]]);
    const server = await serve(tableProducer(tables), { token: 'secret' });
    const known = connect(server.location, { token: 'secret' });
    expect((await known.getTable(text('a'))).numRows).toBe(4);
    await known.putStream(pathDescriptor('b'), sampleTable(1));
    for (const options of [{}, { token: 'secret2' }, { token: 'Secret' }, { token: '' }]) {
      const stranger = connect(server.location, options);
      const refused = { code: 'LAUREL_TRANSPORT_FAILED', details: { status: 'UNAUTHENTICATED' } };
      await expect(stranger.getStream(text('a'))).rejects.toMatchObject(refused);
      await expect(stranger.putStream(pathDescriptor('c'), sampleTable(1))).rejects.toMatchObject(refused);
      await expect(stranger.getFlightInfo(pathDescriptor('a'))).rejects.toMatchObject(refused);
      await expect(stranger.listFlights()).rejects.toMatchObject(refused);
      await expect(stranger.doAction('echo')).rejects.toMatchObject(refused);
      await expect(stranger.listActions()).rejects.toMatchObject(refused);
    }
    expect([...tables.keys()]).toEqual(['a', 'b']);
  });
});

describe('TLS', () => {
  it('is spoken where the location says so, with the certificate checked', async () => {
    const own = makeCertificate();
    const server = await serve(tableProducer(new Map([['a', sampleTable(4)]])), { tls: own });
    expect(server.location).toBe(`grpc+tls://127.0.0.1:${server.port}`);
    expect((await connect(byName(server.location), { tls: { authority: own.certificate } }).getTable(text('a'))).numRows).toBe(4);
    const named = connect(server.location, { tls: { authority: own.certificate, serverName: 'localhost' } });
    expect((await named.getTable(text('a'))).numRows).toBe(4);
    const stranger = connect(byName(server.location), { tls: { authority: makeCertificate().certificate }, deadlineMs: 2_000 });
    await expect(stranger.getStream(text('a'))).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED' });
    const plain = connect(byName(server.location).replace('tls', 'tcp'), { deadlineMs: 2_000 });
    await expect(plain.getStream(text('a'))).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED' });
  });

  it('asks clients for a certificate where the server names their authority', async () => {
    const own = makeCertificate();
    const theirs = makeCertificate();
    const server = await serve(tableProducer(new Map([['a', sampleTable(4)]])), { tls: { ...own, clientAuthority: theirs.certificate } });
    const known = connect(byName(server.location), { tls: { authority: own.certificate, ...theirs } });
    expect((await known.getTable(text('a'))).numRows).toBe(4);
    const stranger = connect(byName(server.location), { tls: { authority: own.certificate }, deadlineMs: 2_000 });
    await expect(stranger.getStream(text('a'))).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED' });
  });
});

describe('a pool of clients', () => {
  it('has one client for each location, and closes the one unused longest above its bound', async () => {
    const { producer, seen } = endless();
    const busy = await serve(producer);
    const servers = await Promise.all([1, 2, 3].map((rows) => serve(tableProducer(new Map([['a', sampleTable(rows)]])))));
    const pool = closing.add(new FlightClientPool({ deadlineMs: 20_000 }, 2));
    const first = pool.get(busy.location);
    expect(pool.get(busy.location)).toBe(first);
    const abort = new AbortController();
    const call = first.getStream(text('x'), { signal: abort.signal });
    call.catch(() => undefined);
    await until(() => seen.pieces > 0);
    for (const [index, server] of servers.entries()) {
      expect((await pool.get(server.location).getTable(text('a'))).numRows).toBe(index + 1);
      expect(pool.size).toBe(2);
    }
    // The oldest has a call in progress and was kept.
    expect(pool.get(busy.location)).toBe(first);
    abort.abort(new Error('done'));
    await expect(call).rejects.toThrow('done');
    pool.close();
    expect(pool.size).toBe(0);
    await expect(first.getStream(text('x'))).rejects.toMatchObject({ code: 'LAUREL_TRANSPORT_FAILED' });
  });
});
