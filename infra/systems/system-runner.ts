/** Runs systems one after the other: submits the jobs of a row, waits for their ends, checks what they stored. */
import { ensureAsset } from '../../workers/assets/index.js';
import type { ObjectStore } from '../../workers/store/object-store.js';
import { assetsOf, prepareEnvironment, resolveJobFile } from '../cli/job-file.js';
import { chooseRun } from '../cli/run-choice.js';
import type { RunClient } from '../cli/run-client.js';
import { jobsOf } from './results.js';
import { loadStoredRun } from './stored-run.js';
import type { Figure, StoredRun, SystemRow } from './system-row.js';

export interface RowOutcome {
  readonly row: SystemRow;
  /** Empty where the row could not be run. */
  readonly figures: readonly Figure[];
  readonly seconds: number;
  readonly failure: string | null;
}

export interface RunnerOptions {
  readonly client: RunClient;
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** A row that fails is an outcome; the others go on. */
export async function runRow(row: SystemRow, options: RunnerOptions): Promise<RowOutcome> {
  const begunMs = performance.now();
  const seconds = (): number => (performance.now() - begunMs) / 1000;
  try {
    const runs = await runAll(jobsOf(row), options);
    return { row, figures: await row.check(runs), seconds: seconds(), failure: null };
  } catch (error) {
    options.signal.throwIfAborted();
    return { row, figures: [], seconds: seconds(), failure: causeOf(error) };
  }
}

/** In lockstep a run plays and learns by turns: two side by side leave no core without work. */
const RUNS_AT_ONCE = 2;

/** By variant, in their order; after a failure no further one begins. */
async function runAll(jobs: Readonly<Record<string, unknown>>, options: RunnerOptions): Promise<Record<string, StoredRun>> {
  const waiting = Object.entries(jobs);
  const done = new Map<string, StoredRun>();
  const lane = async (): Promise<void> => {
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) done.set(next[0], await runJob(next[1], options));
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: RUNS_AT_ONCE }, lane));
  const failed = lanes.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return Object.fromEntries(Object.keys(jobs).map((variant) => [variant, done.get(variant) as StoredRun]));
}

async function runJob(input: unknown, { client, store, signal, say }: RunnerOptions): Promise<StoredRun> {
  const file = resolveJobFile(input);
  for (const definition of assetsOf(file.job)) await ensureAsset(definition, { onProgress: () => undefined, signal });
  await prepareEnvironment(file.job, () => undefined);
  const wish = { run: `system-${file.job.name}`, jobName: `system-${file.job.name}`, fresh: true };
  const { run } = await chooseRun(wish, (id) => client.facts(id, store));
  await client.submit(run, input, file.job);
  say(`run ${run}`);
  await client.result(run, signal);
  return loadStoredRun(store, run);
}

/** Temporal wraps what a workflow failed with; its own words are innermost. */
function causeOf(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}
