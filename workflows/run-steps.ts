/** One step of each loop: an activity, called where its live state is, and what its result does to the run. */
import { isCancellation } from '@temporalio/workflow';
import type { UpdateBatch } from '../proto/activities.js';
import type { RewardRef, SegmentRef } from '../proto/references.js';
import { annotator, describeFailure, isFinal, learner, reward, rollout, type Failure, type RunContext } from './run-context.js';
import { checkpointsDue } from './training-decisions.js';
import type { LabelPositions } from '../proto/activities.js';
import { mapValues } from './training-state.js';

/** Lines of metrics in one part; a part is written when that many have gathered. */
const METRICS_LINES_MAX = 64;

export async function collectShard(context: RunContext, shard: number): Promise<void> {
  const { nextSeq, previous, queue, segmentsPerCall } = context.state.shards[shard]!;
  const policy = context.state.policy!;
  const summary = `shard ${shard} · segments ${nextSeq}-${nextSeq + segmentsPerCall - 1} · policy ${policy.version}`;
  const input = { run: context.state.run, shard, seq: nextSeq, segments: segmentsPerCall, policy, previous };
  const result = await context.guarded(`collect ${summary}`, () =>
    context.affine(
      'rollout',
      queue,
      (options) => rollout.collect.executeWithOptions({ ...options, summary }, [input]),
      () => context.apply({ type: 'shard-queue-lost', shard }),
    ),
  );
  if (result) context.apply({ type: 'collected', shard, result, atMs: Date.now() });
}

/**
 * One call about the newest segments. In the background (no drain) a call that failed is not repeated as it was: while the
 * judge is gone the newest messages become others. Its failure comes back, and the caller waits before the next call.
 */
export async function annotateSource(context: RunContext, source: string, drain: boolean): Promise<Failure | undefined> {
  const { run, job, annotations } = context.state;
  const spec = job.sources[source];
  const annotation = annotations[source];
  if (spec?.kind !== 'model' || !annotation) return undefined;
  const segments = annotation.window.map((one) => one.ref);
  const keys = segments.map((segment) => segment.key);
  const summary = `${source} · ${annotation.window.filter((one) => !one.seen).length} new segments · ${annotation.log.labels} labels so far`;
  const input = { run, source, annotator: spec.annotator, annotatorId: annotation.log.annotator, segments, drain };
  const options = drain ? { summary, startToCloseTimeout: '24 hours' as const } : { summary, retry: { maximumAttempts: 1 } };
  let failure: Failure | undefined;
  const result = await context.guarded(`annotate ${summary}`, () =>
    annotator.annotate.executeWithOptions(options, [input]).catch((error: unknown) => {
      if (drain || isCancellation(error) || isFinal(error)) throw error;
      failure = describeFailure(error);
      return undefined;
    }),
  );
  if (failure !== undefined) return failure;
  context.apply({ type: 'annotated', source, result: result ?? { ...nothingAnnotated, log: annotation.log }, keys });
  return undefined;
}

/** A skipped call: its messages come back when they are seen again. */
const nothingAnnotated = { made: 0, known: 0, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 0, tokensOut: 0, annotateMs: 0 };

/** Rewards of the segments with the newest labels; undefined where the step was left out, the segments then have their disposition. */
export async function scoreSegments(context: RunContext, segments: readonly SegmentRef[]): Promise<readonly RewardRef[] | undefined> {
  const { run, weights, rewardQueue } = context.state;
  const labels: LabelPositions = mapValues(context.state.annotations, (annotation) => annotation.log);
  const positions = Object.entries(labels).map(([source, log]) => ` · ${log.labels} labels of ${source}`);
  const summary = `${segments.length} segments${positions.join('')}`;
  const result = await context.guarded(`score ${summary}`, () =>
    context.affine(
      'reward',
      rewardQueue,
      (options) => reward.score.executeWithOptions({ ...options, summary }, [{ run, segments, labels, weights }]),
      () => context.apply({ type: 'worker-queue-lost', pool: 'reward' }),
    ),
    (disposition) => context.apply({ type: 'disposed', count: segments.length, disposition, reason: 'scoring' }),
  );
  if (!result) return undefined;
  context.apply({ type: 'scored', scoreMs: result.scoreMs, queue: result.workerQueue });
  return result.rewards;
}

export async function updatePolicy(context: RunContext, batches: readonly UpdateBatch[]): Promise<void> {
  const { run, job, checkpoint, learnerQueue } = context.state;
  const parent = context.state.policy!.version;
  const summary = batches.length === 1 ? `version ${parent + 1}` : `versions ${parent + 1}-${parent + batches.length}`;
  const segments = batches.reduce((total, batch) => total + batch.segments.length, 0);
  const input = { run, parent, batches, checkpoint, checkpointsAt: checkpointsDue(job, parent, batches.length) };
  const result = await context.guarded(`update ${summary}`, () =>
    context.affine(
      'learner',
      learnerQueue,
      (options) => learner.update.executeWithOptions({ ...options, summary }, [input]),
      () => context.apply({ type: 'worker-queue-lost', pool: 'learner' }),
    ),
    (disposition) => context.apply({ type: 'disposed', count: segments, disposition, reason: 'update' }),
  );
  if (!result) return;
  context.apply({ type: 'updated', batches, result, atMs: Date.now() });
}

/** Writes a part of metrics.jsonl where enough lines have gathered. */
export async function appendMetricsWhenDue(context: RunContext): Promise<void> {
  if (context.state.metrics.length >= METRICS_LINES_MAX) await appendMetrics(context);
}

/** Writes the gathered metric lines as the next part of metrics.jsonl. */
export async function appendMetrics(context: RunContext): Promise<void> {
  const { run, metrics, metricsParts } = context.state;
  if (metrics.length === 0) return;
  const lines = metrics.slice();
  const done = await context.guarded(`metrics part ${metricsParts}`, async () => {
    await reward.appendMetrics.executeWithOptions({ summary: `part ${metricsParts}` }, [{ run, part: metricsParts, lines }]);
    return true;
  });
  if (done) context.apply({ type: 'metrics-appended', lines: lines.length });
}
