/** Keeps worker processes alive: starts them, starts again those that die, and ends all of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { backOffMs, countDeaths, DEFAULT_BACK_OFF, type BackOff } from './back-off.js';
import { lastComplaint, openLog } from './log-file.js';
import type { WorkerPlan } from './plan.js';

export type WorkerEvent =
  | { readonly kind: 'started'; readonly worker: string; readonly pid: number; readonly restarts: number }
  /** The worker sent `{"kind":"ready"}`: it polls its queue. */
  | { readonly kind: 'ready'; readonly worker: string; readonly pid: number; readonly startMs: number }
  | { readonly kind: 'died'; readonly worker: string; readonly pid: number; readonly why: string; /** Last complaint in its log; empty where there is none. */ readonly logEnd: string; readonly logPath: string; readonly retryInMs: number }
  | { readonly kind: 'stopped'; readonly worker: string; readonly forced: boolean };

export interface SupervisorOptions {
  readonly workers: readonly WorkerPlan[];
  /** The script of a worker; called as `node <script> --pool <pool>`. */
  readonly script: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Folder of the log files, `<worker>.log`. */
  readonly logs: string;
  readonly onEvent: (event: WorkerEvent) => void;
  readonly backOff?: BackOff;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs?: number;
}

/** Longer than a worker takes to hand its calls over (workers/temporal). */
const STOP_GRACE_MS = 30_000;

interface Supervised {
  readonly plan: WorkerPlan;
  child: ChildProcess | undefined;
  deaths: number;
  restarts: number;
  /** Where the log of this life begins. */
  logStart: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Each worker has a channel to this process (`process.send` / 'disconnect'): it says over it when it is ready, and ends
 * when the channel closes, so that no worker outlives a supervisor that was killed.
 */
export class Supervisor {
  private readonly supervised: Supervised[];
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.supervised = options.workers.map((plan) => ({ plan, child: undefined, deaths: 0, restarts: 0, logStart: 0, timer: undefined }));
  }

  start(): void {
    for (const one of this.supervised) this.launch(one);
  }

  /** Process numbers by worker name, of those that run now. */
  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.supervised.flatMap((one) => (one.child?.pid === undefined ? [] : [[one.plan.name, one.child.pid]])));
  }

  /** Asks all workers to end, and ends those that do not within the grace. Resolves when none is left. */
  stop(): Promise<void> {
    this.stopping ??= Promise.all(this.supervised.map((one) => this.end(one))).then(() => undefined);
    return this.stopping;
  }

  /** Ends all workers now (a second Ctrl-C). */
  kill(): void {
    this.stopping ??= Promise.resolve();
    for (const one of this.supervised) {
      clearTimeout(one.timer);
      one.child?.kill('SIGKILL');
    }
  }

  private logPath(plan: WorkerPlan): string {
    return join(this.options.logs, `${plan.name}.log`);
  }

  private launch(one: Supervised): void {
    if (this.stopping) return;
    const startedAt = performance.now();
    const log = openLog(this.logPath(one.plan));
    one.logStart = log.start;
    let child: ChildProcess;
    try {
      child = spawn(process.execPath, ['--enable-source-maps', this.options.script, '--pool', one.plan.pool], {
        env: { ...this.options.variables, LAUREL_WORKER: one.plan.name },
        // Its own process group: Ctrl-C in the terminal reaches only the supervisor, which ends things in order.
        detached: true,
        stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
      });
    } finally {
      closeSync(log.descriptor);
    }
    one.child = child;
    const pid = child.pid ?? 0;
    if (pid > 0) this.options.onEvent({ kind: 'started', worker: one.plan.name, pid, restarts: one.restarts });
    child.on('message', (message) => {
      if ((message as { kind?: unknown } | null)?.kind !== 'ready') return;
      this.options.onEvent({ kind: 'ready', worker: one.plan.name, pid, startMs: performance.now() - startedAt });
    });
    let over = false;
    const died = (why: string): void => {
      if (over) return;
      over = true;
      one.child = undefined;
      if (!this.stopping) this.restart(one, pid, why, performance.now() - startedAt);
    };
    child.once('error', (error) => died(error.message));
    child.once('exit', (code, signal) => died(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  private restart(one: Supervised, pid: number, why: string, livedMs: number): void {
    const backOff = this.options.backOff ?? DEFAULT_BACK_OFF;
    one.deaths = countDeaths(one.deaths, livedMs, backOff);
    one.restarts += 1;
    const retryInMs = backOffMs(one.deaths, backOff);
    const logPath = this.logPath(one.plan);
    one.timer = setTimeout(() => this.launch(one), retryInMs);
    this.options.onEvent({ kind: 'died', worker: one.plan.name, pid, why, logEnd: lastComplaint(logPath, one.logStart), logPath, retryInMs });
  }

  private async end(one: Supervised): Promise<void> {
    clearTimeout(one.timer);
    const child = one.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    let forced = false;
    child.kill('SIGTERM');
    const timer = setTimeout(() => {
      forced = true;
      child.kill('SIGKILL');
    }, this.options.graceMs ?? STOP_GRACE_MS);
    await exited;
    clearTimeout(timer);
    this.options.onEvent({ kind: 'stopped', worker: one.plan.name, forced });
  }
}
