/**
 * Arrow Flight of ours against pyarrow.flight: the same batches, a server and a client process each, taking turns in one
 * run, so that a busy machine is busy for both. The ratio is the median over the rounds.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixedSizeList, primitive, tableBytes, utf8 } from '../proto/flight/tables.js';
import { projectRoot } from '../infra/folders.js';
import { ensurePython } from '../test/reference/ensure-python.js';
import { median, startPeer, type Peer } from './peer.js';

export interface FlightRow {
  readonly what: string;
  readonly unit: 'MB/s' | 'calls/s';
  /** Median over the rounds. */
  readonly ours: number;
  readonly reference: number;
  /** Median over the rounds of ours / reference; above 1 we are faster. */
  readonly ratio: number;
}

const ROUNDS = 9;
const ROWS = 20_000;
const OBSERVATION_BYTES = 1_920;
const SMALL_CALLS = 200;

/** Takes about 20 seconds, and downloads pyarrow the first time. */
export async function benchFlight(): Promise<FlightRow[]> {
  const python = await ensurePython('pyarrow');
  const root = projectRoot();
  const folder = await mkdtemp(join(tmpdir(), 'laurel-bench-'));
  const running: Peer[] = [];
  try {
    const bytes = batches();
    const file = join(folder, 'batches.arrow');
    await writeFile(file, bytes);
    const start = async (...command: string[]): Promise<Peer> => {
      const peer = await startPeer(command);
      running.push(peer);
      return peer;
    };
    // Compiled: Node does not run TypeScript. The Python script is not compiled and stays where it is.
    const ours = [process.execPath, join(root, 'dist', 'bench', 'flight-peer.js')];
    const reference = [python, join(root, 'bench', 'flight_reference.py')];
    const ourClient = await start(...ours, 'client', (await start(...ours, 'server', file)).greeting);
    const referenceClient = await start(...reference, 'client', (await start(...reference, 'server', file)).greeting);
    const megabytes = bytes.byteLength / 1e6;
    const size = `${Math.round(megabytes)} MB`;
    return [
      await compare(`DoGet of ${size}`, 'MB/s', megabytes, 'get 1', ROWS, ourClient, referenceClient),
      await compare(`DoPut of ${size}`, 'MB/s', megabytes, 'put 1', ROWS, ourClient, referenceClient),
      await compare('DoGet of 3 rows', 'calls/s', SMALL_CALLS, `small ${SMALL_CALLS}`, 3, ourClient, referenceClient),
    ];
  } finally {
    await Promise.all(running.map((peer) => peer.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a segment is like: an observation of 1,920 bytes, a few numbers and a message for each row. */
function batches(): Uint8Array {
  return tableBytes([
    fixedSizeList('observation', Uint8Array.from({ length: ROWS * OBSERVATION_BYTES }, (_, i) => i * 7), OBSERVATION_BYTES),
    primitive('action', Int32Array.from({ length: ROWS }, (_, row) => row % 28)),
    primitive('value', Float32Array.from({ length: ROWS }, (_, row) => row / 7)),
    utf8('text', Array.from({ length: ROWS }, (_, row) => `You see here ${row} gold pieces.`)),
  ]);
}

async function compare(what: string, unit: FlightRow['unit'], amount: number, command: string, rows: number, ours: Peer, reference: Peer): Promise<FlightRow> {
  const rates: { ours: number; reference: number }[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const turn = { ours: amount / (await ours.time(command, rows)), reference: amount / (await reference.time(command, rows)) };
    // The first round warms both up.
    if (round >= 0) rates.push(turn);
  }
  return {
    what,
    unit,
    ours: median(rates.map((rate) => rate.ours)),
    reference: median(rates.map((rate) => rate.reference)),
    ratio: median(rates.map((rate) => rate.ours / rate.reference)),
  };
}
