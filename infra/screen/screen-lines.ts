/** The live screen: status in, lines out. Pure. */
import type { AnnotationStatus, RunStatus } from '../../proto/status.js';
import { byText, pausedBy, timeOf, toldRun } from '../../proto/told.js';
import { formatBar, formatCount, formatDuration, formatName, formatNumber, formatShare, printable } from './format.js';
import { modelPlainParts, modelRows } from './model-lines.js';
import { budgetRows, qualityRows } from './quality-lines.js';
import type { Paint, ScreenView } from './view.js';

const BAR_WIDTH = 32;
const EVENTS_SHOWN = 4;
const RETRIES_SHOWN = 3;
const LEARNER_SHOWN = 5;
const LABEL_WIDTH = 12;

export function screenLines(view: ScreenView, paint: Paint): string[] {
  const { status } = view;
  const title = `${paint.bold('Laurel')}  ${view.run}  ${status ? stateText(status, paint) : paint.dim('starting')}  ${paint.dim(formatDuration(view.elapsedMs))}`;
  const row = (name: string, text: string): string => `  ${paint.dim(name.padEnd(LABEL_WIDTH))}${text}`;
  const lines = [title];
  if (status) lines.push(`  ${progressText(view, status)}`, '', ...statusRows(view, status, paint).map(([name, text]) => row(name, text)));
  if (status) lines.push(...toldRows(status, paint).map(([name, text]) => row(name, text)));
  if (view.waitingFor !== undefined) lines.push(row('waiting', paint.warn(view.waitingFor)));
  for (const retry of view.retries.slice(0, RETRIES_SHOWN)) lines.push(row('tries again', paint.warn(printable(retry).slice(0, 300))));
  lines.push(row('workers', workersText(view, paint)));
  if (view.page !== undefined) lines.push(row('look at', view.page));
  for (const one of status?.attention ?? []) lines.push('', ...attentionLines(view.run, one, paint));
  const events = view.events.slice(-EVENTS_SHOWN);
  if (events.length > 0) lines.push('', ...events.map((event) => `  ${paint.dim('·')} ${printable(event)}`));
  return lines;
}

/** One line for a log or a pipe. */
export function plainLine(view: ScreenView): string {
  const { status } = view;
  if (!status) return `${view.run}: ${view.waitingFor ?? 'starting'}, ${workersPlain(view)}`;
  if (status.steps !== undefined) return [`${view.run} ${status.state} ${formatShare(status.progress)}`, ...modelPlainParts(status), ...(view.waitingFor === undefined ? [] : [`waiting for ${view.waitingFor}`]), ...view.retries.slice(0, RETRIES_SHOWN).map((retry) => `tries again: ${printable(retry).slice(0, 300)}`)].join(' | ');
  const parts = [
    `${view.run} ${status.state} ${formatShare(status.progress)}`,
    ...(view.rates.leftMs !== undefined && status.state === 'Running' ? [`${formatDuration(view.rates.leftMs)} left`] : []),
    `${formatCount(status.transitionsTrained)} transitions, ${formatCount(view.rates.transitionsPerSecond ?? status.transitionsPerSecond)}/s`,
    `version ${status.version}, lag ${status.lagLast}`,
    ...status.annotations.map((one) => `labels${status.annotations.length > 1 ? ` (${one.source})` : ''} ${labelsText(one, status.annotations.length === 1 ? view.rates.labelsPerSecond : undefined)}`),
    `reward ${rewardText(status)}`,
    ...(learnerText(status) === '' ? [] : [learnerText(status)]),
    `episodes ${episodesText(status)}`,
    ...(view.waitingFor === undefined ? [] : [`waiting for ${view.waitingFor}`]),
    ...view.retries.slice(0, RETRIES_SHOWN).map((retry) => `tries again: ${printable(retry).slice(0, 300)}`),
    ...(view.workers.down.length > 0 ? [workersPlain(view)] : []),
  ];
  return parts.join(' | ');
}

function stateText(status: RunStatus, paint: Paint): string {
  const text = formatName(status.state);
  if (status.state === 'NeedsAttention') return paint.warn(paint.bold(text));
  return status.state === 'Paused' ? paint.warn(text) : paint.good(text);
}

