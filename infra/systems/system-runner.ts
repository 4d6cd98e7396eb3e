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
    const runs: Record<string, StoredRun> = {};
    for (const [variant, input] of Object.entries(jobsOf(row))) runs[variant] = await runJob(input, options);
    return { row, figures: await row.check(runs), seconds: seconds(), failure: null };
  } catch (error) {
    options.signal.throwIfAborted();
    return { row, figures: [], seconds: seconds(), failure: causeOf(error) };
  }
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
