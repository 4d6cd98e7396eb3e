/** Settings of a worker process, all from its environment. */
import { join, resolve } from 'node:path';

export interface WorkerConfig {
  /** Holds a small file for each worker of this machine (see slot.ts). */
  readonly slots: string;
  readonly storeRoot: string;
  /** Holds answers of judges until they are in the store. */
  readonly spool: string;
  /** Address that the Flight server listens on; loopback unless told. */
  readonly flightHost: string;
  readonly flightPort: number;
  /** Host that others reach the Flight server by. */
  readonly flightAdvertisedHost: string | undefined;
  readonly logLevel: string;
  /** Name of the process, for logs and Temporal's identity. */
  readonly name: string;
}

export function workerConfig(pool: string, variables: Readonly<Record<string, string | undefined>> = process.env): WorkerConfig {
  const state = resolve(variables['LAUREL_STATE'] || '.laurel');
  return {
    slots: join(state, 'workers'),
    spool: join(state, 'spool'),
    storeRoot: resolve(variables['LAUREL_STORE'] || join(state, 'store')),
    flightHost: variables['LAUREL_FLIGHT_HOST'] || '127.0.0.1',
    flightPort: Number(variables['LAUREL_FLIGHT_PORT'] || 0),
    flightAdvertisedHost: variables['LAUREL_FLIGHT_ADVERTISED_HOST'] || undefined,
    logLevel: variables['LAUREL_LOG_LEVEL'] || 'info',
    name: variables['LAUREL_WORKER'] || pool,
  };
}
