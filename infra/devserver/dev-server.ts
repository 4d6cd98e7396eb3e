/** Temporal's development server with a database file, as one process per state folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from '@temporalio/client';
import lockfile from 'proper-lockfile';
import { LaurelError } from '../../proto/errors.js';
import { openConnection, type ServerTarget } from './connection.js';
import { choosePorts } from './ports.js';
import { readRecord, writeRecord, type ServerRecord } from './record.js';
import { isProcessAlive } from '../../workers/process-alive.js';
import { ensureSearchAttributes, SEARCH_ATTRIBUTES } from './search-attributes.js';

export interface DevServerOptions {
  /** Folder of database, log and record; one server runs for it at most. */
  readonly state: string;
  /** Path of Temporal's CLI. */
  readonly executable: string;
  /** `usual`: 7233 and 8233 where both are free, so that a plain `temporal` finds the server; `any`: any free ports. */
  readonly ports?: 'usual' | 'any';
  /** Only the ports of before: somebody is connected to them. */
  readonly samePorts?: boolean;
  readonly startTimeoutMs?: number;
}

export interface DevServer {
  readonly target: ServerTarget;
  readonly pid: number;
  /** It ran before this call. */
  readonly reused: boolean;
  /** This process must stop it: it started it, or whoever did is gone. */
  readonly owned: boolean;
  /** Stops the server where it is owned, else does nothing. */
  stop(): Promise<void>;
}

const USUAL_PORTS = [7233, 8233];
/** Between looking for a free port and the server's bind any program may take it, the server's own hidden ports too. */
const STARTS_MAX = 4;
const STOP_GRACE_MS = 10_000;

/** Arguments of `temporal` for the server. Pure. */
export function serverArguments(options: { readonly database: string; readonly port: number; readonly uiPort: number }): string[] {
  return [
    'server',
    'start-dev',
    ...['--ip', '127.0.0.1', '--port', String(options.port), '--ui-port', String(options.uiPort)],
    ...['--namespace', 'default', '--db-filename', options.database],
    // Without WAL every commit waits for two flushes; with it a killed process loses nothing.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    // As they come, the queue readers look 20 times a second: each hop then waits for the next 50 ms tick.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
    ...['--dynamic-config-value', 'history.timerProcessorMaxPollRPS=2000'],
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...['--log-level', 'warn', '--log-format', 'json'],
  ];
}

/**
 * The dev server of a state folder: the one that runs already, else a new one. Ready when it resolves: the namespace
 * answers and the search attributes are registered.
 * @throws LaurelError LAUREL_SERVER_UNREACHABLE with the end of the server's log
 */
export async function openDevServer(options: DevServerOptions): Promise<DevServer> {
  mkdirSync(options.state, { recursive: true });
  const release = await lockfile.lock(options.state, {
    lockfilePath: join(options.state, 'server.lock'),
    stale: 20_000,
    retries: { retries: 120, minTimeout: 250, maxTimeout: 500 },
  });
  try {
    const record = await readRecord(options.state);
    const reused = record === undefined ? undefined : await adopt(options.state, record);
    return reused ?? (await start(options, record));
  } finally {
    await release();
  }
}

/** The dev server of a state folder, where one runs; starts nothing and takes nothing over. */
export async function findDevServer(state: string): Promise<ServerTarget | undefined> {
  const record = await readRecord(state);
  if (record === undefined || !record.running || !isProcessAlive(record.pid)) return undefined;
  const target = targetOf(record);
  return (await answers(target, 3_000)) ? target : undefined;
}

function targetOf(ports: Pick<ServerRecord, 'port' | 'uiPort'>): ServerTarget {
  const address = `127.0.0.1:${ports.port}`;
  return {
    address,
    namespace: 'default',
    variables: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' },
    connection: { address },
    uiAddress: `http://127.0.0.1:${ports.uiPort}`,
  };
}

