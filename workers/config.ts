/** Settings of a worker process, all from its environment. */
import { join, resolve } from 'node:path';
import { LaurelError } from '../proto/errors.js';
import { storeLocation } from './store/store-location.js';

/** Which build of the workflows a process runs, for Temporal's worker deployments. */
export interface WorkerVersion {
  readonly deployment: string;
  readonly build: string;
  /** `PINNED`: a run ends on the build that it began on; `AUTO_UPGRADE`: the current build takes it over. */
  readonly behavior: 'PINNED' | 'AUTO_UPGRADE';
}

export interface WorkerConfig {
  /** Holds a small file for each worker of this machine (see slot.ts). */
  readonly slots: string;
  /** An absolute folder, or `s3://bucket/prefix`. */
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
  /** Absent: workers poll without a version. */
  readonly version: WorkerVersion | undefined;
}

export function workerConfig(pool: string, variables: Readonly<Record<string, string | undefined>> = process.env): WorkerConfig {
  const state = resolve(variables['LAUREL_STATE'] || '.laurel');
  return {
    slots: join(state, 'workers'),
    spool: join(state, 'spool'),
    storeRoot: storeLocation(variables['LAUREL_STORE'] || join(state, 'store')),
    flightHost: variables['LAUREL_FLIGHT_HOST'] || '127.0.0.1',
    flightPort: Number(variables['LAUREL_FLIGHT_PORT'] || 0),
    flightAdvertisedHost: variables['LAUREL_FLIGHT_ADVERTISED_HOST'] || undefined,
    logLevel: variables['LAUREL_LOG_LEVEL'] || 'info',
    name: variables['LAUREL_WORKER'] || pool,
    version: versionOf(variables),
  };
}

const BEHAVIORS = { pinned: 'PINNED', 'auto-upgrade': 'AUTO_UPGRADE' } as const;

function versionOf(variables: Readonly<Record<string, string | undefined>>): WorkerVersion | undefined {
  const build = variables['LAUREL_BUILD_ID'];
  if (!build) return undefined;
  const wanted = variables['LAUREL_VERSIONING'] || 'auto-upgrade';
  const behavior = BEHAVIORS[wanted as keyof typeof BEHAVIORS] as WorkerVersion['behavior'] | undefined;
  if (behavior === undefined) throw new LaurelError('LAUREL_JOB_INVALID', `expected LAUREL_VERSIONING to be one of ${Object.keys(BEHAVIORS).join(', ')}, got ${wanted}`);
  return { deployment: variables['LAUREL_DEPLOYMENT'] || 'laurel', build, behavior };
}
