/** Where encoded FlightData goes: through grpc-js, or straight into the HTTP/2 stream below it. */
import type { ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import { Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import { encodeHead, type FlightData } from './wire.js';

export interface MessageSink {
  /** @param done called when the connection took the message; never called once the call is gone. */
  write(data: FlightData, done: () => void): void;
}

/** gRPC's frame of a message: a byte that says "not compressed", and its length in four. */
const FRAME_BYTES = 5;

/** Through grpc-js, which copies every message into one buffer and that into another. */
export function callSink(call: Writable): MessageSink {
  return { write: (data, done) => void call.write(data, done) };
}

/**
 * Into the HTTP/2 stream, from where the body lies: 0.3 instead of 1.6 ms of the server's CPU for each MB, and no garbage.
 * The stream is no public property of grpc-js; where a version has none there, messages go through grpc-js (a test
 * tells). Headers, status, deadline and cancellation stay with grpc-js in any case.
 */
export function serverSink(call: ServerWritableStream<unknown, FlightData>): MessageSink {
  const stream = http2StreamOf(call);
  if (!stream) return callSink(call);
  let started = false;
  return {
    write(data, done) {
      // A status was sent already (deadline), or the peer is gone: the signal of the call tells the producer.
      if (!stream.writable) return;
      if (!started) call.sendMetadata(new Metadata());
      started = true;
      const head = encodeHead(data, FRAME_BYTES);
      head[0] = 0;
      head.writeUInt32BE(head.byteLength - FRAME_BYTES + data.body.byteLength, 1);
      if (data.body.byteLength === 0) {
        stream.write(head, done);
        return;
      }
      stream.cork();
      stream.write(head);
      stream.write(data.body, done);
      stream.uncork();
    },
  };
}

/** The stream below a call of grpc-js 1.14, or undefined. */
export function http2StreamOf(call: object): ServerHttp2Stream | undefined {
  const stream = (call as { call?: { stream?: Partial<ServerHttp2Stream> } }).call?.stream;
  return typeof stream?.respond === 'function' && typeof stream.write === 'function' ? (stream as ServerHttp2Stream) : undefined;
}
