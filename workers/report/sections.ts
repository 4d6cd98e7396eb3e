/** The parts of the page, each from the data alone; a part with nothing to show is empty. */
import type { RunStatus } from '../../proto/status.js';
import { timeOf, toldRun } from '../../proto/told.js';
import { barChart, lineChart } from './charts.js';
import { escapeHtml, figure, formatCount, formatDuration, formatName, formatNumber, section, table } from './html.js';
import type { ReportData } from './report-data.js';
import { metricPoints, namesWith, smooth, throughput, type Curve } from './series.js';

const TRANSITIONS = 'trained transitions';

/** Curves of several metrics in one plot; '' where none has a point. */
async function metricChart(data: ReportData, metrics: readonly (readonly [metric: string, name: string])[], label: string, smoothed = true): Promise<string> {
  const raw = metrics.map(([metric, name]): Curve => ({ name, points: metricPoints(data.metrics, metric) })).filter((curve) => curve.points.length > 0);
  if (raw.length === 0) return '';
  const shown = smoothed ? raw.map((curve) => ({ ...curve, points: smooth(curve.points) })) : raw;
  return lineChart({ curves: shown, ...(smoothed && { behind: raw }), xName: TRANSITIONS, label });
}

export async function learningSection(data: ReportData): Promise<string> {
  const names = namesWith(data.metrics, 'reward.');
  const parts = names.filter((name) => name !== 'total').map((name) => [`reward.${name}`, formatName(name)] as const);
  const figures = [
    figure('Reward by component', await metricChart(data, [['reward.total', 'total'], ...parts], 'mean reward per transition by component'), 'mean per transition that was trained on; total is what the policy learns from'),
    figure('Share of unknown rewards', await metricChart(data, names.filter((name) => data.metrics.some((line) => (line.values[`masked.${name}`] ?? 0) > 0)).map((name) => [`masked.${name}`, formatName(name)] as const), 'share of masked rewards by component'), 'a message without a label is masked, never counted as 0'),
    figure('Return of an episode', await metricChart(data, namesWith(data.metrics, 'episodes.return.').map((name) => [`episodes.return.${name}`, formatName(name)] as const), 'mean return of the newest episodes'), 'mean over the newest episodes, reward of the environment itself'),
    figure('Length of an episode', await metricChart(data, [['episodes.length', 'steps']], 'mean length of the newest episodes'), 'steps, mean over the newest episodes'),
    ...(await statisticFigures(data)),
  ].join('');
  return figures === '' ? '' : section('What it learned', 'Pale: as measured. Strong: moving mean.', `<div class="grid">${figures}</div>`);
}

/** Whatever the environment counts for each episode (dungeon level, keys found, ...). */
async function statisticFigures(data: ReportData): Promise<string[]> {
  // What never happened needs no plot; the evaluation table has its 0.
  const happened = (name: string): boolean => data.metrics.some((line) => (line.values[`episodes.${name}`] ?? 0) !== 0);
  const names = namesWith(data.metrics, 'episodes.').filter((name) => name !== 'count' && name !== 'length' && !name.startsWith('return.') && happened(name));
  return Promise.all(names.map(async (name) => figure(`Episodes: ${formatName(name)}`, await metricChart(data, [[`episodes.${name}`, formatName(name)]], `mean ${formatName(name)} of the newest episodes`), 'mean over the newest episodes')));
}

export async function learnerSection(data: ReportData): Promise<string> {
  const names = namesWith(data.metrics, 'learner.');
  const pick = (pattern: RegExp): (readonly [string, string])[] => names.filter((name) => pattern.test(name)).map((name) => [`learner.${name}`, formatName(name)] as const);
  const rest = names.filter((name) => !/loss|entropy/i.test(name) && data.metrics.some((line) => (line.values[`learner.${name}`] ?? 0) !== 0));
  const figures = [
    figure('Losses', await metricChart(data, pick(/loss/i), 'losses')),
    figure('Entropy of the policy', await metricChart(data, pick(/entropy/i), 'entropy')),
    figure('Policy lag', await metricChart(data, [['lag', 'versions']], 'policy lag', false), 'versions between the policy that acted and the one that learned, oldest segment of each batch'),
    ...(await Promise.all(rest.map(async (name) => figure(formatName(name), await metricChart(data, [[`learner.${name}`, formatName(name)]], formatName(name)))))),
  ].join('');
  return figures === '' ? '' : section('The learner', '', `<div class="grid">${figures}</div>`);
}

