/** Offers the tables of the store over Flight: the worker that made an artefact serves it to whoever learns from it. */
import { RecordBatchStreamWriter, tableFromIPC, type Table } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { pathDescriptor, type FlightInfo } from '../../proto/flight/flight-info.js';
import { schemaBytes, splitStreams } from '../../proto/flight/ipc-messages.js';
import type { FlightProducer } from '../../proto/flight/server.js';
import { digestOf } from '../store/artifacts.js';
import type { ObjectStore } from '../store/object-store.js';
import { parseTicket, type ArtifactTicket } from './ticket.js';

/** Tables listed in one call; a narrower criterion (a key prefix) lists the rest. */
const LISTED_MAX = 1_000;

export function createArtifactProducer(store: ObjectStore): FlightProducer {
  const load = async (key: string): Promise<Uint8Array> => {
    const bytes = await store.get(key);
    if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing`, { key });
    return bytes;
  };
  const info = async (key: string): Promise<FlightInfo> => {
    const bytes = await load(key);
    const streams = splitStreams(bytes);
    return {
      descriptor: pathDescriptor(key),
      schema: schemaBytes(streams[0] ?? bytes),
      endpoints: [{ ticket: Buffer.from(key), locations: [] }],
      records: tableFromIPC(streams[0] ?? bytes).numRows,
      bytes: bytes.byteLength,
    };
  };
  return {
    async getStream(ticket) {
      const asked = parseTicket(ticket);
      const parts: Uint8Array[] = [];
      for (const [index, key] of asked.keys.entries()) {
        const bytes = await load(key);
        const digest = asked.digests?.[index];
        if (digest !== undefined && digestOf(bytes) !== digest) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${key} to have ${digest}, it has another digest here`, { key });
        parts.push(chosen(key, bytes, asked));
      }
      const [only] = parts;
      return parts.length === 1 && only ? only : Buffer.concat(parts);
    },
    async getFlightInfo(descriptor) {
      if (descriptor.kind !== 'path') throw new LaurelError('LAUREL_KEY_INVALID', 'expected a path descriptor with the key of a table');
      return info(keyOf(Buffer.from(descriptor.path.join('/'))));
    },
    async *listFlights(criteria) {
      const prefix = Buffer.from(criteria).toString('utf8') || 'runs/';
      const tables = (await store.list(prefix)).filter(({ key }) => key.endsWith('.arrow')).slice(0, LISTED_MAX);
      for (const { key } of tables) yield await info(key);
    },
    async *doAction(type, body) {
      if (type !== 'stat') throw new LaurelError('LAUREL_KEY_INVALID', `expected the action stat, got ${type}`);
      const key = keyOf(body);
      yield Buffer.from(JSON.stringify({ key, bytes: (await load(key)).byteLength }));
    },
    listActions: () => [{ type: 'stat', description: 'body: a key; answers its size in bytes as JSON' }],
  };
}

/** The key of a ticket that names one. */
function keyOf(ticket: Uint8Array): string {
  return parseTicket(ticket).keys[0] as string;
}

function chosen(key: string, bytes: Uint8Array, { whole, stream, columns }: ArtifactTicket): Uint8Array {
  if (whole) return bytes;
  const streams = splitStreams(bytes);
  const one = streams[stream];
  if (!one) throw new LaurelError('LAUREL_STORE_MISSING', `expected stream ${stream} in ${key}, which has ${streams.length}`, { key });
  return columns === undefined ? one : projected(one, columns);
}

function projected(stream: Uint8Array, columns: readonly string[]): Uint8Array {
  const table = tableFromIPC(stream);
  return RecordBatchStreamWriter.writeAll(selectColumns(table, columns)).toUint8Array(true);
}

/** The table with these columns only, in this order; metadata stays. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function selectColumns(table: Table, columns: readonly string[]): Table {
  const names = table.schema.fields.map((field) => field.name);
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected the columns ${missing.join(', ')}, got ${names.join(', ')}`, { missing });
  return table.select([...columns]);
}
