/** The thread in which reward models are trained: a step blocks its thread for as long as it lasts. */
import { workerData } from 'node:worker_threads';
import type { FitInput } from '../../../proto/activities.js';
import { openStore } from '../../store/open-store.js';
import { serveThread } from '../../threads.js';
import { Fitter } from './fitter.js';

export interface FitterThreadData {
  readonly storeRoot: string;
  readonly ownLocation: string;
}

const { storeRoot, ownLocation } = workerData as FitterThreadData;
const fitter = new Fitter({ store: openStore(storeRoot), endpoints: [ownLocation] });

serveThread({ fit: (input: FitInput, work) => fitter.fit(input, work) });
