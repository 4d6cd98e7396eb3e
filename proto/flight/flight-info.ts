/** What is told about a data set, and its form on the wire. */
import type { DescriptorMessage, FlightInfoMessage } from './protocol.js';
import type { FlightDescriptor } from './wire.js';

export interface FlightEndpoint {
  /** Opaque to all but the server that gave it. */
  readonly ticket: Uint8Array;
  /** Servers that honour it (`grpc+tcp://host:port`); empty: the one that gave it. */
  readonly locations: readonly string[];
}

export interface FlightInfo {
  readonly descriptor: FlightDescriptor;
  /** Encapsulated schema message, see `schemaBytes` in ipc-messages.ts. */
  readonly schema: Uint8Array;
  /** In the order of the data. */
  readonly endpoints: readonly FlightEndpoint[];
  /** Rows; -1: unknown. */
  readonly records: number;
  /** Bytes; -1: unknown. */
  readonly bytes: number;
  readonly appMetadata?: Uint8Array;
}

export interface ActionType {
  readonly type: string;
  readonly description: string;
}

const EMPTY = new Uint8Array(0);

export function pathDescriptor(...path: string[]): FlightDescriptor {
  return { kind: 'path', path };
}

export function descriptorToMessage(descriptor: FlightDescriptor): DescriptorMessage {
  return descriptor.kind === 'path' ? { type: 'PATH', cmd: EMPTY, path: descriptor.path } : { type: 'CMD', cmd: descriptor.command, path: [] };
}

export function descriptorFromMessage(message: DescriptorMessage | null): FlightDescriptor {
  if (message?.type === 'CMD') return { kind: 'command', command: message.cmd };
  return { kind: 'path', path: message?.path ?? [] };
}

export function infoToMessage(info: FlightInfo): FlightInfoMessage {
  return {
    schema: info.schema,
    flight_descriptor: descriptorToMessage(info.descriptor),
    endpoint: info.endpoints.map(({ ticket, locations }) => ({ ticket: { ticket }, location: locations.map((uri) => ({ uri })) })),
    total_records: info.records,
    total_bytes: info.bytes,
    ordered: true,
    app_metadata: info.appMetadata ?? EMPTY,
  };
}

export function infoFromMessage(message: FlightInfoMessage): FlightInfo {
  return {
    descriptor: descriptorFromMessage(message.flight_descriptor),
    schema: message.schema,
    endpoints: message.endpoint.map(({ ticket, location }) => ({ ticket: ticket?.ticket ?? EMPTY, locations: location.map(({ uri }) => uri) })),
    records: message.total_records,
    bytes: message.total_bytes,
    appMetadata: message.app_metadata,
  };
}
