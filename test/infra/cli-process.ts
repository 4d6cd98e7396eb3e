/** The compiled command line in a process of its own, as a person calls it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRecord } from '../../infra/devserver/record.js';
import { isProcessAlive } from '../../workers/process-alive.js';
import { isolatedVariables } from '../../infra/chaos/isolated-variables.js';
import { compiledPath } from '../../infra/folders.js';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export class CliProcess {
  output = '';
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();

  /** @param before words before the command, for one that must run elsewhere */
  constructor(parameters: readonly string[], variables: NodeJS.ProcessEnv, input?: string, before: readonly string[] = []) {
    const [program, ...words] = [...before, process.execPath, '--enable-source-maps', compiledPath('infra/cli/main.ts'), ...parameters];
    this.child = spawn(program as string, words, { env: variables, stdio: ['pipe', 'pipe', 'pipe'] });
    const take = (text: string): void => {
      this.output += text;
      for (const check of this.waiting) check();
    };
    this.child.stdout?.setEncoding('utf8').on('data', take);
    this.child.stderr?.setEncoding('utf8').on('data', take);
    this.child.stdin?.end(input ?? '');
    this.ended = new Promise((resolve) => this.child.once('close', (code) => {
      resolve({ code, output: this.output });
      for (const check of this.waiting) check();
    }));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when the output holds the pattern; rejects when the process ends first, or after the time. */
  until(pattern: RegExp, timeoutMs = 90_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        this.waiting.delete(check);
        if (error) reject(error);
        else resolve();
      };
      const timer = setTimeout(() => finish(new Error(`expected ${String(pattern)} within ${timeoutMs} ms in:\n${this.output}`)), timeoutMs);
      const check = (): void => {
        if (pattern.test(this.output)) finish();
        else if (this.child.exitCode !== null) finish(new Error(`expected ${String(pattern)} before the end (exit code ${this.child.exitCode}) in:\n${this.output}`));
      };
      this.waiting.add(check);
      check();
    });
  }
}

/** A state folder of its own, with the commands that use it. */
export class Project {
  private readonly processes: CliProcess[] = [];
  /** Words before each command: a name space of its own, for instance. */
  before: readonly string[] = [];
  /** Variables of every command. */
  own: NodeJS.ProcessEnv = {};

  private constructor(
    readonly folder: string,
    readonly state: string,
  ) {}

  static async make(): Promise<Project> {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-project-'));
    return new Project(folder, join(folder, 'state'));
  }

  get store(): string {
    return join(this.state, 'store');
  }

  /** No server of the developer's own may be used by a test. */
  variables(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return { ...isolatedVariables(this.state, this.store), ...this.own, ...more };
  }

  start(parameters: readonly string[], input?: string, more: NodeJS.ProcessEnv = {}): CliProcess {
    const started = new CliProcess(parameters, this.variables(more), input, this.before);
    this.processes.push(started);
    return started;
  }

  run(parameters: readonly string[], input?: string, more: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.start(parameters, input, more).ended;
  }

  /** Numbers of all processes that ever wrote a worker log here, and of the server. */
  async pids(): Promise<number[]> {
    const logs = join(this.state, 'logs');
    const names = await readdir(logs).catch(() => []);
    const texts = await Promise.all(names.filter((name) => name !== 'server.log').map((name) => readFile(join(logs, name), 'utf8')));
    const workers = texts.flatMap((text) => [...text.matchAll(/"pid":(\d+)/g)].map((match) => Number(match[1])));
    const record = await readRecord(this.state);
    return [...new Set([...workers, ...(record ? [record.pid] : [])])];
  }

  async leftRunning(): Promise<number[]> {
    return (await this.pids()).filter(isProcessAlive);
  }

  async remove(): Promise<void> {
    for (const one of this.processes) one.kill('SIGKILL');
    await Promise.all(this.processes.map((one) => one.ended));
    for (const pid of await this.leftRunning()) process.kill(pid, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}
