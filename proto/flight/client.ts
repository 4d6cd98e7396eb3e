/** An Arrow Flight client. Every call has a deadline and honours an AbortSignal. */
import { Client, credentials as Credentials, Metadata, type ChannelOptions, type ClientDuplexStream, type ClientReadableStream, type ClientUnaryCall, type MethodDefinition } from '@grpc/grpc-js';
import { tableToIPC, type Schema, type Table } from 'apache-arrow';
import { LaurelError } from '../errors.js';
import { descriptorToMessage, infoFromMessage, type ActionType, type FlightInfo } from './flight-info.js';
import { splitMessages, StreamJoiner, type IpcMessage } from './ipc-messages.js';
import { CLIENT_WINDOW_BYTES, MESSAGE_BYTES_MAX } from './limits.js';
import { parseLocation } from './location.js';
import { callSink } from './message-sink.js';
import { FLIGHT_METHODS } from './protocol.js';
import { SendWindow } from './send-window.js';
import { errorOf } from './status.js';
import { readSchema, readTable } from './tables.js';
import type { FlightData, FlightDescriptor } from './wire.js';

/** PEM. */
export interface ClientTls {
  /** Who signed the server's certificate; absent: the authorities that Node trusts. */
  readonly authority?: Uint8Array;
  /** For servers that ask clients for a certificate. */
  readonly certificate?: Uint8Array;
  readonly key?: Uint8Array;
  /** Name that the server's certificate must have, where it is not the host of the location. */
  readonly serverName?: string;
}

export interface FlightClientOptions {
  /** From the start of a call to its end, where the call itself does not say. Default 60,000. */
  readonly deadlineMs?: number;
  /** Sent with every call as `authorization: Bearer <token>`. */
  readonly token?: string;
  /** Used for `grpc+tls` locations. */
  readonly tls?: ClientTls;
  /** Default 64 MiB. */
  readonly messageBytesMax?: number;
  /** HTTP/2 window of stream and connection. Default 16 MiB. */
  readonly windowBytes?: number;
}

export interface CallOptions {
  /** Its reason is thrown when it aborts the call. */
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
}

type AnyCall = Pick<ClientReadableStream<unknown>, 'cancel'>;
const EMPTY: Uint8Array = new Uint8Array(0);

/** All methods throw a LaurelError with the code that the server sent, or LAUREL_TRANSPORT_FAILED. */
export class FlightClient {
  private readonly client: Client;
  private readonly metadata = new Metadata();
  private readonly deadlineMs: number;
  /** Calls in progress. */
  calls = 0;

  constructor(
    readonly location: string,
    options: FlightClientOptions = {},
  ) {
    const { address, tls } = parseLocation(location);
    this.deadlineMs = options.deadlineMs ?? 60_000;
    if (options.token !== undefined) this.metadata.set('authorization', `Bearer ${options.token}`);
    const pem = (bytes: Uint8Array | undefined): Buffer | null => (bytes ? Buffer.from(bytes) : null);
    const channel = tls ? Credentials.createSsl(pem(options.tls?.authority), pem(options.tls?.key), pem(options.tls?.certificate)) : Credentials.createInsecure();
    this.client = new Client(address, channel, channelOptions(options));
  }

  /**
   * The bytes of the Arrow IPC stream behind a ticket, exactly as the server has them.
   * @param options.bytesMax refuse more than this (default 2 GiB - 1).
   */
  async getStream(ticket: Uint8Array, options: CallOptions & { readonly bytesMax?: number } = {}): Promise<Uint8Array> {
    const bytesMax = options.bytesMax ?? 2 ** 31 - 1;
    const joiner = new StreamJoiner();
    for await (const message of this.messages(ticket, options)) {
      joiner.push(message);
      if (joiner.bytes > bytesMax) throw new LaurelError('LAUREL_TRANSPORT_FAILED', `expected at most ${bytesMax} bytes from ${this.location}, got more; check the ticket`, { bytesMax });
    }
    return joiner.finish();
  }

