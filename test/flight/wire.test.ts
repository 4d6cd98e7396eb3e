import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { FLIGHT_JSON } from '../../proto/flight/protocol.js';
import { decodeFlightData, encodeFlightData, type FlightData } from '../../proto/flight/wire.js';

const generated = protobuf.Root.fromJSON(FLIGHT_JSON as protobuf.INamespace).lookupType('arrow.flight.protocol.FlightData');
const bytes = fc.uint8Array({ maxLength: 300 });
const descriptor = fc.option(
  fc.oneof(
    fc.record({ kind: fc.constant('path' as const), path: fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 4 }) }),
    fc.record({ kind: fc.constant('command' as const), command: bytes }),
  ),
  { nil: undefined },
);
const flightData = fc.record({ descriptor, header: bytes, body: bytes, appMetadata: fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined }) });

const plain = (data: FlightData) => ({
  descriptor: data.descriptor?.kind === 'command' ? { ...data.descriptor, command: [...data.descriptor.command] } : data.descriptor,
  header: [...data.header],
  body: [...data.body],
  appMetadata: data.appMetadata && [...data.appMetadata],
});

describe('the FlightData codec', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(flightData, (data) => {
        expect(plain(decodeFlightData(encodeFlightData(data)))).toEqual(plain(data));
      }),
    );
  });

  it('writes what a generated codec reads', () => {
    fc.assert(
      fc.property(flightData, (data) => {
        const read = generated.toObject(generated.decode(encodeFlightData(data)), { defaults: true, arrays: true }) as Record<string, Uint8Array>;
        expect([...read['data_header']!]).toEqual([...data.header]);
        expect([...read['data_body']!]).toEqual([...data.body]);
        expect([...read['app_metadata']!]).toEqual([...(data.appMetadata ?? [])]);
      }),
    );
  });

  it('reads what a generated codec writes, with unknown fields between', () => {
    const data = { flight_descriptor: { type: 1, path: ['runs', 'a b', 'ü'] }, data_header: Uint8Array.of(1, 2, 3), data_body: new Uint8Array(200).fill(7) };
    const unknown = Buffer.from([...[0x28, 0x96, 0x01], ...[0x31, 1, 2, 3, 4, 5, 6, 7, 8], ...[0x3d, 1, 2, 3, 4], ...[0x42, 2, 9, 9]]);
    const read = decodeFlightData(Buffer.concat([unknown, generated.encode(data).finish(), unknown]));
    expect(plain(read)).toEqual({ descriptor: { kind: 'path', path: ['runs', 'a b', 'ü'] }, header: [1, 2, 3], body: Array<number>(200).fill(7), appMetadata: undefined });
  });

  it('gives views of the received bytes, not copies', () => {
    const message = encodeFlightData({ header: Uint8Array.of(1), body: new Uint8Array(64) });
    expect(decodeFlightData(message).body.buffer).toBe(message.buffer);
  });

  it('refuses bytes that end inside a field', () => {
    const message = encodeFlightData({ header: Uint8Array.of(1, 2, 3), body: new Uint8Array(20) });
    expect(() => decodeFlightData(message.subarray(0, message.byteLength - 1))).toThrow('end inside a field');
    expect(() => decodeFlightData(Uint8Array.of(0x12))).toThrow('end inside a field');
    expect(() => decodeFlightData(Uint8Array.of(0x13))).toThrow('wire type 3');
  });
});

describe('flight.proto', () => {
  it('says the same as the definition that the program uses', () => {
    const text = readFileSync(fileURLToPath(new URL('../../proto/flight/flight.proto', import.meta.url)), 'utf8');
    const written = protobuf.parse(text, { keepCase: true }).root.lookup('arrow.flight.protocol')!;
    const used = protobuf.Root.fromJSON(FLIGHT_JSON as protobuf.INamespace).lookup('arrow.flight.protocol')!;
    expect(JSON.parse(JSON.stringify(written))).toEqual(JSON.parse(JSON.stringify(used)));
    expect(Object.keys((used as protobuf.Namespace).nested ?? {})).toContain('FlightService');
  });
});
