/** A run on real processes with a judge of the test's own: killed, waited for, and asked about at the end. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { historiesOf } from '../../infra/chaos/histories.js';
import { SmallDisk } from '../../infra/chaos/small-disk.js';
import { findProcesses, signal, type FoundProcess, type ProcessKind } from '../../infra/chaos/processes.js';
import { Progress } from '../../infra/chaos/progress.js';
import { RunClient } from '../../infra/cli/run-client.js';
import { connectTo } from '../../infra/devserver/connection.js';
import { findDevServer } from '../../infra/devserver/dev-server.js';
import type { JobInput } from '../../proto/job.js';
import type { RunStatus } from '../../proto/status.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { checkInvariants } from '../../workers/verify/invariants.js';
import type { AskerTroubles, Span } from '../../workers/verify/judge-audit.js';
import { Project, type CliProcess } from '../infra/cli-process.js';

/** From a kill to the next trained update: what docs/durability.md promises. */
export const RECOVERY_MS = 60_000;

export class DisturbedRun {
  cli: CliProcess | undefined;
  readonly troubles = { killsAtMs: [] as number[], asleep: [] as Span[] } satisfies AskerTroubles;

  private constructor(
    readonly project: Project,
    readonly judge: FaultJudge,
    readonly run: string,
    readonly jobFile: string,
    readonly progress: Progress,
    /** The store as this process sees it. */
    readonly store: LocalStore,
    /** What the store lies on, where that is a disk of its own. */
    readonly disk: SmallDisk | null,
  ) {}

  /**
   * @param makeJob gets the address of the judge and the folder of the project; the name of the job is the id of the run
   * @param diskMb the store gets a disk of its own of that size
   */
  static async make(judge: FaultJudge, makeJob: (judgeUrl: string, folder: string) => JobInput, diskMb?: number): Promise<DisturbedRun> {
    const project = await Project.make();
    const disk = diskMb === undefined ? null : await SmallDisk.apart(project.store, diskMb);
    project.before = disk?.inside ?? [];
    const store = disk?.outside ?? project.store;
    await judge.start();
    const input = makeJob(judge.baseUrl, project.folder);
    const job = join(project.folder, 'job.json');
    await writeFile(job, JSON.stringify(input));
    return new DisturbedRun(project, judge, input.name, job, new Progress(store, input.name), new LocalStore(store), disk);
  }

  /** `laurel run <job>`; the first time, and after it was killed. */
  startCli(): CliProcess {
    this.cli = this.project.start(['run', this.jobFile]);
    return this.cli;
  }

  processes(kind?: ProcessKind): FoundProcess[] {
    return findProcesses(this.project.state).filter((one) => kind === undefined || one.kind === kind);
  }

  /** SIGKILL to all processes of a kind, or to every process there is. Gives their numbers. */
  kill(kind: ProcessKind | 'all'): number[] {
    const found = this.processes(kind === 'all' ? undefined : kind);
    // The supervisor last, or the others would have a moment to end in order.
    found.sort((a, b) => Number(a.kind === 'cli') - Number(b.kind === 'cli'));
    if (found.some((one) => one.kind === 'annotator')) this.troubles.killsAtMs.push(Date.now());
    return found.filter(({ pid }) => signal(pid, 'SIGKILL')).map(({ pid }) => pid);
  }

  /** Waits for another process of the kind than those that are gone. */
  async untilBack(kind: ProcessKind, gone: readonly number[]): Promise<void> {
    await this.until(`a new process of kind ${kind}`, () => this.processes(kind).some(({ pid }) => !gone.includes(pid)));
  }

  async until(what: string, done: () => boolean | Promise<boolean>, timeoutMs = RECOVERY_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error(`expected ${what} within ${timeoutMs / 1000} s at version ${this.progress.version}; the command said:\n${this.cli?.output.slice(-3_000)}`);
      await wait(100);
    }
  }

  /** What the run says of itself. */
  async status(): Promise<RunStatus> {
    const target = await findDevServer(this.project.state);
    if (!target) throw new Error('expected a running development server');
    const connection = await connectTo(target);
    try {
      return await new RunClient(connection, target.namespace).status(this.run);
    } finally {
      await connection.close();
    }
  }

  /** Stops the run through its own update, as an operator does, and gives what the waiting command says. */
  async stop(): Promise<{ readonly code: number | null; readonly output: string }> {
    const { code, output } = await this.project.run(['stop', this.run]);
    if (code !== 0) throw new Error(`expected the run to be stopped: ${output}`);
    return this.cli!.ended;
  }

  async summary(): Promise<{ readonly outcome: string; readonly status: RunStatus } | undefined> {
    return readJson(this.store, layout.summary(this.run));
  }

  /**
   * Everything that must hold of the run, of what its history says and of what its judge was asked; empty where it does.
   * @param judged false: another judge than the one of this test was asked
   */
  async faults(judged = true): Promise<readonly string[]> {
    const histories = await historiesOf(this.project.state, this.run);
    const judge = judged ? { judge: this.judge.evidence(this.troubles, this.project.state) } : {};
    const { faults } = await checkInvariants({ store: this.store, run: this.run, histories, ...judge, over: true });
    return faults;
  }

  async remove(): Promise<void> {
    this.progress.close();
    for (let found = this.processes(); found.length > 0; found = this.processes()) {
      for (const { pid } of found) signal(pid, 'SIGKILL');
      await wait(50);
    }
    await this.disk?.unmount();
    await this.project.remove();
    await this.judge.stop();
  }
}
