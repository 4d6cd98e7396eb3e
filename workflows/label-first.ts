/** Fit `offline`: its data set is labelled and its model trained before the first update; then nothing more is asked. */
import { parkedBy, untilBudget } from './annotation-budget.js';
import { collectShard } from './collect-step.js';
import type { RunContext } from './run-context.js';
import { fitDue, trainedSources } from './fit-state.js';
import { fitSource } from './fit-steps.js';
import type { TrainingState } from './training-state.js';
import { annotateSource } from './run-steps.js';

/** Rounds of collecting and asking at most: an environment that shows too few messages must not hold the run for ever. */
const ROUNDS_MAX = 64;
/** Pause after a judge did not answer. */
const RETRY_MS = 5_000;

/** A run that has not been trained yet has an offline model to make. */
export function labelsFirst(state: TrainingState): boolean {
  return (state.policy?.version ?? 0) === 0 && trainedSources(state.job).some(({ fit }) => fit.kind === 'offline');
}

export async function labelFirst(context: RunContext): Promise<void> {
  for (const { source, fit } of trainedSources(context.state.job)) {
    if (fit.kind !== 'offline') continue;
    for (let round = 0; round < ROUNDS_MAX && !context.ending && lacksLabels(context, source); round++) {
      await context.waitFor(`data set of ${source}`, 'the run is paused', () => context.ending || !context.state.paused);
      await collectOnce(context);
      await ask(context, source);
    }
    if (fitDue(context.state, source, fit)) await fitSource(context, source);
  }
}

function lacksLabels(context: RunContext, source: string): boolean {
  const one = trainedSources(context.state.job).find((trained) => trained.source === source);
  return one !== undefined && context.state.fits?.[source] === undefined && context.state.annotations[source] !== undefined && !fitDue(context.state, source, one.fit);
}

async function collectOnce(context: RunContext): Promise<void> {
  await Promise.all(context.state.shards.map((_shard, index) => collectShard(context, index)));
}

/** Until nothing waits or the data set is whole. */
async function ask(context: RunContext, source: string): Promise<void> {
  const drain = context.state.job.schedule.mode === 'lockstep';
  const waiting = (): boolean => (context.state.annotations[source]?.window.some((one) => !one.seen) ?? false) || (context.state.annotations[source]?.waiting ?? 0) > 0;
  while (!context.ending && waiting() && lacksLabels(context, source)) {
    const failure = await annotateSource(context, source, drain);
    if (parkedBy(context.state, source)) await untilBudget(context, `data set of ${source}`, source, () => context.ending);
    if (failure !== undefined) await context.waitAtMost(`data set of ${source}`, `the judge did not answer: ${failure.code} ${failure.message}`, RETRY_MS, () => context.ending);
  }
}
