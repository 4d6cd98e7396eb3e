/** The live page of a run in the Temporal UI, as markdown. */
import { warningText } from '../proto/quality.js';
import type { RunStatus } from '../proto/status.js';
import { byText, pausedBy, timeOf, toldRun } from '../proto/told.js';

/** Waits and calls shown; a run of a thousand shards has more than anybody reads. */
export const LINES_MAX = 16;
/** The newest things that it was told. */
const TOLD_SHOWN = 4;
const TOLD_CHARACTERS_MAX = 200;

/** The UI draws tables without space between columns, so each cell brings its own. */
const GAP = '\u2003';

/** @param linesThere waits and calls that there are; the status may hold fewer */
export function runDetails(status: RunStatus, linesThere = 0): string {
  return [headline(status), paused(status), stall(status), attention(status), suspicions(status), table(status), rewardTable(status), annotationTable(status), budgetTable(status), qualityTable(status), modelTable(status), ledgerLine(status), told(status), waits(status, linesThere)].filter((part) => part !== '').join('\n\n');
}

export function headline(status: RunStatus): string {
  return `### ${status.job} · ${status.state} · ${Math.floor(status.progress * 100)} %`;
}

export function paused(status: RunStatus): string {
  const pause = pausedBy(status);
  return pause === undefined ? '' : `> **Paused${spaced(pause.by)} at ${timeOf(pause.atMs)}.** Send the update \`resume\` to go on.`;
}

/** Who told it what, the newest last. */
export function told(status: RunStatus): string {
  const lines = toldRun(status).slice(-TOLD_SHOWN);
  return lines.length === 0 ? '' : ['Told:', '', ...lines.map(({ atMs, by, what }) => `- ${timeOf(atMs)}${spaced(by)}: ${plain(what, TOLD_CHARACTERS_MAX)}`)].join('\n');
}

function spaced(by: string | null): string {
  const text = plain(byText(by), TOLD_CHARACTERS_MAX);
  return text === '' ? '' : ` ${text}`;
}

function stall({ stall }: RunStatus): string {
  if (stall === null) return '';
  return [`> **No progress since ${new Date(stall.sinceMs).toISOString().slice(11, 19)} UTC**`, ...stall.why.map((why) => `> - ${why}`)].join('\n');
}

export function attention(status: RunStatus): string {
  return status.attention
    .map((one) => `> **Needs attention (${one.id}): ${one.step}** failed with \`${one.code}\`: ${one.message}\n>\n> ${one.nextTryAtMs == null ? 'It waits for a decision' : `It is tried again by itself at ${new Date(one.nextTryAtMs).toISOString().slice(11, 19)} UTC`}. Send the update ${one.choices.map((choice) => `\`${choice}\``).join(', ')} with \`{"id": "${one.id}"}\`.`)
    .join('\n\n');
}

function table(status: RunStatus): string {
  const rows: [string, string][] = [
    ['policy version', `${status.version} (checkpoint ${status.checkpoint}, ${count(status.parameters)} parameters)`],
    ['transitions', `${count(status.transitionsTrained)} trained, ${count(status.transitionsCollected)} collected, ${count(status.transitionsPerSecond)}/s`],
    ['policy lag', `${status.lagLast} now, ${status.lagMax} at most`],
    ['queue', `${status.segmentsQueued} segments`],
    ['episodes', `${count(status.episodes.count)} ended, ${status.episodes.failed} failed${(status.episodes.nondeterministic ?? 0) > 0 ? ` (${status.episodes.nondeterministic} not deterministic)` : ''}${status.episodes.lengthMean === null ? '' : `, ${number(status.episodes.lengthMean)} steps`}`],
    ...Object.entries(status.episodes.returnMeans).map(([name, value]): [string, string] => [`return (${words(name)})`, number(value)]),
    ...Object.entries(status.episodes.statisticMeans).map(([name, value]): [string, string] => [words(name), number(value)]),
    ...Object.entries(status.learner)
      .filter(([name]) => /loss|entropy|norm/i.test(name))
      .map(([name, value]): [string, string] => [words(name), number(value)]),
    ['history', `${count(status.historyEvents)} events${status.continuedRuns === 0 ? '' : `, after ${status.continuedRuns} that were continued`}`],
  ];
  return markdownTable(['', ''], rows);
}

function rewardTable(status: RunStatus): string {
  const rows = Object.entries(status.rewards).map(([name, { mean, maskedShare }]) => [name, number(mean), `${number(100 * maskedShare)} %`, name === 'total' ? '' : number(status.weights[name] ?? status.multipliers?.[`total.${name}`] ?? 0)]);
  return rows.length === 0 ? '' : markdownTable(['reward', 'mean per transition', 'unknown', 'weight'], rows);
}