async function adopt(state: string, record: ServerRecord): Promise<DevServer | undefined> {
  if (!record.running || !isProcessAlive(record.pid)) return undefined;
  const target = targetOf(record);
  // A process number can be given to a stranger after a reboot; only one that answers at our port is ours.
  if (!(await answers(target, 5_000))) return undefined;
  const owned = record.ownerPid === process.pid || !isProcessAlive(record.ownerPid);
  if (owned) await writeRecord(state, { ...record, ownerPid: process.pid });
  return { target, pid: record.pid, reused: true, owned, stop: () => (owned ? stopServer(state, record) : Promise.resolve()) };
}

async function start(options: DevServerOptions, previous: ServerRecord | undefined): Promise<DevServer> {
  for (let starts = 1; ; starts++) {
    try {
      return await startOnce(options, previous);
    } catch (error) {
      if (starts === STARTS_MAX || !(error instanceof PortTaken)) throw error;
    }
  }
}

class PortTaken extends LaurelError {}

async function startOnce(options: DevServerOptions, previous: ServerRecord | undefined): Promise<DevServer> {
  const wanted = [...(previous ? [[previous.port, previous.uiPort]] : []), ...(options.ports === 'any' ? [] : [USUAL_PORTS])];
  const [port, uiPort] = (await choosePorts(wanted, 2)) as [number, number];
  if (options.samePorts === true && previous && port !== previous.port) {
    throw new LaurelError('LAUREL_SERVER_UNREACHABLE', `expected the ports ${previous.port} and ${previous.uiPort}, which the workers know, to be free, another program has taken one; end it, or start this command again, which takes others`, { ports: [previous.port, previous.uiPort] });
  }
  const logPath = join(options.state, 'logs', 'server.log');
  mkdirSync(join(options.state, 'logs'), { recursive: true });
  const log = openSync(logPath, 'a');
  let child: ChildProcess;
  try {
    // Its own process group: Ctrl-C in the terminal must reach the workers first, and the server only after them.
    child = spawn(options.executable, serverArguments({ database: join(options.state, 'temporal.db'), port, uiPort }), { detached: true, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code}`}`));
  });
  child.unref();
  const record: ServerRecord = { pid: child.pid ?? 0, ownerPid: process.pid, running: true, port, uiPort };
  const target = targetOf(record);
  try {
    if (child.pid !== undefined) await writeRecord(options.state, record);
    await waitUntilReady(target, ended, options.startTimeoutMs ?? 30_000, logPath);
  } catch (error) {
    if (child.pid !== undefined) await stopServer(options.state, record);
    throw error;
  }
  return { target, pid: record.pid, reused: false, owned: true, stop: () => stopServer(options.state, record) };
}

async function waitUntilReady(target: ServerTarget, ended: Promise<string>, timeoutMs: number, logPath: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let reason = '';
  let over = false;
  void ended.then((why) => {
    over = true;
    reason = why;
  });
  while (!over && Date.now() < deadline) {
    if (await answers(target, 2_000, async (connection) => void (await ensureSearchAttributes(connection, target.namespace)))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const tail = (await readFile(logPath, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
  const Failure = over && /address already in use/.test(tail) ? PortTaken : LaurelError;
  throw new Failure(
    'LAUREL_SERVER_UNREACHABLE',
    `expected the development server to be ready at ${target.address} within ${timeoutMs} ms; ${over ? reason : 'it did not answer'}; see ${logPath}${tail === '' ? '' : `, which ends:\n${tail}`}`,
    { address: target.address, logPath },
  );
}

async function answers(target: ServerTarget, timeoutMs: number, then?: (connection: Connection) => Promise<void>): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await openConnection(target, timeoutMs);
    const open = connection;
    await open.withDeadline(Date.now() + timeoutMs, () => open.workflowService.describeNamespace({ namespace: target.namespace }));
    await then?.(open);
    return true;
  } catch {
    return false; // The caller asks again, or says with the server's own log why it never came up.
  } finally {
    await connection?.close();
  }
}

/** Ends the server process by its number and keeps its ports for the next start. */
async function stopServer(state: string, record: ServerRecord): Promise<void> {
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(record.pid, name);
    } catch {
      // Already gone.
    }
  };
  signal('SIGTERM');
  const deadline = Date.now() + STOP_GRACE_MS;
  while (isProcessAlive(record.pid) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  if (isProcessAlive(record.pid)) signal('SIGKILL');
  await writeRecord(state, { ...record, running: false });
}