  /** The stream behind a ticket, message by message: for readers that must not hold all of it. Stop early to cancel the call. */
  async *messages(ticket: Uint8Array, options: CallOptions = {}): AsyncGenerator<IpcMessage, void, undefined> {
    const { path, requestSerialize, responseDeserialize } = FLIGHT_METHODS.DoGet;
    const start = () => this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { ticket }, this.metadata, this.deadline(options));
    for await (const data of this.stream('DoGet', start, options)) {
      if (data.header.byteLength > 0) yield { header: data.header, body: data.body };
    }
  }

  async getTable(ticket: Uint8Array, options: CallOptions = {}): Promise<Table> {
    return readTable(await this.getStream(ticket, options));
  }

  /** Sends the bytes of one IPC stream. Returns the last acknowledgement of the server (empty where it gave none). */
  async putStream(descriptor: FlightDescriptor, bytes: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const messages = splitMessages(bytes);
    const { path, requestSerialize, responseDeserialize } = FLIGHT_METHODS.DoPut;
    let acknowledgement = EMPTY;
    await this.call('DoPut', options, (settle) => {
      const call = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.metadata, this.deadline(options));
      const gone = new AbortController();
      call.on('data', (result: { app_metadata: Uint8Array }) => (acknowledgement = result.app_metadata));
      call.on('end', () => settle.resolve());
      call.on('error', (error) => settle.reject(error));
      call.on('close', () => gone.abort());
      // A server that has its answer early ends the call; what was not sent then is not missed.
      sendAll(call, descriptor, messages, gone.signal).catch((error: unknown) => (gone.signal.aborted ? undefined : settle.reject(error)));
      return call;
    });
    return acknowledgement;
  }

  async putTable(descriptor: FlightDescriptor, table: Table, options: CallOptions = {}): Promise<Uint8Array> {
    return this.putStream(descriptor, tableToIPC(table, 'stream'), options);
  }

  async getFlightInfo(descriptor: FlightDescriptor, options: CallOptions = {}): Promise<FlightInfo> {
    return infoFromMessage(await this.unary('GetFlightInfo', FLIGHT_METHODS.GetFlightInfo, descriptorToMessage(descriptor), options));
  }

  async getSchema(descriptor: FlightDescriptor, options: CallOptions = {}): Promise<Schema> {
    return readSchema((await this.unary('GetSchema', FLIGHT_METHODS.GetSchema, descriptorToMessage(descriptor), options)).schema);
  }

  async listFlights(criteria: Uint8Array = EMPTY, options: CallOptions = {}): Promise<FlightInfo[]> {
    return (await this.collect('ListFlights', FLIGHT_METHODS.ListFlights, { expression: criteria }, options)).map(infoFromMessage);
  }

  async doAction(type: string, body: Uint8Array = EMPTY, options: CallOptions = {}): Promise<Uint8Array[]> {
    return (await this.collect(`DoAction ${type}`, FLIGHT_METHODS.DoAction, { type, body }, options)).map((result) => result.body);
  }

  async listActions(options: CallOptions = {}): Promise<ActionType[]> {
    return this.collect('ListActions', FLIGHT_METHODS.ListActions, {}, options);
  }

  /** Ends the connection; calls in progress fail. */
  close(): void {
    this.client.close();
  }

  private deadline(options: CallOptions): { deadline: number } {
    return { deadline: Date.now() + (options.deadlineMs ?? this.deadlineMs) };
  }

  private async unary<Request, Response>(name: string, method: MethodDefinition<Request, Response>, request: Request, options: CallOptions): Promise<Response> {
    let response: Response | undefined;
    await this.call(name, options, (settle): ClientUnaryCall =>
      this.client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, this.metadata, this.deadline(options), (error, value) => {
        response = value;
        if (error) settle.reject(error);
        else settle.resolve();
      }),
    );
    return response as Response;
  }

  private async collect<Request, Response>(name: string, method: MethodDefinition<Request, Response>, request: Request, options: CallOptions): Promise<Response[]> {
    const start = () => this.client.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, request, this.metadata, this.deadline(options));
    const responses: Response[] = [];
    for await (const response of this.stream(name, start, options)) responses.push(response);
    return responses;
  }

  private async *stream<Response>(name: string, start: () => ClientReadableStream<Response>, { signal }: CallOptions): AsyncGenerator<Response, void, undefined> {
    signal?.throwIfAborted();
    let cancel = (): void => undefined;
    this.calls += 1;
    try {
      const call = start();
      cancel = () => call.cancel();
      // A status that comes after the reader left is an error event, and would have no listener.
      call.on('error', () => undefined);
      signal?.addEventListener('abort', cancel, { once: true });
      for await (const response of call) yield response as Response;
    } catch (error) {
      signal?.throwIfAborted();
      throw errorOf(error, `${name} at ${this.location}`);
    } finally {
      this.calls -= 1;
      signal?.removeEventListener('abort', cancel);
      // Also where the reader stops early: it does not want the rest. After the end this does nothing.
      cancel();
    }
  }

  private async call(name: string, { signal }: CallOptions, start: (settle: { resolve: () => void; reject: (error: unknown) => void }) => AnyCall): Promise<void> {
    signal?.throwIfAborted();
    let cancel = (): void => undefined;
    this.calls += 1;
    try {
      await new Promise<void>((resolve, reject) => {
        const call = start({ resolve, reject });
        cancel = () => call.cancel();
        signal?.addEventListener('abort', cancel, { once: true });
      });
    } catch (error) {
      // Where the fault is ours (not a status), the call still runs.
      cancel();
      signal?.throwIfAborted();
      throw errorOf(error, `${name} at ${this.location}`);
    } finally {
      this.calls -= 1;
      signal?.removeEventListener('abort', cancel);
    }
  }
}

async function sendAll(call: ClientDuplexStream<FlightData, unknown>, descriptor: FlightDescriptor, messages: readonly IpcMessage[], signal: AbortSignal): Promise<void> {
  const window = new SendWindow(callSink(call), signal);
  for (const [index, message] of messages.entries()) await window.send(index === 0 ? { descriptor, ...message } : message);
  call.end();
}

function channelOptions(options: FlightClientOptions): ChannelOptions {
  return {
    'grpc.max_receive_message_length': options.messageBytesMax ?? MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': options.messageBytesMax ?? MESSAGE_BYTES_MAX,
    'grpc-node.flow_control_window': options.windowBytes ?? CLIENT_WINDOW_BYTES,
    // A worker that comes back is found again soon; gRPC's own back-off goes up to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Connections go with their client, and are not shared behind its back.
    'grpc.use_local_subchannel_pool': 1,
    // Peers are workers of one cluster: a proxy that http_proxy names is for the outside.
    'grpc.enable_http_proxy': 0,
    'grpc.service_config_disable_resolution': 1,
    // Retries are the caller's; gRPC would buffer messages for its own.
    'grpc.enable_retries': 0,
    ...(options.tls?.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': options.tls.serverName, 'grpc.default_authority': options.tls.serverName }),
  };
}
