/** The page of a run without rollouts: its evaluations, fits and job. */
import type { MetricsLine } from '../../proto/activities.js';
import type { ModelJob } from '../../proto/preference-job.js';
import type { RunStatus } from '../../proto/status.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { escapeHtml, formatCount, formatDuration, formatNumber, section, table } from './html.js';
import { htmlPage } from './page.js';
import { toldSection } from './sections.js';

interface StoredFigures {
  readonly suite: string;
  readonly kind: string;
  readonly items: number;
  readonly means: Readonly<Record<string, { readonly mean: number; readonly halfWidth: number }>>;
}

export async function renderModelReport(store: ObjectStore, run: string, job: ModelJob): Promise<string> {
  const summary = await readJson<{ outcome?: string; status?: RunStatus }>(store, layout.summary(run));
  const records = (await Promise.all((await store.list(layout.evaluations(run))).map(({ key }) => readJson<StoredFigures>(store, key)))).filter((one) => one !== undefined);
  const lines = Buffer.from((await store.get(layout.metrics(run))) ?? new Uint8Array(0)).toString('utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as MetricsLine);
  const outcome = summary?.outcome ?? 'open';
  const elapsed = summary?.status ? `, ${formatDuration(summary.status.elapsedMs)}` : '';
  const header = `<header><h1>${escapeHtml(run)}<span class="badge ${escapeHtml(outcome)}">${escapeHtml(outcome)}</span></h1><p>${escapeHtml(`workload ${job.data.kind}, ${formatCount(summary?.status?.version ?? 0)} optimiser steps${elapsed}`)}</p></header>`;
  return htmlPage(run, [
    header,
    section('Evaluations', 'Means with 95 % intervals; a figure without an interval is exact, or a function of the whole table.', evaluationTable(records)),
    section('Fits', 'At the end of each call.', fitTable(lines)),
    toldSection(summary?.status),
    section('The job', '', `<details><summary>all settings, with defaults</summary><pre>${escapeHtml(JSON.stringify(job, null, 2))}</pre></details>`),
  ]);
}

function evaluationTable(records: readonly StoredFigures[]): string {
  const rows = records.flatMap(({ suite, kind, items, means }) => Object.entries(means).map(([name, { mean, halfWidth }]) => [escapeHtml(suite), escapeHtml(kind), escapeHtml(name), `${formatNumber(mean)}${halfWidth > 0 ? ` ± ${formatNumber(halfWidth)}` : ''}`, formatCount(items)]));
  return table(['evaluation', 'kind', 'figure', 'value', 'over'], rows);
}

function fitTable(lines: readonly MetricsLine[]): string {
  return table(['optimiser steps', 'metric', 'value'], lines.flatMap(({ version, values }) => Object.entries(values).map(([name, value]) => [formatCount(version), escapeHtml(name), formatNumber(value)])));
}
