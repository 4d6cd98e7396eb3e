/**
 * The Flight service as data. flight.proto beside this file says the same for readers (a test compares them); the
 * program needs no .proto file at run time, so the compiled output works wherever it is copied.
 */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON, type ServiceDefinition as LoadedService } from '@grpc/proto-loader';
import { decodeFlightData, encodeFlightData, type FlightData } from './wire.js';

/** Field name -> [type, number] or [type, number, 'repeated']. */
type Fields = Readonly<Record<string, readonly [type: string, id: number, rule?: 'repeated']>>;

function message(fields: Fields) {
  return { fields: Object.fromEntries(Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule ? { rule } : {}) }])) };
}

function method(requestType: string, responseType: string, streams: { request?: true; response?: true }) {
  return {
    requestType,
    responseType,
    ...(streams.request ? { requestStream: true } : {}),
    ...(streams.response ? { responseStream: true } : {}),
  };
}

/** The definition in protobufjs's JSON form. */
export const FLIGHT_JSON = {
  nested: {
    google: { nested: { protobuf: { nested: { Timestamp: message({ seconds: ['int64', 1], nanos: ['int32', 2] }) } } } },
    arrow: {
      nested: {
        flight: {
          nested: {
            protocol: {
              nested: {
                FlightService: {
                  methods: {
                    Handshake: method('HandshakeRequest', 'HandshakeResponse', { request: true, response: true }),
                    ListFlights: method('Criteria', 'FlightInfo', { response: true }),
                    GetFlightInfo: method('FlightDescriptor', 'FlightInfo', {}),
                    GetSchema: method('FlightDescriptor', 'SchemaResult', {}),
                    DoGet: method('Ticket', 'FlightData', { response: true }),
                    DoPut: method('FlightData', 'PutResult', { request: true, response: true }),
                    DoExchange: method('FlightData', 'FlightData', { request: true, response: true }),
                    DoAction: method('Action', 'Result', { response: true }),
                    ListActions: method('Empty', 'ActionType', { response: true }),
                  },
                },
                HandshakeRequest: message({ protocol_version: ['uint64', 1], payload: ['bytes', 2] }),
                HandshakeResponse: message({ protocol_version: ['uint64', 1], payload: ['bytes', 2] }),
                Empty: message({}),
                ActionType: message({ type: ['string', 1], description: ['string', 2] }),
                Criteria: message({ expression: ['bytes', 1] }),
                Action: message({ type: ['string', 1], body: ['bytes', 2] }),
                Result: message({ body: ['bytes', 1] }),
                SchemaResult: message({ schema: ['bytes', 1] }),
                FlightDescriptor: {
                  ...message({ type: ['DescriptorType', 1], cmd: ['bytes', 2], path: ['string', 3, 'repeated'] }),
                  nested: { DescriptorType: { values: { UNKNOWN: 0, PATH: 1, CMD: 2 } } },
                },
                FlightInfo: message({
                  schema: ['bytes', 1],
                  flight_descriptor: ['FlightDescriptor', 2],
                  endpoint: ['FlightEndpoint', 3, 'repeated'],
                  total_records: ['int64', 4],
                  total_bytes: ['int64', 5],
                  ordered: ['bool', 6],
                  app_metadata: ['bytes', 7],
                }),
                FlightEndpoint: message({
                  ticket: ['Ticket', 1],
                  location: ['Location', 2, 'repeated'],
                  expiration_time: ['google.protobuf.Timestamp', 3],
                  app_metadata: ['bytes', 4],
                }),
                Location: message({ uri: ['string', 1] }),
                Ticket: message({ ticket: ['bytes', 1] }),
                FlightData: message({ flight_descriptor: ['FlightDescriptor', 1], data_header: ['bytes', 2], app_metadata: ['bytes', 3], data_body: ['bytes', 1000] }),
                PutResult: message({ app_metadata: ['bytes', 1] }),
              },
            },
          },
        },
      },
    },
  },
};

/** Messages as they stand on the wire, with proto3 defaults filled in. */
export interface DescriptorMessage {
  readonly type: 'UNKNOWN' | 'PATH' | 'CMD';
  readonly cmd: Uint8Array;
  readonly path: readonly string[];
}
export interface FlightInfoMessage {
  readonly schema: Uint8Array;
  readonly flight_descriptor: DescriptorMessage | null;
  readonly endpoint: readonly { readonly ticket: { readonly ticket: Uint8Array } | null; readonly location: readonly { readonly uri: string }[] }[];
  readonly total_records: number;
  readonly total_bytes: number;
  readonly ordered: boolean;
  readonly app_metadata: Uint8Array;
}
export interface ActionTypeMessage {
  readonly type: string;
  readonly description: string;
}

const loaded = fromJSON(FLIGHT_JSON as Parameters<typeof fromJSON>[0], { keepCase: true, longs: Number, enums: String, defaults: true, arrays: true });
const service = loaded['arrow.flight.protocol.FlightService'] as LoadedService;

/** protobufjs would copy `data_body`; these methods use the codec of wire.ts, which keeps views. */
const REQUEST_IS_DATA = new Set(['DoPut', 'DoExchange']);
const RESPONSE_IS_DATA = new Set(['DoGet', 'DoExchange']);

const methods = Object.fromEntries(
  Object.entries(service).map(([name, definition]) => [
    name,
    {
      ...definition,
      ...(REQUEST_IS_DATA.has(name) ? { requestSerialize: encodeFlightData, requestDeserialize: decodeFlightData } : {}),
      ...(RESPONSE_IS_DATA.has(name) ? { responseSerialize: encodeFlightData, responseDeserialize: decodeFlightData } : {}),
    },
  ]),
);

/** For `grpc.Server.addService`. */
export const FLIGHT_SERVICE = methods as unknown as ServiceDefinition;

interface Bytes {
  readonly body: Uint8Array;
}
interface Method<Request, Response> extends MethodDefinition<Request, Response> {
  readonly path: string;
}

/** For calls of a client: path and codecs of each method, typed. */
export const FLIGHT_METHODS = methods as unknown as {
  readonly ListFlights: Method<{ readonly expression: Uint8Array }, FlightInfoMessage>;
  readonly GetFlightInfo: Method<DescriptorMessage, FlightInfoMessage>;
  readonly GetSchema: Method<DescriptorMessage, { readonly schema: Uint8Array }>;
  readonly DoGet: Method<{ readonly ticket: Uint8Array }, FlightData>;
  readonly DoPut: Method<FlightData, { readonly app_metadata: Uint8Array }>;
  readonly DoAction: Method<Bytes & { readonly type: string }, Bytes>;
  readonly ListActions: Method<Record<string, never>, ActionTypeMessage>;
};
