/** One step of each loop: an activity, called where its live state is, and what its result does to the run. */
import { isCancellation, patched, type ActivityOptions } from '@temporalio/workflow';
import type { UpdateBatch, UpdateInput, UpdateResult } from '../proto/activities.js';
import type { RewardRef, SegmentRef } from '../proto/references.js';
import type { ScoringInputs } from '../proto/restoration.js';
import { annotatorInForce } from './annotation-budget.js';
import { describeFailure, isFinal, wasSkipped, type Failure } from './parked-steps.js';
import { mend, mending, segmentOf } from './restoration.js';
import { annotator, learner, reward, SHORT_END, type RunContext } from './run-context.js';
import { checkpointsDue } from './training-decisions.js';
import type { LabelPositions } from '../proto/activities.js';
import { rewardModels } from './fit-state.js';
import { mapValues } from './training-state.js';

/** Lines of metrics in one part; a part is written when that many have gathered. */
const METRICS_LINES_MAX = 64;

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
  const input = { run, source, annotator: annotatorInForce(context.state, source, spec.annotator), annotatorId: annotation.log.annotator, segments, seed: job.seed, drain };
  const options = drain ? { summary, startToCloseTimeout: '24 hours' as const } : { summary, retry: { maximumAttempts: 1 } };
  let failure: Failure | undefined;
  const lost = new Set<string>();
  const result = await context.guarded(`annotate ${summary}`, () =>
    mending(context, { segments }, () => annotator.annotate.executeWithOptions(options, [{ ...input, segments: segments.filter(({ key }) => !lost.has(key)) }])).catch((error: unknown) => {
      const gone = segmentOf(error, segments);
      if (gone !== null) lost.add(gone.key);
      else if (drain || isCancellation(error) || isFinal(error)) throw error;
      else failure = describeFailure(error);
      return undefined;
    }),
  );
  for (const key of lost) context.apply({ type: 'segment-lost', key });
  if (lost.size > 0) return annotateSource(context, source, drain);
  if (failure !== undefined) return failure;
  context.apply({ type: 'annotated', source, result: result ?? { ...nothingAnnotated, log: annotation.log }, keys });
  return undefined;
}

/** A skipped call: its messages come back when they are seen again. */
const nothingAnnotated = { made: 0, known: 0, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 0, tokensOut: 0, annotateMs: 0 };

/**
 * The segments with their rewards by the newest labels, as batches. A segment that is in none of them has its disposition,
 * or is ready again: the step was left out, another segment was lost, or there is nothing to learn from it.
 */
export async function scoreSegments(context: RunContext, segments: readonly SegmentRef[]): Promise<readonly UpdateBatch[]> {
  const { run, weights, job, rewardState } = context.state;
  const remembered = rewardState && { state: rewardState };
  const labels: LabelPositions = mapValues(context.state.annotations, (annotation) => annotation.log);
  const models = rewardModels(context.state);
  const positions = Object.entries(labels).map(([source, log]) => ` · ${log.labels} labels of ${source}`);
  const summary = `${segments.length} segments${positions.join('')}`;
  const result = await context.guarded(`score ${summary}`, () =>
    mending(context, { segments }, () =>
      context.affine(
        'reward',
        context.state.rewardQueue,
        (options) => reward.score.executeWithOptions({ ...options, summary }, [{ run, segments, labels, models, weights, ...remembered }]),
        () => context.apply({ type: 'worker-queue-lost', pool: 'reward' }),
      ),
    ).catch((error: unknown) => loseSegment(context, error, segments)),
    (disposition) => context.apply({ type: 'disposed', count: segments.length, disposition, reason: 'scoring' }),
  );
  if (!result) return [];
  context.apply({ type: 'scored', scoreMs: result.scoreMs, queue: result.workerQueue });
  const scoring = { labels: mapValues(labels, ({ annotator, position }) => ({ annotator, position })), models, weights, ...remembered };
  const kept = keepInformative(context, { segments, rewards: result.rewards });
  return batchesOf(kept.segments, kept.rewards, job.learn.batchSegments, scoring);
}

interface ScoredLot {
  readonly segments: readonly SegmentRef[];
  readonly rewards: readonly RewardRef[];
}

/**
 * Dynamic sampling (`learn.resample`): segments in which no group has two different rewards are filtered, whole batches
 * stay, and what is left over waits for segments that are collected in place of the filtered ones.
 */
