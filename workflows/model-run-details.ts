/** The live page of a run without rollouts in the Temporal UI, as markdown. */
import type { RunStatus } from '../proto/status.js';
import { attention, headline, markdownTable, number, paused, told, waits } from './run-details.js';

export function modelRunDetails(status: RunStatus): string {
  return [headline(status), paused(status), attention(status), stepTable(status), evaluationTable(status), told(status), waits(status)].filter((part) => part !== '').join('\n\n');
}

function stepTable({ steps = [] }: RunStatus): string {
  const rows = steps.filter(({ kind }) => kind !== 'evaluate').map((step) => [step.kind, step.name, step.of === 0 ? step.state : `${step.done} of ${step.of} steps${step.state === 'left-out' ? ', left out' : ''}`, step.metrics['loss'] === undefined ? '' : number(step.metrics['loss'])]);
  return rows.length === 0 ? '' : markdownTable(['', '', '', 'loss'], rows);
}

function evaluationTable({ evaluations, steps = [] }: RunStatus): string {
  const names = steps.filter(({ kind, state }) => kind === 'evaluate' && state === 'done').map(({ name }) => name);
  const rows = evaluations.flatMap((one, index) => Object.entries(one.means).slice(0, 3).map(([what, { mean, halfWidth }]) => [names[index] ?? '', what, `${number(mean)} ± ${number(halfWidth)}`]));
  return rows.length === 0 ? '' : markdownTable(['evaluation', 'figure', ''], rows);
}
