/** The making of reward models beside the other loops. */
import type { RunContext } from './run-context.js';
import { reward } from './run-context.js';
import { fitDue, trainedSources } from './fit-state.js';

/** Makes the versions that are due for a source; a step that is left out is tried again with the next labels. */
export async function fitSource(context: RunContext, source: string): Promise<void> {
  const spec = context.state.job.sources[source];
  const one = trainedSources(context.state.job).find((trained) => trained.source === source);
  const log = context.state.annotations[source]?.log;
  if (spec?.kind !== 'model' || one === undefined || log === undefined || !fitDue(context.state, source, one.fit)) return;
  const summary = `${source} · ${one.fit.kind} · ${log.labels} labels`;
  const input = { source, log, fit: one.fit, threshold: spec.annotator.threshold };
  const result = await context.guarded(`fit ${summary}`, () => reward.fit.executeWithOptions({ summary }, [input]));
  const none = { model: null, newest: null, nextLabels: log.labels + (one.fit.kind === 'offline' ? 1 : one.fit.labelsEvery), made: 0, fitMs: 0 };
  context.apply({ type: 'fitted', source, position: log.position, result: result ?? { ...none, model: context.state.fits?.[source]?.model ?? null } });
}

/** Async: a fit runs while rollouts, questions and updates go on. */
export async function fitLoop(context: RunContext, source: string, over: () => boolean): Promise<void> {
  const one = trainedSources(context.state.job).find((trained) => trained.source === source);
  if (one === undefined) return;
  for (;;) {
    await context.waitFor(`fit ${source}`, () => (context.state.paused ? 'the run is paused' : 'too few new labels'), () => over() || (!context.state.paused && fitDue(context.state, source, one.fit)));
    if (over()) return;
    await fitSource(context, source);
  }
}
