/** Decisions about parked steps as a person makes them: by `laurel`, or with Temporal's own program and nothing of ours. */
import { execFile } from 'node:child_process';
import { findDevServer } from '../../infra/devserver/dev-server.js';
import { ensureTemporalCli } from '../../infra/temporal-cli/temporal-cli.js';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { Attention, Decision } from '../../proto/status.js';
import type { DisturbedRun } from './disturbed-run.js';

export interface Said {
  readonly code: number;
  readonly output: string;
}

/** `temporal workflow start`: the job as it stands in its file, checked by the workflow alone. */
export function temporalStart(run: DisturbedRun): Promise<Said> {
  return temporal(run, ['start', '--type', 'trainingRun', '--task-queue', TASK_QUEUES.workflows, '--workflow-id', run.run, '--input-file', run.jobFile]);
}

/** `temporal workflow update execute`. */
export function temporalUpdate(run: DisturbedRun, name: string, input?: unknown): Promise<Said> {
  return temporal(run, ['update', 'execute', '--workflow-id', run.run, '--name', name, ...(input === undefined ? [] : ['--input', JSON.stringify(input)])]);
}

async function temporal(run: DisturbedRun, words: readonly string[]): Promise<Said> {
  const server = await findDevServer(run.project.state);
  const { path } = await ensureTemporalCli();
  return new Promise((resolve) => execFile(path, ['workflow', ...words, '--address', server!.address], (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code) || 1, output: `${stdout}${stderr}` })));
}

/** `laurel retry | skip | void`, as the user `ben`. */
export async function laurelDecides(run: DisturbedRun, decision: Exclude<Decision, 'stop'>, id?: string): Promise<Said> {
  const { code, output } = await run.project.run([decision, run.run, ...(id === undefined ? [] : ['--attention', id])], undefined, { USER: 'ben' });
  return { code: code ?? 1, output };
}

/** The oldest parked step whose name begins so. */
export async function parked(run: DisturbedRun, step: string, timeoutMs = 120_000): Promise<Attention> {
  let found: Attention | undefined;
  await run.until(`a parked step ${step}`, async () => (found = (await run.status()).attention.find((one) => one.step.startsWith(step))) !== undefined, timeoutMs);
  return found!;
}

export async function unparked(run: DisturbedRun, id: string): Promise<void> {
  await run.until(`a decision about ${id}`, async () => (await run.status()).attention.every((one) => one.id !== id));
}
