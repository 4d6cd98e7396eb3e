/** `laurel status <run>`: what a run says of itself, once or as a live screen. */
import type { Command } from 'commander';
import { LaurelError } from '../../../proto/errors.js';
import type { RunStatus } from '../../../proto/status.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { openStore } from '../../../workers/store/open-store.js';
import { runPage } from '../../devserver/connection.js';
import { storeRoot } from '../../folders.js';
import { openScreen } from '../../screen/live-screen.js';
import { UNKNOWN } from '../../screen/rates.js';
import { screenLines } from '../../screen/screen-lines.js';
import { COLOURED, PLAIN } from '../../screen/view.js';
import { followRun } from '../follow.js';
import { watchInterrupt } from '../interrupt.js';
import { RunClient } from '../run-client.js';
import { findServer, type OpenServer } from '../server.js';

const NO_WORKERS = { ready: 0, total: 0, down: [] } as const;

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show a run')
    .argument('<run>', 'id of the run')
    .option('--watch', 'show it live until it ends; Ctrl-C leaves the run alone')
    .option('--json', 'everything the run knows of itself, as JSON')
    .action(async (run: string, options: { watch?: boolean; json?: boolean }) => {
      const stored = await storedStatus(run);
      if (stored !== undefined) return show(stored, undefined, [], options.json === true);
      const server = await findServer();
      try {
        await (options.watch === true ? watch(server, run) : once(server, run, options.json === true));
      } finally {
        await server.close();
      }
    });
}

/** A run that is over has its last status in its summary; neither server nor workers are needed. */
async function storedStatus(run: string): Promise<RunStatus | undefined> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(run)) return undefined;
  const summary = await readJson<{ status?: RunStatus; outcome?: string }>(openStore(storeRoot()), layout.summary(run));
  if (summary?.status === undefined) return undefined;
  const states = { completed: 'Completed', stopped: 'Stopped', cancelled: 'Cancelled' } as const;
  const state = states[summary.outcome as keyof typeof states] ?? summary.status.state;
  return { ...summary.status, state };
}

async function once(server: OpenServer, run: string, json: boolean): Promise<void> {
  const client = new RunClient(server.connection, server.target.namespace);
  const state = await client.describe(run);
  if (state === undefined) throw new LaurelError('LAUREL_JOB_INVALID', `expected the id of a run, ${server.target.address} knows no ${run}; \`temporal workflow list\` shows all`, { run });
  let status: RunStatus;
  try {
    status = await client.status(run);
  } catch (cause) {
    throw new LaurelError('LAUREL_WORKER_FAILED', `expected the run ${run} (${state.toLowerCase()}) to answer, got: ${reasonOf(cause)}; a worker of the pool workflows must run: \`laurel up\``, { run }, { cause });
  }
  show(status, runPage(server.target, run), await client.retries(run), json);
}

/** What the server said; the client's own message names only the call. */
function reasonOf(error: unknown): string {
  const inner = (error as { cause?: { details?: unknown } }).cause?.details;
  return typeof inner === 'string' && inner !== '' ? inner : (error as Error).message;
}

function show(status: RunStatus, page: string | undefined, retries: readonly string[], json: boolean): void {
  if (json) {
    console.log(JSON.stringify(status, null, 2));
    return;
  }
  const paint = process.stdout.isTTY && !process.env['NO_COLOR'] ? COLOURED : PLAIN;
  const view = { run: status.run, status, rates: UNKNOWN, waitingFor: undefined, retries, workers: NO_WORKERS, events: [], page, elapsedMs: status.elapsedMs };
  console.log(screenLines(view, paint).join('\n'));
}

async function watch(server: OpenServer, run: string): Promise<void> {
  const interrupt = watchInterrupt(() => undefined);
  const screen = openScreen();
  try {
    const client = new RunClient(server.connection, server.target.namespace);
    await followRun({ client, run, screen, page: runPage(server.target, run), workers: () => NO_WORKERS, events: [], signal: interrupt.signal });
  } finally {
    screen.close();
    interrupt.close();
  }
}