/** Who paused it, and the newest thing that it was told. */
function toldRows(status: RunStatus, paint: Paint): [string, string][] {
  const pause = pausedBy(status);
  if (pause !== undefined) return [['paused', paint.warn(printable(`${timeOf(pause.atMs)}${byText(pause.by)}; laurel resume ${status.run} goes on`))]];
  const last = toldRun(status).at(-1);
  return last === undefined ? [] : [['told', printable(`${timeOf(last.atMs)}${byText(last.by)}: ${last.what}`).slice(0, 300)]];
}

function progressText(view: ScreenView, status: RunStatus): string {
  const left = status.state !== 'Running' ? '' : view.rates.leftMs === undefined ? '' : `  about ${formatDuration(view.rates.leftMs)} left`;
  return `${formatBar(status.progress, BAR_WIDTH)} ${formatShare(status.progress)}  ${stopText(status)}${left}`;
}

/** How far each stop criterion is. */
export function stopText(status: Pick<RunStatus, 'stop' | 'transitionsTrained' | 'version' | 'elapsedMs'>): string {
  const { stop } = status;
  const parts = [
    stop.transitions === undefined ? [] : [`${formatCount(status.transitionsTrained)} of ${formatCount(stop.transitions)} transitions`],
    stop.versions === undefined ? [] : [`${formatCount(status.version)} of ${formatCount(stop.versions)} versions`],
    stop.runMs === undefined ? [] : [`${formatDuration(status.elapsedMs)} of ${formatDuration(stop.runMs)}`],
  ];
  return parts.flat().join(', ');
}

function statusRows(view: ScreenView, status: RunStatus, paint: Paint): [string, string][] {
  if (status.steps !== undefined) return modelRows(status);
  const rows: [string, string][] = [
    ['transitions', `${paint.bold(`${formatCount(view.rates.transitionsPerSecond ?? status.transitionsPerSecond)}/s`)}, ${formatCount(status.transitionsTrained)} trained, ${formatCount(status.transitionsCollected)} collected`],
    ['policy', `version ${paint.bold(formatCount(status.version))}, lag ${status.lagLast} (at most ${status.lagMax}), checkpoint ${formatCount(status.checkpoint)}, ${formatCount(status.parameters)} parameters`],
  ];
  for (const one of status.annotations) {
    const name = status.annotations.length > 1 ? `: ${one.source}` : '';
    rows.push([`labels${name}`, labelsText(one, status.annotations.length === 1 ? view.rates.labelsPerSecond : undefined)]);
    rows.push(...budgetRows(one, paint, `budget${name}`));
  }
  const quality = qualityRows(status);
  rows.push(...quality.rows, ...quality.warnings.map((warning): [string, string] => ['suspicious', paint.warn(warning)]), ['reward', rewardText(status)]);
  const learner = learnerText(status);
  if (learner !== '') rows.push(['learner', learner]);
  rows.push(['episodes', episodesText(status)], ['segments', segmentsText(status)]);
  status.stall?.why.forEach((why, index) => rows.push([index === 0 ? 'stalled' : '', printable(why)]));
  const [wait, ...more] = status.waits;
  if (wait !== undefined && status.state === 'Running') rows.push(['waits', `${printable(wait)}${more.length > 0 ? ` (and ${more.length} more)` : ''}`]);
  for (const evaluation of status.evaluations.slice(-2)) rows.push(['evaluation', evaluationText(evaluation)]);
  return rows;
}

function labelsText(one: AnnotationStatus, measured: number | undefined): string {
  const perSecond = measured ?? (one.annotateMs > 0 ? (1000 * one.made) / one.annotateMs : 0);
  const trouble = [...(one.failed > 0 ? [`${formatCount(one.failed)} failed`] : []), ...(one.dropped > 0 ? [`${formatCount(one.dropped)} dropped`] : [])].map((text) => `, ${text}`).join('');
  return `${formatCount(one.made)} made, ${formatCount(one.log.labels)} known, ${formatCount(one.waiting)} waiting, ${formatCount(one.unparsable)} unparsable${trouble}, ${formatNumber(perSecond)}/s`;
}

function rewardText(status: RunStatus): string {
  const rows = Object.entries(status.rewards);
  if (rows.length === 0) return 'no update yet';
  const ordered = [...rows.filter(([name]) => name === 'total'), ...rows.filter(([name]) => name !== 'total')];
  return ordered.map(([name, { mean, maskedShare }]) => `${name} ${formatNumber(mean)}${maskedShare > 0 && name !== 'total' ? ` (${formatShare(maskedShare)} unknown)` : ''}`).join(', ');
}

