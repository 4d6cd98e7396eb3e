/** The thread in which the learner computes: a step blocks its thread for as long as it lasts. */
import { workerData } from 'node:worker_threads';
import { FlightClientPool } from '../../proto/flight/client-pool.js';
import { environmentSpaces } from '../rollout/environments/registry.js';
import { openStore } from '../store/open-store.js';
import { serveThread } from '../threads.js';
import { PeerReader } from '../transport/peer-reader.js';
import { Updater } from './updater.js';

export interface UpdaterThreadData {
  readonly storeRoot: string;
  readonly ownLocation: string;
}

const { storeRoot, ownLocation } = workerData as UpdaterThreadData;
const store = openStore(storeRoot);
const reader = new PeerReader({ store, clients: new FlightClientPool(), ownLocation });
const updater = new Updater({ store, reader, endpoints: [ownLocation], spacesOf: async (environment, shows) => environmentSpaces(environment, shows) });

serveThread({
  prepareRun: (input: Parameters<Updater['prepareRun']>[0]) => updater.prepareRun(input),
  update: (input: Parameters<Updater['update']>[0], work) => updater.update(input, work),
  writeCheckpoint: (input: Parameters<Updater['writeCheckpoint']>[0], work) => updater.writeCheckpoint(input, work),
  restoreVersion: (input: Parameters<Updater['restoreVersion']>[0], work) => updater.restoreVersion(input, work),
});