export async function throughputSection(data: ReportData): Promise<string> {
  const points = throughput(data.metrics);
  const chart = points.length < 2 ? '' : await lineChart({ curves: [{ name: 'transitions/s', points: smooth(points, 0.1) }], behind: [{ name: 'transitions/s', points }], xName: 'seconds since the start', label: 'trained transitions per second' });
  const spent = Object.entries(data.status?.spentMs ?? {}).sort(([, a], [, b]) => b - a);
  const bars = spent.length === 0 ? '' : barChart({ bars: spent.map(([name, value]) => ({ name: formatName(name), value, text: formatDuration(value) })), label: 'time spent by kind of work' });
  const figures = figure('Transitions per second', chart, 'trained on') + figure('Where the time went', bars, 'time inside the calls of each kind; kinds run beside each other, so the sum is more than the run took');
  return figures === '' ? '' : section('Throughput', '', `<div class="grid">${figures}</div>`);
}

export function evaluationSection(data: ReportData): string {
  if (data.evaluations.length === 0) return '';
  const names = [...new Set(data.evaluations.flatMap((one) => Object.keys(one.means)))];
  const head = ['', ...data.evaluations.map((one) => `version ${formatCount(one.version)}<br><span class="soft">${formatCount(one.episodes)} episodes${one.failed > 0 ? `, ${one.failed} failed` : ''}</span>`)];
  const first = data.evaluations[0];
  const rows = names.map((name) => [
    escapeHtml(formatName(name)),
    ...data.evaluations.map((one) => {
      const mean = one.means[name];
      if (!mean) return '–';
      const before = one === first ? undefined : first?.means[name];
      const apart = before !== undefined && Math.abs(mean.mean - before.mean) > mean.halfWidth + before.halfWidth;
      return `<span${apart ? ' class="good"' : ''}>${formatNumber(mean.mean)} <span class="soft">± ${formatNumber(mean.halfWidth)}</span></span>`;
    }),
  ]);
  const note = 'Mean and 95 % interval over episodes with the same seeds for every version; marked where the interval is apart from that of the first column.';
  return section('Evaluation', note, figure('Means over episodes', table(head, rows, [false, ...data.evaluations.map(() => true)])));
}

export function ledgerSection(data: ReportData): string {
  const ledger = data.status?.ledger;
  if (!ledger) return '';
  const rows: [string, number][] = [
    ['trained', ledger.trained],
    ['stale: its policy was too old', ledger.stale],
    ...Object.entries(ledger.filtered).map(([reason, count]): [string, number] => [`filtered: ${formatName(reason)}`, count]),
    ...Object.entries(ledger.failed).map(([reason, count]): [string, number] => [`failed: ${formatName(reason)}`, count]),
    ['voided', ledger.voided],
    ['open', ledger.open],
  ];
  const share = (count: number): string => (ledger.collected === 0 ? '–' : `${((100 * count) / ledger.collected).toFixed(1)} %`);
  const cells = rows.map(([name, count]) => [escapeHtml(name), formatCount(count), share(count)]);
  const status = data.status as RunStatus;
  const facts = table(
    ['', ''],
    [
      ['continued as new', `${formatCount(status.continuedRuns)} times`],
      ['newest checkpoint', `version ${formatCount(status.checkpoint)}`],
      ['step of an environment group, median', `${formatNumber(status.stepMsP50)} ms`],
      ['step of an environment group, 99th percentile', `${formatNumber(status.stepMsP99)} ms`],
      ['weights in force', escapeHtml(Object.entries(status.weights).map(([name, weight]) => `${name} ${formatNumber(weight)}`).join(', '))],
    ],
    [false, true],
  );
  return section('Ledger', `Every one of the ${formatCount(ledger.collected)} collected segments ended in exactly one of these.`, `<div class="grid">${figure('Segments', table(['disposition', 'segments', 'share'], [...cells, ['<b>collected</b>', `<b>${formatCount(ledger.collected)}</b>`, '']], [false, true, true]))}${figure('The run', facts)}</div>`);
}

/** '' where nobody told it anything. */
export function toldSection(status: RunStatus | null | undefined): string {
  const rows = status ? toldRun(status).map(({ atMs, by, what }) => [timeOf(atMs), by === null ? '–' : escapeHtml(by), escapeHtml(what)]) : [];
  return rows.length === 0 ? '' : section('What it was told', 'By whom and when, the newest of each kind; laurel: a parked step that was tried again, or left behind, by itself.', table(['when', 'by', 'what'], rows));
}
