/** Disturbed runs from start to verdict: one for each environment, one after another. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunStatus } from '../../proto/status.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { checkInvariants, type InvariantReport } from '../../workers/verify/invariants.js';
import { chaosJob, JUDGED_BY, type ChaosEnvironment } from './chaos-job.js';
import { FaultJudge } from './fault-judge.js';
import { planFaults, type PlannedFault } from './faults.js';
import { FlightProxy } from './flight-proxy.js';
import { Injector } from './injector.js';
import { historiesOf } from './histories.js';
import { LaurelProcess } from './laurel-process.js';
import { Ledger, rowsByKind, tableLines, type KindRow, type LedgerEntry } from './ledger.js';
import { Operator } from './operator.js';
import { Progress } from './progress.js';
import { SmallDisk } from './small-disk.js';

export interface ChaosOptions {
  /** Time under faults, shared by the environments. */
  readonly minutes: number;
  readonly seed: number;
  readonly faultsPerMinute: number;
  readonly environments: readonly ChaosEnvironment[];
  /** Where the whole report is written, as JSON. */
  readonly json: string | undefined;
  /** Leaves the state folder for a look. */
  readonly keep: boolean;
  /** Mount rights are there: the store gets a disk of its own. */
  readonly disk: boolean;
}

const RUN = 'chaos';
const FIRST_UPDATE_MS_MAX = 180_000;
/** A run without a trained update for this long, with no fault under way, is stuck. */
const STUCK_MS = 180_000;
/** After this long without one no fault is begun until there is one. */
const HOLD_MS = 45_000;
const CHECK_EVERY_MS = 240_000;
const END_MS_MAX = 300_000;
const DISK_MB = 6_000;