/** Losses and entropy first; other metrics are in the report. */
function learnerText(status: RunStatus): string {
  const rank = (name: string): number => (/^(total.?)?loss$/i.test(name) ? 0 : /loss/i.test(name) ? 1 : /entropy/i.test(name) ? 2 : 3);
  return Object.entries(status.learner)
    .filter(([name]) => rank(name) < 3)
    .sort(([a], [b]) => rank(a) - rank(b))
    .slice(0, LEARNER_SHOWN)
    .map(([name, value]) => `${formatName(name)} ${formatNumber(value)}`)
    .join(', ');
}

function episodesText(status: RunStatus): string {
  const { episodes } = status;
  const parts = [
    `${formatCount(episodes.count)} ended`,
    ...(episodes.failed > 0 ? [`${formatCount(episodes.failed)} failed${(episodes.nondeterministic ?? 0) > 0 ? ` (${formatCount(episodes.nondeterministic ?? 0)} not deterministic)` : ''}`] : []),
    ...Object.entries(episodes.returnMeans).map(([name, value]) => `return${Object.keys(episodes.returnMeans).length > 1 ? ` (${formatName(name)})` : ''} ${formatNumber(value)}`),
    ...Object.entries(episodes.statisticMeans).map(([name, value]) => `${formatName(name)} ${formatNumber(value)}`),
    ...(episodes.lengthMean === null ? [] : [`${formatNumber(episodes.lengthMean)} steps`]),
  ];
  return `${parts.join(', ')}`;
}

/** The ledger in one line: where the collected segments are. */
export function segmentsText(status: Pick<RunStatus, 'ledger' | 'segmentsQueued'>): string {
  const { ledger, segmentsQueued } = status;
  const named = [...Object.entries(ledger.filtered), ...Object.entries(ledger.failed)].map(([reason, value]) => `, ${formatCount(value)} ${formatName(reason)}`).join('');
  const voided = ledger.voided > 0 ? `, ${formatCount(ledger.voided)} voided` : '';
  return `${formatCount(ledger.collected)} collected: ${formatCount(ledger.trained)} trained, ${formatCount(ledger.stale)} stale${named}${voided}, ${formatCount(ledger.open)} open (${formatCount(segmentsQueued)} queued)`;
}

export function evaluationText(evaluation: RunStatus['evaluations'][number]): string {
  const means = Object.entries(evaluation.means).map(([name, { mean, halfWidth }]) => `${formatName(name.replace(/^return\./, 'return '))} ${formatNumber(mean)} ± ${formatNumber(halfWidth)}`);
  return `version ${evaluation.version}, ${evaluation.episodes} episodes: ${means.join(', ')}`;
}

function workersText(view: ScreenView, paint: Paint): string {
  const { down } = view.workers;
  return `${workersPlain({ ...view, workers: { ...view.workers, down: [] } })}${down.length > 0 ? paint.warn(`, down: ${down.join(', ')}`) : ''}`;
}

function workersPlain(view: ScreenView): string {
  const { ready, total, down } = view.workers;
  if (total === 0) return 'workers of others';
  return `${ready} of ${total} ready${down.length > 0 ? `, down: ${down.join(', ')}` : ''}`;
}

function attentionLines(run: string, one: RunStatus['attention'][number], paint: Paint): string[] {
  return [
    paint.warn(`  needs attention: ${printable(one.step)} failed with ${one.code}`),
    `    ${printable(one.message).slice(0, 400)}`,
    `    decide with: ${one.choices.map((choice) => `laurel ${choice} ${run}${choice === 'stop' ? '' : ` --attention ${one.id}`}`).join('   ')}`,
  ];
}

/** A row for each mean, a column for each version. */
export function evaluationTable(evaluations: RunStatus['evaluations']): string[] {
  if (evaluations.length === 0) return [];
  const names = [...new Set(evaluations.flatMap((one) => Object.keys(one.means)))];
  const rows = [
    ['', ...evaluations.map((one) => `version ${one.version} (${one.episodes} episodes)`)],
    ...names.map((name) => [
      formatName(name.replace(/^return\./, 'return ')),
      ...evaluations.map((one) => {
        const mean = one.means[name];
        return mean ? `${formatNumber(mean.mean)} ± ${formatNumber(mean.halfWidth)}` : '-';
      }),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('   ').trimEnd());
}
