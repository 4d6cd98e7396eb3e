/** How a run ends: everything has a disposition, the last checkpoint is written, the policy evaluated, the summary stored. */
import { ApplicationFailure } from '@temporalio/workflow';
import type { PolicyRef } from '../proto/references.js';
import type { RunResult } from '../proto/status.js';
import { learner, reward, rollout, SHORT_END, type RunContext } from './run-context.js';
import { mending } from './restoration.js';
import { wasSkipped } from './parked-steps.js';
import { appendMetrics } from './run-steps.js';
import { ledgerOf } from './training-metrics.js';
import { openSegments } from './training-state.js';

const OUTCOMES = { completed: 'Completed', stopped: 'Stopped', cancelled: 'Cancelled' } as const;

export async function evaluateVersion(context: RunContext, policy: PolicyRef): Promise<void> {
  const { episodes, seed, environments } = context.state.job.evaluate;
  if (episodes === 0 || context.state.evaluations.some((one) => one.version === policy.version)) return;
  const begunMs = Date.now();
  const summary = `version ${policy.version} · ${episodes} episodes`;
  const input = { run: context.state.run, policy, suite: 'policy', episodes, seed, environments };
  const name = `evaluate ${summary}`;
  const evaluation = await context.guarded(name, () => mending(context, {}, () => rollout.evaluate.executeWithOptions({ summary }, [input])));
  if (evaluation) context.apply({ type: 'evaluated', evaluation, evaluateMs: Date.now() - begunMs });
  else if (wasSkipped(context.state, name)) context.apply({ type: 'evaluation-left-out', version: policy.version });
}

/** The short form (cancelled) leaves the evaluation out, and whatever fails: a cancel ends. */
export async function endRun(context: RunContext, outcome: 'completed' | 'stopped' | 'cancelled'): Promise<RunResult> {
  context.short = outcome === 'cancelled';
  context.setFinishing();
  disposeOfTheRest(context);
  const { run } = context.state;
  const version = context.state.policy?.version ?? 0;
  if (context.state.prepared && context.state.checkpoint < version) {
    const short = context.short ? SHORT_END : {};
    const written = await context.guarded(`checkpoint ${version}`, () => mending(context, {}, () => learner.writeCheckpoint.executeWithOptions({ ...short, summary: `version ${version}` }, [{ run, version, checkpoint: context.state.checkpoint }]).then(() => true)));
    if (written) context.apply({ type: 'checkpointed', version });
  }
  if (outcome !== 'cancelled' && context.state.policy) await evaluateVersion(context, context.state.policy);
  await appendMetrics(context);
  const ledger = ledgerOf(context.state);
  if (ledger.open !== 0) {
    throw ApplicationFailure.create({ type: 'LAUREL_INVARIANT_VIOLATED', message: `expected every segment to have a disposition, ${ledger.open} of ${ledger.collected} have none`, nonRetryable: true, details: [ledger] });
  }
  const summary = { outcome, status: context.status(), metricsParts: context.state.metricsParts };
  const finished = await context.guarded('write the summary', () =>
    reward.finishRun.executeWithOptions({ ...(context.short ? SHORT_END : {}), summary: outcome }, [{ run, outcome, summary, evaluations: context.state.evaluations }]),
  );
  context.setFinal(OUTCOMES[outcome]);
  return { run, outcome, version, transitionsTrained: context.state.transitionsTrained, summaryKey: finished?.summary.key ?? '', ledger };
}

/** Segments that were collected but not trained on when the run ended. */
function disposeOfTheRest(context: RunContext): void {
  const open = openSegments(context.state.ledger);
  if (open <= 0) return;
  context.apply({ type: 'taken', keys: context.state.ready.map((segment) => segment.ref.key) });
  context.apply({ type: 'disposed', count: open, disposition: 'filtered', reason: 'run-ended' });
}
