/** One side of the Flight benchmark, in a process of its own: `server <file>`, or `client <location>` told by stdin what to do. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { FlightClient } from '../proto/flight/client.js';
import { pathDescriptor } from '../proto/flight/flight-info.js';
import { StreamJoiner } from '../proto/flight/ipc-messages.js';
import { createFlightServer } from '../proto/flight/server.js';
import { primitive, readTable, tableBytes } from '../proto/flight/tables.js';

const [, , role, argument = ''] = process.argv;

async function serve(file: string): Promise<void> {
  const streams: Record<string, Uint8Array> = { large: await readFile(file), small: tableBytes([primitive('value', Int32Array.of(1, 2, 3))]) };
  const server = await createFlightServer({
    producer: {
      getStream: async (ticket) => streams[Buffer.from(ticket).toString()]!,
      async putStream(_descriptor, messages) {
        const joiner = new StreamJoiner();
        for await (const message of messages) joiner.push(message);
        return Buffer.from(String(readTable(joiner.finish()).numRows));
      },
    },
  });
  console.log(server.location);
  process.stdin.resume().on('end', () => void server.close(0));
}

async function measure(location: string): Promise<void> {
  const client = new FlightClient(location);
  const large = Buffer.from('large');
  const bytes = await client.getStream(large);
  const table = readTable(bytes);
  const work: Record<string, () => Promise<number>> = {
    get: async () => (await client.getTable(large)).numRows,
    put: async () => Number(Buffer.from(await client.putTable(pathDescriptor('x'), table)).toString()),
    small: async () => (await client.getTable(Buffer.from('small'))).numRows,
  };
  console.log('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = '', times = '1'] = line.split(' ');
    const start = performance.now();
    let rows = 0;
    for (let i = 0; i < Number(times); i += 1) rows = await work[name]!();
    console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, rows }));
  }
  client.close();
}

await (role === 'server' ? serve(argument) : measure(argument));
