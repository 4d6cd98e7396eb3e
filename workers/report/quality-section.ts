/** How far the language model can be trusted, and whether the rewards look as if the policy had found a hole in them. */
import { warningText, type PaymentFigures } from '../../proto/quality.js';
import { cleanText, decodeText } from '../annotator/prompts/message-text.js';
import { textOfKey } from '../annotator/text-key.js';
import { lineChart } from './charts.js';
import { escapeHtml, figure, formatCount, formatNumber, section, table } from './html.js';
import type { ReportAnnotation, ReportData } from './report-data.js';
import { metricPoints } from './series.js';

/** Standard errors beyond which a change of the positive rate is marked. */
const DRIFT_MARKED = 3;

export async function qualitySection(data: ReportData): Promise<string> {
  const warnings = (data.rewardQuality?.warnings ?? []).map((warning) => `<li class="bad">${escapeHtml(warningText(warning, (key) => `“${shown(key)}”`))}</li>`);
  const figures = [
    ...data.annotations.map((one) => figure(`Agreement with labelled messages: ${one.source}`, agreementTable(one), agreementNote(one))),
    ...(await Promise.all(data.annotations.map(async (one) => figure(`Calibration: ${one.source}`, await calibrationChart(one), 'labelled messages by tenths of the probability; a calibrated judge lies on the pale line')))),
    ...(await Promise.all(data.annotations.map(async (one) => figure(`Positive verdicts over the log: ${one.source}`, await driftChart(one), driftNote(one))))),
    ...data.annotations.map((one) => figure(`Messages that differ only in numbers, case or blanks: ${one.source}`, disagreementTable(one), disagreementNote(one))),
    ...(data.rewardQuality?.sources ?? []).map((one) => figure(`Most rewarding messages: ${one.source}`, paymentTable(one), paymentNote(data, one))),
    figure('Agreement over time', await agreementChart(data), 'kappa with the labelled messages that were answered by then'),
  ].join('');
  if (figures === '' && warnings.length === 0) return '';
  const list = warnings.length === 0 ? '' : `<ul class="warnings">${warnings.join('')}</ul>`;
  return section('Can it be trusted', '', `${list}<div class="grid">${figures}</div>`);
}

function agreementTable({ quality: { agreement } }: ReportAnnotation): string {
  if (agreement === null || agreement.count === 0) return '';
  const { truePositive, falsePositive, falseNegative, trueNegative } = agreement.confusion;
  const confusion = table(['', 'judge: helpful', 'judge: not'], [['labelled helpful', formatCount(truePositive), formatCount(falseNegative)], ['labelled not helpful', formatCount(falsePositive), formatCount(trueNegative)]], [false, true, true]);
  const rows: [string, string][] = [
    ['accuracy', share(agreement.accuracy)],
    ['always saying the more common label', share(Math.max(agreement.positives, agreement.count - agreement.positives) / agreement.count)],
    ["Cohen's kappa", orDash(agreement.kappa)],
    ['area under the ROC curve', orDash(agreement.auc)],
    ['Brier score', orDash(agreement.brier)],
    ['expected calibration error', orDash(agreement.ece)],
  ];
  return `${confusion}${table(['', ''], rows, [false, true])}`;
}

function agreementNote({ quality: { agreement } }: ReportAnnotation): string {
  return agreement === null ? '' : `${formatCount(agreement.count)} of ${formatCount(agreement.of)} labelled messages have an answer`;
}

async function calibrationChart({ quality: { agreement } }: ReportAnnotation): Promise<string> {
  const points = (agreement?.bins ?? []).flatMap((bin): [number, number][] => (bin.probability === null || bin.positiveShare === null ? [] : [[bin.probability, bin.positiveShare]]));
  if (points.length < 2) return '';
  return lineChart({ curves: [{ name: 'share that is helpful', points }], behind: [{ name: 'calibrated', points: [[0, 0], [1, 1]] }], xName: 'probability that the judge gave', label: 'share of helpful messages by probability' });
}

async function driftChart({ quality: { drift } }: ReportAnnotation): Promise<string> {
  if (drift.windows.length < 2) return '';
  const points = drift.windows.map(({ from, to, positive }): [number, number] => [(from + to) / 2, positive / (to - from)]);
  return lineChart({ curves: [{ name: 'share of positive verdicts', points }], xName: 'labels', label: 'share of positive verdicts over the label log' });
}

function driftNote({ quality: { drift } }: ReportAnnotation): string {
  if (drift.early === null || drift.late === null) return '';
  const size = drift.z === null ? '' : `, ${formatNumber(Math.abs(drift.z))} standard errors${Math.abs(drift.z) > DRIFT_MARKED ? ': the judge is asked about other messages than at first, or answers otherwise' : ''}`;
  return `first half ${share(drift.early)}, second half ${share(drift.late)}${size}`;
}

function disagreementTable({ quality: { disagreement } }: ReportAnnotation): string {
  if (disagreement.examples.length === 0) return '';
  const rows = disagreement.examples.map(({ form, positive, count }) => [escapeHtml(shown(form)), `${formatCount(positive)} of ${formatCount(count)}`]);
  return table(['message, numbers as #', 'called helpful'], rows, [false, true]).replace(/<tr><td>/g, '<tr><td class="message">');
}

function disagreementNote({ quality: { disagreement } }: ReportAnnotation): string {
  return `${formatCount(disagreement.differ)} of ${formatCount(disagreement.messages)} such messages have another verdict than most of their kind`;
}

function paymentTable({ top }: PaymentFigures): string {
  if (top.length === 0) return '';
  const rows = top.map(({ key, paid, count, share: part }) => [escapeHtml(shown(key)), share(part), formatNumber(paid), formatCount(count)]);
  return table(['message', 'of all reward', 'paid', 'times'], rows, [false, true, true, true]).replace(/<tr><td>/g, '<tr><td class="message">');
}

function paymentNote({ rewardQuality }: ReportData, { observations, known, paying }: PaymentFigures): string {
  return `in ${formatCount(rewardQuality?.segments ?? 0)} segments spread over the run: ${formatCount(paying)} messages pay, ${share(observations === 0 ? null : known / observations)} of the messages seen had a label when they were trained on`;
}

async function agreementChart(data: ReportData): Promise<string> {
  const curves = data.annotations.map(({ source }) => ({ name: source, points: metricPoints(data.metrics, `quality.${source}.kappa`) })).filter(({ points }) => points.length > 1);
  return curves.length === 0 ? '' : lineChart({ curves, xName: 'trained transitions', label: 'agreement of the judge with labelled messages over time' });
}

const shown = (key: string): string => cleanText(decodeText(textOfKey(key)));
const share = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(1)} %`);
const orDash = (value: number | null): string => (value === null ? '–' : formatNumber(value));
