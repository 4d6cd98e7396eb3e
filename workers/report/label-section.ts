/** What the language model taught: label counts, probabilities, and the most common messages with their labels. */
import { normalKey } from '../annotator/normal-form.js';
import { barChart, lineChart } from './charts.js';
import { escapeHtml, figure, formatCount, formatName, formatNumber, section, table } from './html.js';
import type { MessageVerdict, ReportAnnotation, ReportData } from './report-data.js';
import { metricPoints, type Curve } from './series.js';

const MESSAGES_SHOWN = 40;

export async function labelSection(data: ReportData): Promise<string> {
  const figures = [
    figure('Labels over time', await countChart(data), 'known to the annotator, and messages that wait for an answer'),
    ...data.annotations.map((one) => figure(`Answers: ${one.source}`, answerTable(one), `${one.model}, annotator ${one.annotator}`)),
    ...data.annotations.map((one) => figure(`Probability that a message is helpful: ${one.source}`, histogram(one), 'messages by tenths of the probability')),
  ].join('');
  const messages = messageTable(data);
  if (figures === '' && messages === '') return '';
  return section('What the language model said', '', `<div class="grid">${figures}</div>${messages === '' ? '' : `<div style="margin-top:16px">${messages}</div>`}`);
}

async function countChart(data: ReportData): Promise<string> {
  const sources = Object.entries(data.job.sources).filter(([, source]) => source.kind === 'model').map(([name]) => name);
  const curves = sources
    .flatMap((source): Curve[] => [
      { name: sources.length > 1 ? `${source}: labels` : 'labels', points: metricPoints(data.metrics, `labels.${source}`) },
      { name: sources.length > 1 ? `${source}: waiting` : 'waiting', points: metricPoints(data.metrics, `labels.${source}.waiting`) },
    ])
    .filter((curve) => curve.points.length > 0);
  return curves.length === 0 ? '' : lineChart({ curves, xName: 'trained transitions', label: 'number of labels over time' });
}

function answerTable(one: ReportAnnotation): string {
  const { statuses } = one;
  const asked = Object.values(statuses).reduce((total, count) => total + count, 0);
  if (asked === 0) return '';
  const rows: [string, string][] = [
    ['labels', formatCount(statuses.ok)],
    ['unparsable', formatCount(statuses.unparsable)],
    ['refused', formatCount(statuses.refused)],
    ['errors', formatCount(statuses.error)],
    ['mean time of an answer', `${formatNumber(one.latencyMsMean)} ms`],
    ['tokens read, written', `${formatCount(one.tokensIn)}, ${formatCount(one.tokensOut)}`],
  ];
  return table(['', ''], rows, [false, true]);
}

function histogram(one: ReportAnnotation): string {
  if (one.probabilities.every((count) => count === 0)) return '';
  const bars = one.probabilities.map((count, index) => ({ name: `${(index / 10).toFixed(1)} – ${((index + 1) / 10).toFixed(1)}`, value: count, text: formatCount(count) }));
  return barChart({ bars, label: `messages by probability, ${one.source}` });
}

function messageTable(data: ReportData): string {
  const { messages, annotations } = data;
  if (messages.common.length === 0) return '';
  const head = ['message', 'per 1,000 transitions', ...annotations.map((one) => escapeHtml(annotations.length > 1 ? `helpful: ${one.source}` : 'helpful'))];
  const rows = messages.common.slice(0, MESSAGES_SHOWN).map((message) => [
    escapeHtml(message.text),
    formatNumber((1000 * message.count) / Math.max(1, messages.transitions)),
    ...annotations.map((one) => verdictCell(one.verdicts.get(normalKey(one.form, message.key)), thresholdOf(data, one.source))),
  ]);
  const body = table(head, rows, [false, true, ...annotations.map(() => false)]).replace(/<tr><td>/g, '<tr><td class="message">');
  const note = `counted in ${formatCount(messages.segments)} of ${formatCount(messages.segmentsInAll)} segments spread over the run, ${formatCount(messages.distinct)} distinct messages in ${formatCount(messages.transitions)} transitions`;
  return figure('The most common messages and their labels', body, note);
}

function thresholdOf(data: ReportData, source: string): number {
  const spec = data.job.sources[source];
  return spec?.kind === 'model' ? spec.annotator.threshold : 0.5;
}

function verdictCell(verdict: MessageVerdict | undefined, threshold: number): string {
  if (verdict === undefined) return '<span class="soft">not asked yet</span>';
  if (verdict.probability === null) return `<span class="bad">${escapeHtml(formatName(verdict.status))}</span>`;
  const above = verdict.probability > threshold;
  return `<span class="probability"><i style="width:${(100 * verdict.probability).toFixed(0)}%"></i></span><span class="${above ? 'good' : 'soft'}">${verdict.probability.toFixed(2)}${above ? ' helpful' : ''}</span>`;
}
