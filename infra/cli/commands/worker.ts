/** `laurel worker --pool <pool>`: one worker process in the foreground, for a machine or a container of its own. */
import { spawn } from 'node:child_process';
import { Option, type Command } from 'commander';
import type { Pool } from '../../../proto/activities.js';
import { LaurelError } from '../../../proto/errors.js';
import { watchInterrupt } from '../interrupt.js';
import { findServer } from '../server.js';
import { fetchForPools } from '../pool-assets.js';
import { workerScript, workerVariables } from '../crew.js';
import { POOLS } from '../../supervisor/plan.js';

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('run one worker in the foreground; its server is the named one (TEMPORAL_ADDRESS, profile) or the one that runs here')
    .addOption(new Option('--pool <pool>', 'what the worker does').choices([...POOLS]).makeOptionMandatory())
    .action(async (options: { pool: Pool }) => workerCommand(options.pool));
}

async function workerCommand(pool: Pool): Promise<void> {
  const server = await findServer();
  await server.close();
  // Standard output is the worker's log.
  await fetchForPools([pool], new AbortController().signal, process.stderr);
  // The channel ends the worker where this process is killed.
  const child = spawn(process.execPath, ['--enable-source-maps', workerScript(), '--pool', pool], { env: workerVariables(server.target), stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const interrupt = watchInterrupt(() => void child.kill('SIGKILL'));
  // A Ctrl-C may have reached the worker through the terminal: it takes the other signal as the same wish.
  void interrupt.requested.then(() => child.kill('SIGTERM'));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  interrupt.close();
  // It may have been told to end before it could listen.
  const asTold = interrupt.signal.aborted && signal === 'SIGTERM';
  if (code !== 0 && !asTold) throw new LaurelError('LAUREL_WORKER_FAILED', `expected the worker of pool ${pool} to end well, got ${signal ?? `exit code ${code}`}; its log is above`, { pool });
}
