/** What the Flight tests share: a producer with a few tables, and waiting for what comes true. */
import { LaurelError } from '../../proto/errors.js';
import { pathDescriptor, type FlightInfo } from '../../proto/flight/flight-info.js';
import { StreamJoiner, schemaBytes } from '../../proto/flight/ipc-messages.js';
import { fixedSizeList, primitive, tableBytes, utf8 } from '../../proto/flight/tables.js';
import type { FlightProducer } from '../../proto/flight/server.js';

export const text = (value: string): Uint8Array => Buffer.from(value);
export const fromText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

export function sampleTable(rows: number, width = 8): Uint8Array {
  return tableBytes(
    [
      primitive('action', Int32Array.from({ length: rows }, (_, row) => row * 7)),
      fixedSizeList('observation', Uint8Array.from({ length: rows * width }, (_, i) => i * 31), width),
      utf8('text', Array.from({ length: rows }, (_, row) => (row % 5 === 0 ? '' : `You see here ${row} gold pieces – ${'☃'.repeat(row % 3)}`))),
    ],
    { metadata: new Map([['laurel.kind', 'test']]) },
  );
}

/** One record batch of about this many bytes. */
export function bigBatch(bytes: number): Uint8Array {
  return tableBytes([primitive('value', Uint8Array.from({ length: bytes }, (_, i) => i * 13))], { batchRows: bytes });
}

/** Serves `tables` by name and keeps what is put. */
export function tableProducer(tables: Map<string, Uint8Array>): FlightProducer {
  const find = (name: string): Uint8Array => {
    const bytes = tables.get(name);
    if (!bytes) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${name} in the store, found nothing`, { name });
    return bytes;
  };
  const info = (name: string): FlightInfo => ({
    descriptor: pathDescriptor(name),
    schema: schemaBytes(find(name)),
    endpoints: [{ ticket: text(name), locations: ['grpc+tcp://127.0.0.1:1', 'grpc+tcp://127.0.0.1:2'] }],
    records: -1,
    bytes: find(name).byteLength,
  });
  return {
    async getStream(ticket) {
      return find(fromText(ticket));
    },
    async putStream(descriptor, messages) {
      const joiner = new StreamJoiner();
      for await (const message of messages) joiner.push(message);
      tables.set(descriptor.kind === 'path' ? descriptor.path.join('/') : `command ${fromText(descriptor.command)}`, joiner.finish());
      return text(`took ${joiner.bytes}`);
    },
    async getFlightInfo(descriptor) {
      return info(descriptor.kind === 'path' ? descriptor.path.join('/') : fromText(descriptor.command));
    },
    *listFlights(criteria) {
      for (const name of tables.keys()) if (name.startsWith(fromText(criteria))) yield info(name);
    },
    async *doAction(type, body) {
      if (type !== 'echo') throw new LaurelError('LAUREL_KEY_INVALID', `expected the action echo, got ${type}`);
      yield body;
      yield text('done');
    },
    listActions: () => [{ type: 'echo', description: 'answers its body' }],
  };
}

/** Waits until a condition holds; the test's own time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Waits until a number has not changed for 500 ms, and gives it. */
export async function settled(read: () => number): Promise<number> {
  for (let last = Number.NaN; ; ) {
    const now = read();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Resources of one test, closed in reverse order. */
export class Closing {
  private readonly closers: (() => void | Promise<void>)[] = [];

  add<T extends { close(): void | Promise<void> }>(resource: T): T {
    this.closers.push(() => resource.close());
    return resource;
  }

  async closeAll(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
  }
}
