/** Shared by the learning tables: runs a job through the whole pipeline, reads its evaluations, makes intervals. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MetricsLine } from '../proto/activities.js';
import type { EvaluationRecord } from '../workers/rollout/evaluation-record.js';
import { readJson } from '../workers/store/artifacts.js';
import { layout } from '../workers/store/layout.js';
import { LocalStore } from '../workers/store/local-store.js';

const CLI = fileURLToPath(new URL('../infra/cli/main.js', import.meta.url));

export function storeOf(state: string): LocalStore {
  return new LocalStore(join(state, 'store'));
}

interface RunJobOptions {
  /** In a session of its own: of several runs side by side, each gets its share of the processor however many threads it has. */
  readonly ownSession?: boolean;
}

/** `laurel run` on a job, to its end; returns its evaluations, oldest version first. */
export async function runJob(job: Record<string, unknown>, state: string, options: RunJobOptions = {}): Promise<EvaluationRecord[]> {
  const name = String(job['name']);
  await mkdir(state, { recursive: true });
  const file = join(state, `${name}.json`);
  await writeFile(file, JSON.stringify(job));
  const store = storeOf(state);
  if (!(await store.exists(layout.summary(name)))) await laurel(['run', file], state, options.ownSession === true);
  const keys = (await store.list(layout.evaluations(name))).map(({ key }) => key);
  const evaluations = await Promise.all(keys.map((key) => readJson<EvaluationRecord>(store, key)));
  return evaluations.filter((one) => one !== undefined).sort((a, b) => a.policyVersion - b.policyVersion);
}

/** Every line of a finished run, oldest version first. */
export async function metricsOf(state: string, run: string): Promise<MetricsLine[]> {
  const body = Buffer.from((await storeOf(state).get(layout.metrics(run)))!).toString('utf8');
  return body.trim().split('\n').map((line) => JSON.parse(line) as MetricsLine);
}

/** Trained between the first and the last of the lines. */
export function transitionsPerSecond(lines: readonly MetricsLine[]): number {
  const [first, last] = [lines[0]!, lines[lines.length - 1]!];
  return ((last.transitions - first.transitions) * 1_000) / (last.elapsedMs - first.elapsedMs);
}

async function laurel(parameters: readonly string[], state: string, ownSession: boolean): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...parameters], { env: { ...process.env, LAUREL_STATE: state, LAUREL_SERVER_PORTS: 'any' }, stdio: ['ignore', 'pipe', 'pipe'], detached: ownSession });
  // A terminal's Ctrl-C does not reach another session.
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  if (ownSession) for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, passOn);
  let tail = '';
  const keep = (data: Buffer): void => void (tail = (tail + data.toString()).slice(-4_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, passOn);
  if (code !== 0) throw new Error(`laurel ${parameters.join(' ')} ended with ${code}:\n${tail}`);
}

export interface Interval {
  readonly mean: number;
  readonly halfWidth: number;
}

/** Two-sided 95 % quantiles of Student's t for 1 .. 30 degrees of freedom; beyond that the normal quantile serves. */
const T_95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042];

export function interval(values: readonly number[]): Interval {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  const t = T_95[values.length - 2] ?? 1.96;
  return { mean, halfWidth: t * Math.sqrt(variance / values.length) };
}

export function apart(low: Interval, high: Interval): boolean {
  return low.mean + low.halfWidth < high.mean - high.halfWidth;
}

export function show({ mean, halfWidth }: Interval, digits = 2): string {
  return `${mean.toFixed(digits)} ± ${halfWidth.toFixed(digits)}`;
}

export function statistic(evaluation: EvaluationRecord, name: string): number[] {
  const index = evaluation.episodeStatistics.indexOf(name);
  return evaluation.episodes.map((episode) => episode.statistics[index] ?? NaN);
}
