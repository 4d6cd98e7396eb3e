/** Mode `lockstep`: collect, annotate to the end, fit, score, update, in rounds. Two runs of one job give the same digests. */
import { asksMore } from './fit-state.js';
import { fitSource } from './fit-steps.js';
import { collectShard } from './collect-step.js';
import type { RunContext } from './run-context.js';
import { annotateSource, appendMetricsWhenDue, scoreSegments, updatePolicy } from './run-steps.js';
import { evaluateVersion } from './run-end.js';
import { admit, nextEvaluation, stopReached } from './training-decisions.js';
import { shardsWanted } from './training-state.js';

export async function runLockstep(context: RunContext): Promise<void> {
  const over = (): boolean => context.ending || stopReached(context.state, Date.now());
  while (!over()) {
    await context.waitFor('run', 'the run is paused', () => over() || !context.state.paused);
    if (over()) return;
    await round(context);
  }
}

async function round(context: RunContext): Promise<void> {
  await Promise.all(context.state.shards.slice(0, shardsWanted(context.state)).map((_shard, index) => collectShard(context, index)));
  for (const source of Object.keys(context.state.annotations).sort()) {
    if (asksMore(context.state, source)) await annotateSource(context, source, true);
    await fitSource(context, source);
  }
  await learn(context);
  const { policy } = context.state;
  // At the border of a round, so that it stands at the same place in every run of the job; the last version is evaluated at the end.
  if (policy && policy.version >= nextEvaluation(context.state) && !stopReached(context.state, Date.now())) await evaluateVersion(context, policy);
}

async function learn(context: RunContext): Promise<void> {
  for (;;) {
    if (context.state.stopRequested || stopReached(context.state, Date.now())) return;
    const { lot, stale } = admit(context.state, 0, Date.now());
    context.apply({ type: 'taken', keys: [...lot, ...stale].map((segment) => segment.key) });
    if (stale.length > 0) context.apply({ type: 'disposed', count: stale.length, disposition: 'stale', reason: 'policy-lag' });
    if (lot.length === 0) return;
    const batches = await scoreSegments(context, lot);
    if (batches.length > 0) await updatePolicy(context, batches);
    await appendMetricsWhenDue(context);
  }
}
