/** An Arrow Flight server. What it serves is the producer's business; it knows the protocol only. */
import { hostname } from 'node:os';
import { Server, ServerCredentials, status as Status, type ServerDuplexStream, type ServerWritableStream, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { LaurelError } from '../errors.js';
import { descriptorFromMessage, infoToMessage, type ActionType, type FlightInfo } from './flight-info.js';
import { messagesOf, type IpcMessage } from './ipc-messages.js';
import { MESSAGE_BYTES_MAX } from './limits.js';
import { formatLocation } from './location.js';
import { serverSink } from './message-sink.js';
import { FLIGHT_SERVICE, type DescriptorMessage, type FlightInfoMessage } from './protocol.js';
import { SendWindow, untilAborted } from './send-window.js';
import { bearer, bidiStream, serverStream, unary, type CallContext } from './server-calls.js';
import { StatusError } from './status.js';
import type { FlightData, FlightDescriptor } from './wire.js';

export type { CallContext } from './server-calls.js';

/** An Arrow IPC stream: whole, or in pieces of any size. Sent from where it lies: do not write to it afterwards. */
export type IpcSource = Uint8Array | AsyncIterable<Uint8Array>;

/** What a server offers. A LaurelError keeps its code on the way to the client; a method that is left out answers UNIMPLEMENTED. */
export interface FlightProducer {
  /**
   * The stream behind a ticket. Several streams one after another are sent in one call and joined by our client to the
   * same bytes; other clients read the first and report the schema of the second as an error, so give them a ticket each.
   */
  getStream(ticket: Uint8Array, context: CallContext): Promise<IpcSource>;
  /** Takes a stream (`StreamJoiner` puts it together). Returns what the client gets as acknowledgement. */
  putStream?(descriptor: FlightDescriptor, messages: AsyncIterable<IpcMessage>, context: CallContext): Promise<Uint8Array>;
  getFlightInfo?(descriptor: FlightDescriptor, context: CallContext): Promise<FlightInfo>;
  /** @param criteria as the client sent it; empty: all. */
  listFlights?(criteria: Uint8Array, context: CallContext): Iterable<FlightInfo> | AsyncIterable<FlightInfo>;
  doAction?(type: string, body: Uint8Array, context: CallContext): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  listActions?(): readonly ActionType[];
}

/** PEM. */
export interface ServerTls {
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
  /** Authority that client certificates must come from; absent: clients need none. */
  readonly clientAuthority?: Uint8Array;
}

export interface FlightServerOptions {
  readonly producer: FlightProducer;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Host that others reach this server by. Default: `host`, or the machine's name where that is 0.0.0.0 or ::. */
  readonly advertisedHost?: string;
  /** 0 (default): any free port. */
  readonly port?: number;
  /** Default 64 MiB. */
  readonly messageBytesMax?: number;
  /** Where set, every call must carry `authorization: Bearer <token>`. */
  readonly token?: string;
  readonly tls?: ServerTls;
}

export interface FlightServer {
  readonly port: number;
  /** `grpc+tcp://host:port`, or `grpc+tls://…`. */
  readonly location: string;
  /** Ends after the calls in progress, at the latest after `graceMs` (default 2,000). */
  close(graceMs?: number): Promise<void>;
}

/** @throws LaurelError LAUREL_TRANSPORT_FAILED where the address cannot be listened on. */
export async function createFlightServer(options: FlightServerOptions): Promise<FlightServer> {
  const { host = '127.0.0.1', messageBytesMax = MESSAGE_BYTES_MAX, tls } = options;
  const server = new Server({
    'grpc.max_receive_message_length': messageBytesMax,
    // Checked before sending, with a better error than the connection would give.
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': 256,
    // A peer that vanished without a word is noticed, and its calls are cancelled.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  server.addService(FLIGHT_SERVICE, implementation(options.producer, bearer(options.token), messageBytesMax));
  const port = await listen(server, host, options.port ?? 0, tls);
  const everywhere = host === '0.0.0.0' || host === '::';
  const advertisedHost = options.advertisedHost ?? (everywhere ? hostname() : host);
  return { port, location: formatLocation(advertisedHost, port, tls !== undefined), close: (graceMs = 2_000) => shutDown(server, graceMs) };
}

function implementation(producer: FlightProducer, authorise: ReturnType<typeof bearer>, messageBytesMax: number): UntypedServiceImplementation {
  const info = async (request: DescriptorMessage, context: CallContext): Promise<FlightInfoMessage> => {
    if (!producer.getFlightInfo) throw unimplemented('GetFlightInfo');
    return infoToMessage(await producer.getFlightInfo(descriptorFromMessage(request), context));
  };
  return {
    DoGet: serverStream(authorise, async (call: ServerWritableStream<{ ticket: Uint8Array }, FlightData>, context) => {
      const window = new SendWindow(serverSink(call), context.signal);
      const source = await producer.getStream(call.request.ticket, context);
      for await (const message of untilAborted(messagesOf(source), context.signal)) {
        checkSize(message, messageBytesMax);
        await window.send(message);
      }
    }),
    DoPut: bidiStream(authorise, async (call: ServerDuplexStream<FlightData, { app_metadata: Uint8Array }>, context) => {
      if (!producer.putStream) throw unimplemented('DoPut');
      // Left with `destroyOnReturn`, the iterator would destroy the call at the end of its input, and no status be sent.
      const input = call.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<FlightData>;
      const first = (await input.next()).value as FlightData | undefined;
      const descriptor = first?.descriptor;
      if (!first || !descriptor) throw new StatusError(Status.INVALID_ARGUMENT, 'expected a descriptor in the first message of DoPut, got none');
      const acknowledgement = await producer.putStream(descriptor, received(first, input), context);
      call.write({ app_metadata: acknowledgement });
    }),
    GetFlightInfo: unary(authorise, info),
    GetSchema: unary(authorise, async (request: DescriptorMessage, context) => ({ schema: (await info(request, context)).schema })),
    ListFlights: serverStream(authorise, async (call: ServerWritableStream<{ expression: Uint8Array }, FlightInfoMessage>, context) => {
      if (!producer.listFlights) throw unimplemented('ListFlights');
      for await (const one of untilAborted(producer.listFlights(call.request.expression, context), context.signal)) await written(call, infoToMessage(one), context);
    }),
    DoAction: serverStream(authorise, async (call: ServerWritableStream<{ type: string; body: Uint8Array }, { body: Uint8Array }>, context) => {
      if (!producer.doAction) throw unimplemented('DoAction');
      const { type, body } = call.request;
      for await (const result of untilAborted(producer.doAction(type, body, context), context.signal)) await written(call, { body: result }, context);
    }),
    ListActions: serverStream(authorise, async (call, context) => {
      for (const action of producer.listActions?.() ?? []) await written(call, action, context);
    }),
    Handshake: bidiStream(authorise, () => Promise.reject(unimplemented('Handshake; send authorization: Bearer in the metadata of each call'))),
    DoExchange: bidiStream(authorise, () => Promise.reject(unimplemented('DoExchange'))),
  };
}

/** The messages of a DoPut; ones without data (descriptor or metadata only) are left out. */
async function* received(first: FlightData, rest: AsyncIterable<FlightData>): AsyncGenerator<IpcMessage, void, undefined> {
  if (first.header.byteLength > 0) yield first;
  for await (const data of rest) if (data.header.byteLength > 0) yield data;
}

/** Small messages: one at a time, each taken by the connection before the next is made. */
async function written<T>(call: ServerWritableStream<unknown, T>, message: T, context: CallContext): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      context.signal.removeEventListener('abort', done);
      resolve();
    };
    context.signal.addEventListener('abort', done);
    call.write(message, done);
  });
}

function checkSize(message: IpcMessage, messageBytesMax: number): void {
  const bytes = message.header.byteLength + message.body.byteLength + 32;
  if (bytes > messageBytesMax) {
    throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected record batches of at most ${messageBytesMax} bytes, got one of ${bytes}; write it in smaller batches (batchRowsFor)`, { bytes, messageBytesMax });
  }
}

function unimplemented(method: string): StatusError {
  return new StatusError(Status.UNIMPLEMENTED, `this server does not offer ${method}`);
}

async function listen(server: Server, host: string, port: number, tls: ServerTls | undefined): Promise<number> {
  const credentials = tls
    ? ServerCredentials.createSsl(
        tls.clientAuthority ? Buffer.from(tls.clientAuthority) : null,
        [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }],
        tls.clientAuthority !== undefined,
      )
    : ServerCredentials.createInsecure();
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (!error) resolve(bound);
      else reject(new LaurelError('LAUREL_TRANSPORT_FAILED', `expected to listen on ${address}, got ${error.message}; choose another port, or 0 for any`, { address }, { cause: error }));
    });
  });
}

async function shutDown(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
