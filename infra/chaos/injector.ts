/** Makes a planned fault happen, and ends it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Span } from '../../workers/verify/judge-audit.js';
import type { FaultJudge } from './fault-judge.js';
import type { DISK_FAULTS, PlannedFault, Target } from './faults.js';
import { ADVERTISED_HOST, type FlightProxy } from './flight-proxy.js';
import type { LaurelProcess } from './laurel-process.js';
import { findProcesses, signal } from './processes.js';
import { setSlowDisk } from './slow-disk.js';
import type { SmallDisk } from './small-disk.js';

export interface World {
  readonly state: string;
  readonly laurel: LaurelProcess;
  readonly judge: FaultJudge;
  readonly proxy: FlightProxy;
  readonly disk: SmallDisk | null;
}

export class Injector {
  /** What the audit of the judge must know. */
  readonly troubles = { killsAtMs: [] as number[], asleep: [] as Span[] };
  /** Faults of one thing come one after another. */
  private readonly busy = new Map<string, Promise<unknown>>();
  private readonly looking: NodeJS.Timeout;

  constructor(private readonly world: World) {
    this.looking = setInterval(() => void this.serveFlight(), 500);
  }

  /** Resolves when the fault is over, with what happened. `onBegin` is called when it begins. */
  inject(fault: PlannedFault, onBegin: () => void): Promise<string> {
    const thing = fault.kind === 'pause' ? `pause ${fault.target}` : fault.kind;
    const result = (this.busy.get(thing) ?? Promise.resolve()).then(() => {
      onBegin();
      return this.make(fault);
    });
    this.busy.set(thing, result.catch(() => undefined));
    return result;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.busy.values());
  }

  close(): void {
    clearInterval(this.looking);
  }

  private make(fault: PlannedFault): Promise<string> {
    switch (fault.kind) {
      case 'kill':
        return this.kill(fault.target, fault.forMs);
      case 'pause':
        return this.pause(fault.target, fault.forMs);
      case 'judge':
        return this.judge(fault.target, fault.forMs);
      case 'flight':
        return this.flight(fault.target, fault.forMs);
      case 'disk':
        return this.disk(fault.target, fault.forMs);
      default: {
        const never: never = fault;
        throw new TypeError(`unknown fault ${JSON.stringify(never)}`);
      }
    }
  }

  private async kill(target: string, awayMs: number): Promise<string> {
    if (target === 'cli' || target === 'all') this.world.laurel.stayAwayFor(awayMs);
    const found = findProcesses(this.world.state).filter(({ kind }) => target === 'all' || kind === target);
    // The supervisor last, or the others would have a moment to end in order.
    found.sort((a, b) => Number(a.kind === 'cli') - Number(b.kind === 'cli'));
    if (found.some(({ kind }) => kind === 'annotator')) this.troubles.killsAtMs.push(Date.now());
    const killed = found.filter(({ pid }) => signal(pid, 'SIGKILL'));
    const names = target === 'all' ? `${killed.length} processes` : killed.map(({ pid }) => pid).join(', ');
    return killed.length === 0 ? 'was not running' : `killed ${names}`;
  }

  private async pause(target: Target, forMs: number): Promise<string> {
    const found = findProcesses(this.world.state).filter(({ kind }) => kind === target);
    const from = Date.now();
    const stopped = found.filter(({ pid }) => signal(pid, 'SIGSTOP'));
    await wait(forMs);
    const gone = stopped.filter(({ pid }) => !signal(pid, 'SIGCONT'));
    if (target === 'annotator') this.troubles.asleep.push([from, Date.now()]);
    if (stopped.length === 0) return 'was not running';
    return gone.length > 0 ? 'slept, and was killed asleep' : `slept ${(forMs / 1000).toFixed(1)} s`;
  }

  private async judge(target: FaultJudge['fault'] | 'gone', forMs: number): Promise<string> {
    const { judge } = this.world;
    const before = judge.journal.length;
    if (target === 'gone') await judge.stop();
    else judge.fault = target;
    await wait(forMs);
    if (target === 'gone') await judge.start();
    else judge.fault = null;
    return `${judge.journal.length - before} requests met it in ${(forMs / 1000).toFixed(1)} s`;
  }

  private async flight(target: NonNullable<FlightProxy['fault']>, forMs: number): Promise<string> {
    const { proxy } = this.world;
    const before = proxy.touched;
    proxy.disturb(target);
    await wait(forMs);
    proxy.fault = null;
    return `${proxy.touched - before} new connections met it in ${(forMs / 1000).toFixed(1)} s`;
  }

  private async disk(target: (typeof DISK_FAULTS)[number], forMs: number): Promise<string> {
    const { disk, state } = this.world;
    const over = `${target} for ${(forMs / 1000).toFixed(1)} s`;
    if (target === 'slow') {
      setSlowDisk(state, true);
      await wait(forMs);
      setSlowDisk(state, false);
      return over;
    }
    if (!disk) return 'no disk of its own';
    const done = target === 'full' ? await disk.fill().then(() => true) : await disk.lock();
    if (done) await wait(forMs);
    await disk.mend();
    return done ? over : 'was always being written to';
  }

  /** Flight servers of workers that have come up meanwhile. */
  private async serveFlight(): Promise<void> {
    const logs = join(this.world.state, 'logs');
    const pattern = new RegExp(`${ADVERTISED_HOST.replaceAll('.', '\\.')}:(\\d+)`, 'g');
    for (const name of await readdir(logs).catch(() => [])) {
      const text = await readFile(join(logs, name), 'utf8').catch(() => '');
      this.world.proxy.serve([...text.slice(-20_000).matchAll(pattern)].map((match) => Number(match[1])));
    }
  }
}
