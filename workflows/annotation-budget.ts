/** Annotation that a budget has parked: what it waits for, and the bounds in force. */
import { parkingText, withBudget, type BudgetParking } from '../proto/budget.js';
import type { AnnotatorSpec } from '../proto/judges.js';
import type { RunContext } from './run-context.js';
import type { TrainingState } from './training-state.js';

/** The annotator of the job with what was steered since. */
export function annotatorInForce(state: TrainingState, source: string, spec: AnnotatorSpec): AnnotatorSpec {
  const bounds = state.annotationBounds?.[source];
  return bounds?.budget === undefined ? { ...spec, ...bounds } : { ...spec, ...bounds, budget: withBudget(spec.budget, bounds.budget) };
}

/** The budget that keeps a source from asking; undefined: none does, or it was raised. */
export function parkedBy(state: TrainingState, source: string): BudgetParking | undefined {
  const spec = state.job.sources[source];
  const parked = state.annotations[source]?.budget?.parked;
  if (!parked || spec?.kind !== 'model') return undefined;
  const limit = annotatorInForce(state, source, spec.annotator).budget?.[parked.scope]?.[parked.unit];
  return limit !== undefined && limit <= parked.limit ? parked : undefined;
}

/** Waits until the budget was raised, or has room again by itself. */
export async function untilBudget(context: RunContext, owner: string, source: string, over: () => boolean): Promise<void> {
  const parked = parkedBy(context.state, source);
  if (parked === undefined || over()) return;
  const raised = (): boolean => over() || parkedBy(context.state, source) === undefined;
  if (parked.retryAfterMs === null) await context.waitFor(owner, `${parkingText(parked)}; steer raises it`, raised);
  else await context.waitAtMost(owner, `${parkingText(parked)}; there is room again by itself, or steer raises it`, parked.retryAfterMs, raised);
}
