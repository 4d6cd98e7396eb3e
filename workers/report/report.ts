/** The page of a run: one self-contained HTML file. */
import type { Job } from '../../proto/job.js';
import type { ModelJob } from '../../proto/preference-job.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { escapeHtml, formatCount, formatDuration, formatNumber, section } from './html.js';
import { labelSection } from './label-section.js';
import { qualitySection } from './quality-section.js';
import { loadReport } from './load-report.js';
import type { ReportData } from './report-data.js';
import { evaluationSection, learnerSection, learningSection, ledgerSection, throughputSection, toldSection } from './sections.js';
import { renderModelReport } from './model-report.js';
import { htmlPage } from './page.js';

/**
 * The page of a run from the store alone, at its end or on the way.
 * @throws LaurelError LAUREL_STORE_MISSING where the store has no such run
 */
export async function renderRunReport(store: ObjectStore, run: string): Promise<string> {
  const job = await readJson<Job | ModelJob>(store, layout.spec(run));
  if (job !== undefined && 'data' in job) return renderModelReport(store, run, job);
  return renderReport(await loadReport(store, run));
}

export async function renderReport(data: ReportData): Promise<string> {
  const parts = [header(data), tiles(data), evaluationSection(data), await learningSection(data), await labelSection(data), await qualitySection(data), await learnerSection(data), await throughputSection(data), ledgerSection(data), toldSection(data.status), jobSection(data)];
  return htmlPage(data.run, parts);
}

function header(data: ReportData): string {
  const { job } = data;
  const badge = `<span class="badge ${data.outcome ?? 'open'}">${data.outcome ?? 'goes on'}</span>`;
  const task = job.environment.kind === 'nethack' ? `NetHack, task ${job.environment.task}` : job.environment.kind === 'gymnasium' ? `Gymnasium, ${job.environment.id}` : job.environment.kind.replace('-', ' ');
  const goals = Object.values(job.sources).flatMap((source) => (source.kind === 'model' ? [`“${source.annotator.goal}”`] : []));
  const started = data.status ? `, started ${new Date(data.status.startedAtMs).toISOString().replace('T', ' ').slice(0, 16)} UTC` : '';
  return `<header><h1>${escapeHtml(data.run)}${badge}</h1><p>${escapeHtml(`${task}; ${job.policy.kind} policy (${job.policy.preset}), ${job.learn.kind}, mode ${job.schedule.mode}${started}`)}</p>${goals.length === 0 ? '' : `<p>Goal told to the language model: ${escapeHtml(goals.join(', '))}</p>`}</header>`;
}

function tiles(data: ReportData): string {
  const { status } = data;
  const last = data.metrics.at(-1);
  const transitions = status?.transitionsTrained ?? last?.transitions ?? 0;
  const elapsedMs = status?.elapsedMs ?? last?.elapsedMs ?? 0;
  const trainedMs = last?.elapsedMs ?? 0;
  const labels = data.annotations.reduce((total, one) => total + one.statuses.ok, 0);
  const made = status?.annotations.reduce((total, one) => total + one.made, 0);
  const entries: [string, string][] = [
    [formatCount(transitions), 'transitions trained on'],
    [trainedMs > 0 ? formatNumber(((last?.transitions ?? 0) * 1000) / trainedMs) : '–', 'transitions per second'],
    [formatDuration(elapsedMs), 'from start to end'],
    [formatCount(status?.version ?? last?.version ?? 0), 'policy versions'],
    ...(data.annotations.length === 0 ? [] : [[formatCount(labels), made === undefined ? 'labels' : `labels, ${formatCount(made)} by this run`] as [string, string]]),
    ...(status ? ([[formatCount(status.episodes.count), 'episodes'], [formatCount(status.parameters), 'parameters']] as [string, string][]) : []),
  ];
  return `<div class="tiles">${entries.map(([value, name]) => `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(name)}</span></div>`).join('')}</div>`;
}

function jobSection(data: ReportData): string {
  return section('The job', '', `<details><summary>all settings, with defaults</summary><pre>${escapeHtml(JSON.stringify(data.job, null, 2))}</pre></details>`);
}
