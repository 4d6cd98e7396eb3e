import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FlightClientPool } from '../../../proto/flight/client-pool.js';
import { createFlightServer, type FlightServer } from '../../../proto/flight/server.js';
import { columnArray, primitive, readTables, tableBytes } from '../../../proto/flight/tables.js';
import type { ArtifactRef } from '../../../proto/references.js';
import { writeArtifact } from '../../../workers/store/artifacts.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { createArtifactProducer } from '../../../workers/transport/artifact-producer.js';
import { PeerReader } from '../../../workers/transport/peer-reader.js';

const KEY = 'runs/a/segments/0000000000/0000000000.arrow';
let folders: string[];
let near: LocalStore;
let far: LocalStore;
let server: FlightServer;
let clients: FlightClientPool;
let ref: ArtifactRef;
let failures: string[];

/** `far` is the store of the peer; `near` is what the reader sees: apart here, so that it shows where bytes came from. */
beforeEach(async () => {
  folders = await Promise.all(['near', 'far'].map((name) => mkdtemp(join(tmpdir(), `laurel-${name}-`))));
  [near, far] = folders.map((folder) => new LocalStore(folder)) as [LocalStore, LocalStore];
  server = await createFlightServer({ producer: createArtifactProducer(far) });
  clients = new FlightClientPool({ deadlineMs: 5_000 });
  failures = [];
  const first = tableBytes([primitive('step', Int32Array.of(1, 2, 3)), primitive('value', Float32Array.of(0.5, 1.5, 2.5))]);
  const second = tableBytes([primitive('end', Int32Array.of(9))]);
  ref = await writeArtifact(far, KEY, Buffer.concat([first, second]), { rows: 3, schemaVersion: 1, endpoints: [server.location] });
});
afterEach(async () => {
  clients.close();
  await server.close(0);
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
});

const reader = (ownLocation?: string): PeerReader => new PeerReader({ store: near, clients, ownLocation, onPeerFailure: (location) => failures.push(location) });

/** Streams that the server is asked for from now on. */
function countCalls(): () => number {
  const client = clients.get(server.location);
  const asked = vi.spyOn(client, 'getStream');
  return () => asked.mock.calls.length;
}

describe('PeerReader', () => {
  it('gets all bytes of a file of two streams from the peer, the same to the last', async () => {
    const bytes = await reader().read(ref);
    expect(Buffer.compare(bytes, (await far.get(KEY))!)).toBe(0);
    expect(readTables(bytes)).toHaveLength(2);
  });

  it('moves only the columns it is asked for', async () => {
    const table = await reader().columns(ref, ['value']);
    expect(table.schema.fields.map((field) => field.name)).toEqual(['value']);
    expect([...columnArray(table, 'value', Float32Array)]).toEqual([0.5, 1.5, 2.5]);
  });

  it('asks for all that is wanted at one moment in one call, and gives each what it asked for', async () => {
    const refs = [ref];
    for (const seq of [1, 2]) {
      const body = tableBytes([primitive('step', Int32Array.of(seq))]);
      refs.push(await writeArtifact(far, KEY.replace('0.arrow', `${seq}.arrow`), body, { rows: 1, schemaVersion: 1, endpoints: [server.location] }));
    }
    const one = reader();
    const calls = countCalls();
    const [whole, steps] = await Promise.all([Promise.all(refs.map((each) => one.read(each))), Promise.all(refs.slice(0, 2).map((each) => one.columns(each, ['step'])))]);
    expect(calls()).toBe(2);
    for (const [index, each] of refs.entries()) expect(Buffer.compare(whole[index]!, (await far.get(each.key))!)).toBe(0);
    expect(steps.map((table) => [...columnArray(table, 'step', Int32Array)])).toEqual([[1, 2, 3], [1]]);
  });

  it('lets one of those that wait leave, and the others have theirs', async () => {
    const abort = new AbortController();
    const one = reader();
    const left = one.read(ref, abort.signal);
    const stays = one.read(ref);
    abort.abort(new Error('not wanted'));
    await expect(left).rejects.toThrow('not wanted');
    expect((await stays).byteLength).toBe(ref.bytes);
    expect(failures).toEqual([]);
  });

  it('takes no columns of a file that is not the one of the reference', async () => {
    await near.putIfAbsent(KEY, (await far.get(KEY))!);
    const altered = Buffer.from((await far.get(KEY))!);
    altered[altered.indexOf(Buffer.from(Float32Array.of(1.5).buffer))]! ^= 1;
    await writeFile(join(folders[1]!, ...KEY.split('/')), altered);
    expect([...columnArray(await reader().columns(ref, ['value']), 'value', Float32Array)]).toEqual([0.5, 1.5, 2.5]);
    expect(failures).toEqual([server.location]);
  });

  it('reads the store where the peer is gone, and leaves that peer alone for a while', async () => {
    await near.putIfAbsent(KEY, (await far.get(KEY))!);
    await server.close(0);
    const one = reader();
    expect((await one.read(ref)).byteLength).toBe(ref.bytes);
    expect((await one.columns(ref, ['step'])).numRows).toBe(3);
    expect(failures).toEqual([server.location]);
  });

  it('does not take altered bytes from a peer', async () => {
    await near.putIfAbsent(KEY, (await far.get(KEY))!);
    const altered = Buffer.from((await far.get(KEY))!);
    altered[altered.indexOf(Buffer.from(Float32Array.of(1.5).buffer))]! ^= 1;
    await writeFile(join(folders[1]!, ...KEY.split('/')), altered);
    expect(Buffer.compare(await reader().read(ref), (await near.get(KEY))!)).toBe(0);
    expect(failures).toEqual([server.location]);
  });

  it('says what is wrong where neither has it whole', async () => {
    await expect(reader(server.location).read(ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
    await near.putIfAbsent(KEY, (await far.get(KEY))!);
    await truncate(join(folders[0]!, ...KEY.split('/')), 100);
    await expect(reader(server.location).read(ref)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
  });

  it.each(['runs/../secret.arrow', 'spec.json', '/etc/passwd', 'runs/a/spec.json', ''])('serves no such key: %j', async (key) => {
    await expect(clients.get(server.location).getStream(Buffer.from(key))).rejects.toMatchObject({ code: expect.stringMatching(/LAUREL_KEY_INVALID|LAUREL_STORE_MISSING/) });
  });

  it('ends at once when it is not wanted any more', async () => {
    const abort = new AbortController();
    abort.abort(new Error('not wanted'));
    await expect(reader().read(ref, abort.signal)).rejects.toThrow('not wanted');
  });
});