function annotationTable(status: RunStatus): string {
  const rows = status.annotations.map((one) => {
    const perSecond = one.annotateMs > 0 ? number((1000 * one.made) / one.annotateMs) : '0';
    return [one.source, count(one.log.labels), count(one.made), count(one.waiting), String(one.unparsable), perSecond];
  });
  return rows.length === 0 ? '' : markdownTable(['annotator', 'labels', 'made by this run', 'waiting', 'unparsable', 'labels/s'], rows);
}

function budgetTable(status: RunStatus): string {
  const rows = status.annotations.flatMap(({ source, budget }) => (budget?.uses ?? []).map(({ scope, unit, used, limit }) => [source, `${unit}, ${scope}`, number(used), limit === null ? '' : number(limit), budget?.parked?.scope === scope && budget.parked.unit === unit ? '**used up: nothing is asked**' : '']));
  return rows.length === 0 ? '' : markdownTable(['annotator', 'budget', 'used', 'of', ''], rows);
}

/** Rewards that look as if the policy had found a hole in them. */
function suspicions({ rewardQuality }: RunStatus): string {
  return (rewardQuality?.warnings ?? []).map((warning) => `> **Looks suspicious.** ${warningText(warning, plain)}`).join('\n>\n');
}

function qualityTable(status: RunStatus): string {
  const percent = (value: number | null | undefined): string => (value === null || value === undefined ? '' : `${number(100 * value)} %`);
  const rows = status.annotations.flatMap(({ source, quality }) => {
    const paid = status.rewardQuality?.sources.find((one) => one.source === source);
    const [most] = paid?.top ?? [];
    if (quality === undefined && most === undefined) return [];
    const { agreement = null, drift } = quality ?? {};
    const agrees = agreement === null || agreement.accuracy === null ? '' : `${percent(agreement.accuracy)} of ${agreement.count}${agreement.kappa === null ? '' : `, kappa ${number(agreement.kappa)}`}`;
    return [[source, agrees, agreement?.ece == null ? '' : number(agreement.ece), drift?.z == null ? '' : `${percent(drift.early)} to ${percent(drift.late)}`, most === undefined ? '' : `${percent(most.share)}: ${plain(most.key)}`]];
  });
  return rows.length === 0 ? '' : markdownTable(['quality', 'agrees with labelled messages', 'calibration error', 'positive rate', 'most rewarding message'], rows);
}

/** A message as text that is no markdown. */
function plain(text: string, charactersMax = 80): string {
  // eslint-disable-next-line no-control-regex -- that is what is taken out
  return text.slice(0, charactersMax).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').replace(/[\\`*_{}[\]<>()#+!|~&]/g, (character) => `\\${character}`).trim();
}

function modelTable(status: RunStatus): string {
  const rows = (status.rewardModels ?? []).map(({ source, fit, used, newest, nextLabels }) => {
    const { accuracy, majority } = newest?.metrics ?? {};
    const tested = accuracy === undefined || majority === undefined ? '' : `${number(100 * accuracy)} % against ${number(100 * majority)} %`;
    return [`${source} (${fit})`, used === null ? 'none yet' : `from ${count(used.labels)} labels`, tested, nextLabels === null ? '' : `at ${count(nextLabels)} labels`];
  });
  return rows.length === 0 ? '' : markdownTable(['reward model', 'in use', 'held-out accuracy against a majority guess', 'next version'], rows);
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => `${cell}${GAP}`).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function ledgerLine(status: RunStatus): string {
  const { ledger } = status;
  const named = [...Object.entries(ledger.filtered), ...Object.entries(ledger.failed)].map(([reason, value]) => `, ${value} ${reason}`).join('');
  const restored = Object.entries(status.restored ?? {}).map(([kind, value]) => `${value} ${kind}${value === 1 ? '' : 's'}`);
  const { swept } = status;
  const removed = swept === undefined || swept.objects === 0 ? '' : ` Swept: ${count(swept.objects)} objects, ${count(swept.bytes / 1e6)} MB.`;
  const again = restored.length === 0 ? '' : ` Damaged and made again: ${restored.join(', ')}.`;
  return `Segments: ${count(ledger.collected)} collected = ${count(ledger.trained)} trained, ${ledger.stale} stale${named}, ${ledger.voided} voided, ${ledger.open} open.${again}${removed}`;
}

export function waits(status: RunStatus, linesThere = 0): string {
  const lines = [...status.waits, ...status.underWay.map((call) => `under way: ${call}`)];
  const more = Math.max(linesThere, lines.length) - LINES_MAX;
  return [...lines.slice(0, LINES_MAX), ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `- ${line}`).join('\n');
}

/** `exploredSquares` gives `explored squares`. */
function words(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
}

function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

export function number(value: number): string {
  return Math.abs(value) >= 1000 ? count(value) : String(Number(value.toPrecision(3)));
}
