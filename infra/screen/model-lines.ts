/** A run without rollouts on the screen: its steps and figures. Pure. */
import type { EvaluationRef } from '../../proto/references.js';
import type { RunStatus, StepStatus } from '../../proto/status.js';
import { formatCount, formatNumber } from './format.js';

/** The newest evaluations shown, and figures of each. */
const EVALUATIONS_SHOWN = 6;
const FIGURES_SHOWN = 3;

export function modelRows(status: RunStatus): [string, string][] {
  const steps = status.steps ?? [];
  const made = steps.filter(({ kind }) => kind !== 'evaluate');
  const under = made.find(({ state }) => state === 'waiting');
  return [
    ['steps', `${stepsText(steps)}, ${formatCount(status.version)} optimiser steps`],
    ...(under === undefined ? [] : [['now', stepText(under)] as [string, string]]),
    ...evaluationRows(status),
  ];
}

export function modelPlainParts(status: RunStatus): string[] {
  return [stepsText(status.steps ?? []), `${formatCount(status.version)} optimiser steps`, `${status.evaluations.length} evaluations`];
}

/** Name and figures of each of the newest evaluations. */
export function evaluationRows(status: RunStatus): [string, string][] {
  const names = (status.steps ?? []).filter(({ kind }) => kind === 'evaluate').map(({ name }) => name);
  return status.evaluations.slice(-EVALUATIONS_SHOWN).map((one) => [names[one.version] ?? 'evaluation', figuresText(one)]);
}

function figuresText({ means }: EvaluationRef): string {
  const figures = Object.entries(means);
  const shown = figures.slice(0, FIGURES_SHOWN).map(([name, { mean, halfWidth }]) => `${name} ${formatNumber(mean)}${halfWidth > 0 ? ` ± ${formatNumber(halfWidth)}` : ''}`);
  return [...shown, ...(figures.length > FIGURES_SHOWN ? [`${figures.length - FIGURES_SHOWN} more`] : [])].join(', ');
}

function stepsText(steps: readonly StepStatus[]): string {
  const out = steps.filter(({ state }) => state === 'left-out').length;
  return `${steps.filter(({ state }) => state === 'done').length} of ${steps.length} done${out > 0 ? `, ${out} left out` : ''}`;
}

function stepText({ kind, name, done, of }: StepStatus): string {
  return `${kind} ${name}${of > 0 ? `, ${formatCount(done)} of ${formatCount(of)} steps` : ''}`;
}