function keepInformative(context: RunContext, lot: ScoredLot): ScoredLot {
  const { learn } = context.state.job;
  if (learn.kind !== 'group-policy-gradient' || !learn.resample) return lot;
  const teaches = lot.rewards.map(({ groups }) => groups === undefined || groups.equal < groups.count);
  const chosen = lot.segments.map((_, index) => index).filter((index) => teaches[index]);
  const kept = chosen.slice(0, chosen.length - (chosen.length % learn.batchSegments));
  const filtered = lot.segments.length - chosen.length;
  if (filtered > 0) context.apply({ type: 'disposed', count: filtered, disposition: 'filtered', reason: 'equal-groups' });
  const left = chosen.slice(kept.length).map((index) => lot.segments[index] as SegmentRef);
  if (left.length > 0) context.apply({ type: 'returned', segments: left, atMs: Date.now() });
  return { segments: kept.map((index) => lot.segments[index] as SegmentRef), rewards: kept.map((index) => lot.rewards[index] as RewardRef) };
}

function batchesOf(lot: readonly SegmentRef[], rewards: readonly RewardRef[], batchSegments: number, scoring: ScoringInputs): UpdateBatch[] {
  const batches: UpdateBatch[] = [];
  for (let at = 0; at + batchSegments <= lot.length; at += batchSegments) {
    batches.push({ segments: lot.slice(at, at + batchSegments), rewards: rewards.slice(at, at + batchSegments), scoring });
  }
  return batches;
}

/** A segment that cannot be read and not be made again ends as failed (storage); the others of its lot are ready again. */
function loseSegment(context: RunContext, error: unknown, segments: readonly SegmentRef[]): undefined {
  const lost = isCancellation(error) ? null : segmentOf(error, segments);
  if (lost === null) throw error;
  context.apply({ type: 'disposed', count: 1, disposition: 'failed', reason: 'storage' });
  context.apply({ type: 'segment-lost', key: lost.key });
  context.apply({ type: 'returned', segments: segments.filter(({ key }) => key !== lost.key), atMs: Date.now() });
  return undefined;
}

/** Trains on the batches; each of their segments has a disposition afterwards, or is ready again. */
export async function updatePolicy(context: RunContext, batches: readonly UpdateBatch[]): Promise<void> {
  const times = new Map<string, number>();
  for (let rest = batches; rest.length > 0; ) {
    const result = await updateOnce(context, rest);
    if (!result) return;
    const made = rest.slice(0, result.updates.length);
    context.apply({ type: 'updated', batches: made, result, atMs: Date.now() });
    rest = rest.slice(made.length);
    if (rest.length === 0) return;
    // The batch after these failed, or its worker was told to leave: the call for the others tries again, or says why not.
    if (result.damage === undefined) continue;
    // The versions before the damage are made. Where it cannot be mended, the call for the others says so again.
    await mend(context, result.damage, { batches: rest }, times);
  }
}

async function updateOnce(context: RunContext, batches: readonly UpdateBatch[]): Promise<UpdateResult | undefined> {
  const { run, job, checkpoint } = context.state;
  const parent = context.state.policy!.version;
  const summary = batches.length === 1 ? `version ${parent + 1}` : `versions ${parent + 1}-${parent + batches.length}`;
  const segments = batches.flatMap((batch) => batch.segments);
  const input = { run, parent, batches, checkpoint, checkpointsAt: checkpointsDue(job, parent, batches.length) };
  let left: 'failed' | 'voided' | undefined;
  const call = (options: ActivityOptions, of: UpdateInput): Promise<UpdateResult> => learner.update.executeWithOptions(options, [of]);
  const lost = (): void => context.apply({ type: 'worker-queue-lost', pool: 'learner' });
  const result = await context.guarded(`update ${summary}`, () =>
    mending(context, { batches }, () => context.affine('learner', context.state.learnerQueue, (options) => call({ ...options, summary }, input), lost)).catch((error: unknown) => loseSegment(context, error, segments)),
    (disposition) => (left = disposition),
  );
  if (left === undefined) return result;
  // Attempts that never answered may have recorded versions: the run goes on from these, or the next call would meet them.
  const found = patched('recorded-updates') && (await context.guarded(`look for ${summary}`, () => call({ summary: `${summary}: what is recorded` }, { ...input, recordedOnly: true })));
  if (found && found.updates.length > 0) context.apply({ type: 'updated', batches: batches.slice(0, found.updates.length), result: found, atMs: Date.now() });
  const made = found ? batches.slice(0, found.updates.length).reduce((count, batch) => count + batch.segments.length, 0) : 0;
  if (made < segments.length) context.apply({ type: 'disposed', count: segments.length - made, disposition: left, reason: 'update' });
  return undefined;
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
  const name = `metrics part ${metricsParts}`;
  const done = await context.guarded(name, async () => {
    const result = await reward.appendMetrics.executeWithOptions({ ...(context.short ? SHORT_END : {}), summary: `part ${metricsParts}` }, [{ run, part: metricsParts, lines }]);
    // Workers of earlier versions gave nothing back.
    return { quality: (result as typeof result | null | undefined)?.quality ?? null };
  });
  // A part that is left out may have been written by an attempt that did not answer: its name is not used again.
  if (done || wasSkipped(context.state, name)) context.apply({ type: 'metrics-appended', lines: lines.length, quality: done?.quality ?? null });
}