/** @returns exit code: 1 where an invariant is broken; the environments after it are left out then */
export async function runChaos(options: ChaosOptions): Promise<number> {
  const reports: ChaosReport[] = [];
  for (const [part, environment] of options.environments.entries()) {
    reports.push(await runOne(options, environment, part, options.minutes / options.environments.length));
    if (reports.at(-1)!.broken.length > 0) break;
  }
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(reports, null, 2)}\n`);
  const broken = reports.reduce((sum, report) => sum + report.broken.length, 0);
  if (reports.length > 1) {
    const faults = reports.flatMap((report) => report.entries);
    const rows = rowsByKind(faults);
    console.log(['', `all together: ${faults.length} faults`, '', ...tableLines(rows), ''].join('\n'));
  }
  console.log(broken === 0 ? `every invariant holds (${reports.map(({ environment, entries }) => `${environment}: ${entries.length} faults`).join(', ')})` : `${broken} invariants are broken`);
  return broken === 0 ? 0 : 1;
}

interface ChaosReport {
  readonly environment: ChaosEnvironment;
  readonly plan: number;
  readonly seconds: number;
  readonly longestGapMs: number;
  readonly run: InvariantReport;
  readonly parked: readonly string[];
  readonly status: RunStatus | undefined;
  readonly rows: readonly KindRow[];
  readonly entries: readonly LedgerEntry[];
  readonly events: readonly { readonly atMs: number; readonly text: string }[];
  readonly broken: readonly string[];
}

async function runOne(options: ChaosOptions, environment: ChaosEnvironment, part: number, minutes: number): Promise<ChaosReport> {
  const { seed } = options;
  const state = await mkdtemp(join(tmpdir(), 'laurel-chaos-'));
  const storeRoot = join(state, 'store');
  const disk = options.disk ? await SmallDisk.mount(storeRoot, DISK_MB) : null;
  const durationMs = minutes * 60_000;
  let startMs = Date.now();
  const say = (text: string): void => console.log(`${((Date.now() - startMs) / 1000).toFixed(1).padStart(8)} s  ${text}`);
  const events: { readonly atMs: number; readonly text: string }[] = [];
  const onEvent = (text: string): void => {
    events.push({ atMs: Date.now() - startMs, text });
    say(text);
  };
  const judge = new FaultJudge({ seed, faultShare: 0.02, thinkMs: JUDGED_BY[environment].thinkMs });
  const proxy = new FlightProxy();
  await judge.start();
  const job = join(state, 'job.json');
  await writeFile(job, JSON.stringify(chaosJob(RUN, environment, judge.baseUrl, seed, durationMs + 60_000)));
  const laurel = new LaurelProcess(state, storeRoot, job, onEvent);
  const progress = new Progress(storeRoot, RUN);
  const ledger = new Ledger(progress, say);
  const injector = new Injector({ state, laurel, judge, proxy, disk });
  const operator = new Operator(state, RUN, onEvent);
  const store = new LocalStore(storeRoot);
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => reject(new Broken(`ended by ${name}`)));
  });
  const plan = planFaults({ seed, part, durationMs, faultsPerMinute: options.faultsPerMinute, disk: disk !== null });
  const broken: string[] = [];
  try {
    console.log(`seed ${seed}, ${environment}, ${minutes} minutes, ${plan.length} faults${disk ? '' : ' (no disk faults: no mount rights)'}; state ${state}`);
    laurel.start();
    await Promise.race([until(() => progress.version > 0, FIRST_UPDATE_MS_MAX, 'a first trained update'), interrupted]);
    startMs = progress.seen[0]!.atMs;
    say('first trained update; the faults begin');
    const faults = injectAll(plan, startMs, progress, () => laurel.over || broken.length > 0, say, async (fault) => {
      let end: (outcome: string) => void = () => undefined;
      const outcome = await injector.inject(fault, () => (end = ledger.begin(fault))).catch((error: unknown) => `could not be made: ${String(error)}`);
      end(outcome);
    });
    await Promise.race([watch(laurel, progress, () => checkInvariants({ store, run: RUN }), durationMs + END_MS_MAX, startMs), interrupted]);
    await Promise.race([faults, wait(30_000)]);
    say('the run has ended');
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    broken.push(error.message);
    say(`BROKEN: ${error.message}`);
  }
  try {
    await operator.close();
    injector.close();
    await injector.settled();
    await judge.stop();
    // After something is broken the server may be gone for good: the store alone still says a lot.
    const histories = broken.length > 0 ? undefined : await historiesOf(state, RUN);
    const run = await checkInvariants({ store, run: RUN, judge: judge.evidence(injector.troubles, state), ...(histories && { histories, over: true }) });
    broken.push(...run.faults);
    const entries = ledger.entries(startMs);
    const rows = rowsByKind(entries);
    console.log(['', ...tableLines(rows), ''].join('\n'));
    console.log(`${environment}: ${entries.length} faults; ${run.versions} versions, ${run.trained} segments trained, ${run.segments} in the store at the end and ${run.swept} objects swept; longest time without an update ${(progress.longestGapMs() / 1000).toFixed(1)} s`);
    const { labels, judge: judged } = run;
    console.log(`judge: ${judged?.requests} requests, ${judged?.answered} answers; ${labels.labels} labels, ${labels.unanswered} unanswered, ${judged?.unread} asked again and ${labels.unread} missing as whoever asked was killed or asleep before it had read the answer; ${labels.kept} read and waiting in the spool for the next process`);
    console.log(`parked steps: ${operator.parked.length}; run continued as new ${histories ? histories.length - 1 : operator.status?.continuedRuns} times; ledger ${JSON.stringify(operator.status?.ledger)}`);
    for (const fault of broken) console.log(`BROKEN: ${fault}`);
    console.log(broken.length === 0 ? `every invariant holds on ${environment}` : `${broken.length} invariants are broken${options.keep ? `; see ${state}` : ''}`);
    return { environment, plan: plan.length, seconds: (Date.now() - startMs) / 1000, longestGapMs: progress.longestGapMs(), run, parked: operator.parked, status: operator.status, rows, entries, events, broken };
  } finally {
    progress.close();
    if (broken.length > 0) console.log(`the command said at last:\n${(await readFile(join(state, 'cli.log'), 'utf8').catch(() => '')).slice(-1_500)}`);
    await laurel.end();
    proxy.close();
    if (!options.keep) {
      await disk?.unmount();
      await rm(state, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  }
}

class Broken extends Error {}

/**
 * Begins the faults as planned. Where the run has trained on nothing for HOLD_MS, all that is to come waits for its next
 * update: a machine that is too slow for the schedule gets time to recover, and a run that does not recover is stuck.
 */
async function injectAll(plan: readonly PlannedFault[], startMs: number, progress: Progress, over: () => boolean, say: (text: string) => void, inject: (fault: PlannedFault) => Promise<void>): Promise<void> {
  const begun: Promise<void>[] = [];
  let heldMs = 0;
  for (const fault of plan) {
    while (!over() && Date.now() < startMs + fault.atMs + heldMs) await wait(Math.min(100, Math.max(1, startMs + fault.atMs + heldMs - Date.now())), undefined, { ref: false });
    const fromMs = Date.now();
    while (!over() && Date.now() - (progress.seen.at(-1)?.atMs ?? startMs) > HOLD_MS) await wait(200, undefined, { ref: false });
    const waitedMs = Date.now() - fromMs;
    if (waitedMs > 200) say(`the next faults have waited ${(waitedMs / 1000).toFixed(1)} s for an update`);
    heldMs += waitedMs;
    if (over()) break;
    begun.push(inject(fault));
  }
  await Promise.all(begun);
}

async function until(done: () => boolean, timeoutMs: number, what: string): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!done()) {
    if (Date.now() > deadline) throw new Broken(`expected ${what} within ${timeoutMs / 1000} s`);
    await wait(100);
  }
}

/** Until the run is over; breaks where it is stuck, does not end, or the store contradicts itself. */
async function watch(laurel: LaurelProcess, progress: Progress, check: () => Promise<{ readonly faults: readonly string[] }>, endMs: number, startMs: number): Promise<void> {
  let checkAt = Date.now() + CHECK_EVERY_MS;
  while (!laurel.over) {
    await wait(250);
    const now = Date.now();
    if (now > startMs + endMs) throw new Broken(`expected the run to end within ${Math.round(endMs / 1000)} s`);
    const idleMs = now - (progress.seen.at(-1)?.atMs ?? startMs);
    if (idleMs > STUCK_MS) throw new Broken(`no trained update for ${Math.round(idleMs / 1000)} s at version ${progress.version}`);
    if (now < checkAt) continue;
    const { faults } = await check();
    if (faults.length > 0) throw new Broken(faults.join('; '));
    checkAt = now + CHECK_EVERY_MS;
  }
}
