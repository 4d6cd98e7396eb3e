/** `laurel up`: server and workers of this machine, until Ctrl-C. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { TASK_QUEUES, type Pool } from '../../../proto/activities.js';
import { progressView } from '../asset-progress.js';
import { Crew } from '../crew.js';
import { fetchForPools } from '../pool-assets.js';
import { watchInterrupt } from '../interrupt.js';
import { openServer, type OpenServer } from '../server.js';
import { POOLS } from '../../supervisor/plan.js';

export function parsePool(value: string): Pool {
  const pool = POOLS.find((one) => one === value);
  if (pool === undefined) throw new InvalidArgumentError(`expected one of ${POOLS.join(', ')}.`);
  return pool;
}

export function addUp(program: Command): void {
  program
    .command('up')
    .description('start the server (if none is named) and the workers, and keep them until Ctrl-C')
    .option('--pool <pool>', 'only workers of this pool; may be given several times', (value: string, before: Pool[] = []) => [...before, parsePool(value)])
    .action(async (options: { pool?: Pool[] }) => upCommand(options.pool));
}

async function upCommand(pools: Pool[] | undefined): Promise<void> {
  let crew: Crew | undefined;
  let server: OpenServer | undefined;
  const interrupt = watchInterrupt(() => crew?.kill());
  const onEvent = (text: string): void => console.log(`${new Date().toISOString()}  ${text}`);
  try {
    const fetched = fetchForPools(pools ?? POOLS, interrupt.signal);
    fetched.catch(() => undefined);
    const view = progressView();
    try {
      server = await openServer({ onProgress: view.report.bind(view), onEvent });
    } finally {
      view.stop();
    }
    await fetched;
    console.log(server.note);
    crew = new Crew(server.target, onEvent, pools);
    crew.start();
    console.log(`workers: ${pools ? pools.join(', ') : POOLS.join(', ')}; Ctrl-C ends them`);
    console.log('submit with `laurel submit <job>`, or without Laurel:');
    console.log(`  temporal workflow start --address ${server.target.address} --namespace ${server.target.namespace} --type trainingRun --task-queue ${TASK_QUEUES.workflows} --workflow-id <run> --input-file <job>`);
    await interrupt.requested;
    console.log('stopping; open runs are kept and go on when workers are back');
  } finally {
    await crew?.stop();
    await server?.close();
    interrupt.close();
  }
}
