/** The Temporal side of a worker process: connection, workers, orderly end. */
import { hostname } from 'node:os';
import { SdkComponent, type LogLevel, type LogMetadata } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createWorkflowsActivities } from '../activities/workflows.js';
import { TASK_QUEUES, type Pool } from '../proto/activities.js';
import type { WorkerVersion } from './config.js';
import type { Logger } from './log.js';
import { workflowBundle as bundleOfWorkflows } from './temporal-bundle.js';
import { describeQueue } from './temporal-queues.js';

/** Calls under way may take this long to finish after SIGTERM; then they are cancelled and handed over. */
const SHUTDOWN_GRACE_MS = 10_000;
const SHUTDOWN_FORCE_MS = 25_000;

/** What a pool needs of Temporal. */
export interface PoolWorkers {
  readonly pool: Pool;
  /** Activities of the pool; none for the pool `workflows`. */
  readonly activities?: object;
  /** Queue of this very process, for calls that want its live state. */
  readonly ownQueue?: string;
  /** Calls taken from the pool's queue at once. */
  readonly concurrency: number;
  /** Of the pool `workflows`: the others run what they are told, whichever build tells it. */
  readonly version?: WorkerVersion;
}

/** Name of the queue of one process (see slot.ts). */
export function ownQueueName(pool: Pool, slot: string): string {
  return `${TASK_QUEUES[pool]}/${slot}`;
}

export function installRuntime(log: Logger): void {
  const write = (level: LogLevel, message: string, meta: LogMetadata = {}): void => {
    // The SDK's own workers tell of their states, and warn of what a pool does not offer; workflows and activities speak here too.
    const ownAffair = meta['sdkComponent'] === SdkComponent.worker && (level === 'INFO' || NOT_OFFERED.test(message));
    log[ownAffair ? 'debug' : LEVELS[level]](meta, message);
  };
  Runtime.install({
    logger: {
      log: write,
      trace: (message, meta) => write('TRACE', message, meta),
      debug: (message, meta) => write('DEBUG', message, meta),
      info: (message, meta) => write('INFO', message, meta),
      warn: (message, meta) => write('WARN', message, meta),
      error: (message, meta) => write('ERROR', message, meta),
    },
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
    // main.ts decides when to end; see runUntilStopped.
    shutdownSignals: [],
  });
}

/** Of workflows, activities and Nexus services: each pool has one of them. */
const NOT_OFFERED = /^No .* registered, not polling for /;

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Connects to the server that the environment or Temporal's own profile names. */
export async function connect(): Promise<{ connection: NativeConnection; namespace: string }> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const defined = Object.fromEntries(Object.entries(connectionOptions).filter(([, value]) => value !== undefined));
  return { connection: await NativeConnection.connect(defined), namespace: namespace ?? 'default' };
}

/**
 * Runs the workers of a pool until `stopped`, then drains them.
 * @param onReady called when all of them poll.
 */
export async function runWorkers(pools: PoolWorkers, connection: NativeConnection, namespace: string, stopped: Promise<string>, onReady: () => void, log: Logger): Promise<void> {
  const workers = await createWorkers(pools, connection, namespace);
  const running = workers.map((worker) => worker.run());
  onReady();
  const finished = Promise.all(running);
  const reason = await Promise.race([stopped, finished.then(() => 'workers ended')]);
  log.info({ reason }, 'draining');
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  await finished;
}

async function createWorkers(pools: PoolWorkers, connection: NativeConnection, namespace: string): Promise<Worker[]> {
  const { pool, activities, ownQueue, concurrency, version } = pools;
  const shared: Omit<WorkerOptions, 'taskQueue'> = {
    connection,
    namespace,
    identity: `${pool}@${hostname()}:${process.pid}`,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
    shutdownForceTime: SHUTDOWN_FORCE_MS,
  };
  if (pool === 'workflows') {
    const workflowBundle = await bundleOfWorkflows();
    const describe = createWorkflowsActivities((queue) => describeQueue(connection, namespace, queue));
    const versioned = version && { workerDeploymentOptions: { useWorkerVersioning: true as const, version: { deploymentName: version.deployment, buildId: version.build }, defaultVersioningBehavior: version.behavior } };
    return [await Worker.create({ ...shared, ...versioned, taskQueue: TASK_QUEUES.workflows, workflowBundle, activities: describe, maxCachedWorkflows: 200, maxConcurrentWorkflowTaskExecutions: 8 })];
  }
  const workers = [await Worker.create({ ...shared, taskQueue: TASK_QUEUES[pool], activities: activities ?? {}, maxConcurrentActivityTaskExecutions: concurrency })];
  // Calls for live state are never turned away for lack of a slot: they queue in the machinery, which has the state.
  if (ownQueue !== undefined) workers.push(await Worker.create({ ...shared, taskQueue: ownQueue, activities: activities ?? {}, maxConcurrentActivityTaskExecutions: 64 }));
  return workers;
}
