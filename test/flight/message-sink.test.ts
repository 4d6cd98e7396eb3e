import { Writable } from 'node:stream';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { FlightClient } from '../../proto/flight/client.js';
import { splitMessages } from '../../proto/flight/ipc-messages.js';
import { http2StreamOf, serverSink } from '../../proto/flight/message-sink.js';
import { FLIGHT_SERVICE } from '../../proto/flight/protocol.js';
import type { FlightData } from '../../proto/flight/wire.js';
import { sampleTable, text } from './support.js';

describe('messages of a server', () => {
  it('go straight into the HTTP/2 stream with this version of grpc-js', async () => {
    const bytes = sampleTable(100);
    let direct = false;
    const server = new Server();
    server.addService(FLIGHT_SERVICE, {
      DoGet(call: ServerWritableStream<unknown, FlightData>) {
        const stream = http2StreamOf(call);
        const write = stream?.write.bind(stream);
        const bodies = splitMessages(bytes).map(({ body }) => body);
        if (stream && write) stream.write = ((chunk: Uint8Array, ...rest: []) => ((direct ||= bodies.some((body) => body.byteLength > 0 && body.buffer === chunk.buffer)), write(chunk, ...rest))) as typeof stream.write;
        const sink = serverSink(call);
        for (const message of splitMessages(bytes)) sink.write(message, () => undefined);
        call.end();
      },
    });
    const port = await new Promise<number>((resolve, reject) => server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))));
    const client = new FlightClient(`grpc+tcp://127.0.0.1:${port}`, { deadlineMs: 20_000 });
    try {
      expect(Buffer.compare(await client.getStream(text('x')), bytes)).toBe(0);
      expect(direct).toBe(true);
    } finally {
      client.close();
      server.forceShutdown();
    }
  });

  it('go through grpc-js where there is no such stream', () => {
    const written: unknown[] = [];
    const call = new Writable({ objectMode: true, write: (data, _encoding, done) => (written.push(data), done()) });
    const data = { header: new Uint8Array(8), body: new Uint8Array(8) };
    let done = 0;
    serverSink(call as unknown as ServerWritableStream<unknown, FlightData>).write(data, () => (done += 1));
    expect(written).toEqual([data]);
  });
});
