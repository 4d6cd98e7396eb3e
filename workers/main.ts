/** One worker process: `node dist/workers/main.js --pool rollout`. Config, then clients, machinery, activities, worker. */
import { parseArgs } from 'node:util';
import { LaurelError, errorCodeOf } from '../proto/errors.js';
import { TASK_QUEUES, type Pool } from '../proto/activities.js';
import { workerConfig } from './config.js';
import { createLog, type Logger } from './log.js';
import { claimSlot } from './slot.js';
import { createPool, type PoolMachinery } from './pools.js';
import { connect, installRuntime, ownQueueName, runWorkers } from './temporal.js';

/** Longest time for the machinery to close after the last call has ended. */
const CLOSE_MS_MAX = 10_000;

async function main(): Promise<void> {
  const pool = poolArgument();
  const config = workerConfig(pool);
  const log = createLog(config);
  installRuntime(log);
  const stopped = untilStopped();
  const { connection, namespace } = await connect();
  let machinery: PoolMachinery | undefined;
  try {
    const ownQueue = ownQueueName(pool, await claimSlot(config.slots, config.name));
    machinery = await createPool(pool, config, ownQueue, log);
    const { activities, concurrency, location } = machinery;
    void stopped.then(() => machinery?.onStopping?.());
    const workers = { pool, concurrency, ...(activities ? { activities } : {}), ...(machinery.hasLiveState ? { ownQueue } : {}), ...(config.version ? { version: config.version } : {}) };
    const ready = (): void => {
      log.info({ pool, location, queue: TASK_QUEUES[pool], ...(pool === 'workflows' && config.version ? { version: config.version } : {}) }, 'ready');
      process.send?.({ kind: 'ready' });
    };
    await runWorkers(workers, connection, namespace, stopped, ready, log);
  } finally {
    await closed(machinery, log);
    await connection.close();
  }
  log.info('ended');
}

function poolArgument(): Pool {
  const { pool } = parseArgs({ options: { pool: { type: 'string' } } }).values;
  if (pool !== undefined && pool in TASK_QUEUES) return pool as Pool;
  throw new LaurelError('LAUREL_JOB_INVALID', `expected --pool ${Object.keys(TASK_QUEUES).join('|')}, got ${pool ?? 'none'}`);
}

/** SIGTERM, SIGINT, or the end of the process that supervises this one. */
function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    if (process.channel) process.once('disconnect', () => resolve('the supervisor is gone'));
  });
}

async function closed(machinery: PoolMachinery | undefined, log: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS_MAX)));
  await Promise.race([machinery?.close().catch((error: unknown) => log.error({ error }, 'closing failed')), late]);
  clearTimeout(timer);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const code = errorCodeOf(error) ?? 'LAUREL_WORKER_FAILED';
    process.stdout.write(`${JSON.stringify({ level: 60, time: new Date().toISOString(), code, msg: error instanceof Error ? error.message : String(error), stack: error instanceof Error ? error.stack : undefined })}\n`);
    process.exit(1);
  },
);
