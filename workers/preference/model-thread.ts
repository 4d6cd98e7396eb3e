/** The thread in which models are fitted. */
import { workerData } from 'node:worker_threads';
import { FlightClientPool } from '../../proto/flight/client-pool.js';
import type { FitModelInput } from '../../proto/preference-activities.js';
import { openStore } from '../store/open-store.js';
import { serveThread } from '../threads.js';
import { PeerReader } from '../transport/peer-reader.js';
import { ModelRunner } from './model-runner.js';

export interface ModelThreadData {
  readonly storeRoot: string;
  readonly ownLocation: string;
}

const { storeRoot, ownLocation } = workerData as ModelThreadData;
const store = openStore(storeRoot);
const runner = new ModelRunner({ store, reader: new PeerReader({ store, clients: new FlightClientPool(), ownLocation }), endpoints: [ownLocation] });

serveThread({ fitModel: (input: FitModelInput, work) => runner.fitModel(input, work) });
