/** `laurel run <job>`, kept alive as an operator's service manager keeps it: started again whenever it ends too early. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { compiledPath } from '../folders.js';
import { ADVERTISED_HOST } from './flight-proxy.js';
import { isolatedVariables } from './isolated-variables.js';
import { findProcesses, signal } from './processes.js';
import { slowDiskVariables } from './slow-disk.js';

const RESTART_MS = 1_000;

export class LaurelProcess {
  /** True once the command has ended with exit code 0: the run is over. */
  over = false;
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private restartMs = RESTART_MS;
  private stopped = false;

  constructor(
    readonly state: string,
    private readonly store: string,
    private readonly job: string,
    private readonly onEvent: (text: string) => void,
  ) {}

  start(): void {
    if (this.stopped) return;
    const log = openSync(join(this.state, 'cli.log'), 'a');
    const variables = { ...isolatedVariables(this.state, this.store), ...slowDiskVariables(this.state), LAUREL_FLIGHT_ADVERTISED_HOST: ADVERTISED_HOST };
    const child = spawn(process.execPath, ['--enable-source-maps', compiledPath('infra/cli/main.ts'), 'run', this.job], { env: variables, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    this.child = child;
    child.once('exit', (code, name) => {
      this.child = undefined;
      if (code === 0) {
        this.over = true;
        return;
      }
      if (this.stopped) return;
      if (name !== 'SIGKILL') this.onEvent(`the command ended by itself: ${name ?? `exit code ${code}`}`);
      this.timer = setTimeout(() => this.start(), this.restartMs);
      this.restartMs = RESTART_MS;
    });
  }

  /** How long the command stays away after the kill that comes now. */
  stayAwayFor(milliseconds: number): void {
    this.restartMs = milliseconds;
  }

  /** Ends everything that belongs to the state folder. */
  async end(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    const ended = this.child && new Promise((resolve) => this.child?.once('exit', resolve));
    // What is killed may have started another process a moment before.
    for (let found = findProcesses(this.state); found.length > 0; found = findProcesses(this.state)) {
      for (const { pid } of found) signal(pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await ended;
  }
}
