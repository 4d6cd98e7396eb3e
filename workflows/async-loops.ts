/** Mode `async`: loops that overlap, held together by bounded queues. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { UpdateBatch } from '../proto/activities.js';
import type { SegmentRef } from '../proto/references.js';
import { annotateSource, appendMetricsWhenDue, collectShard, scoreSegments, updatePolicy } from './run-steps.js';
import type { Failure, RunContext } from './run-context.js';
import { admit, batchesRemaining, collectingSuffices, lagAllows, lotSegments, stopReached } from './training-decisions.js';

/** An annotate call may last this long after the run has ended. */
const ANNOTATE_GRACE_MS = 15_000;
/** Longest pause before a judge that was gone is tried again. */
const ANNOTATE_RETRY_MS_MAX = 30_000;

/** Scored work that waits for the learner: one lot at most, so that labels are fresh when it is trained on. */
interface Pipeline {
  scored: UpdateBatch[] | null;
  scoring: boolean;
  updating: boolean;
  /** Segments taken from the queue that have no disposition yet. */
  taken: number;
  /** Segments that collect calls under way will bring. */
  collecting: number;
}

/** Runs all loops until the run ends or drains. */
export async function runAsync(context: RunContext): Promise<void> {
  const pipeline: Pipeline = { scored: null, scoring: false, updating: false, taken: 0, collecting: 0 };
  const over = (): boolean => context.ending || stopReached(context.state, Date.now());
  await Promise.all([
    ...context.state.shards.map((_shard, index) => shardLoop(context, index, pipeline, over)),
    ...Object.keys(context.state.annotations).map((source) => annotationLoop(context, source, over)),
    scoringLoop(context, pipeline, over),
    updateLoop(context, pipeline, over),
  ]);
}

async function shardLoop(context: RunContext, shard: number, pipeline: Pipeline, over: () => boolean): Promise<void> {
  const segments = (): number => context.state.shards[shard]!.segmentsPerCall;
  const mayCollect = (): boolean => !context.state.paused && lagAllows(context.state, pipeline.collecting, segments()) && !collectingSuffices(context.state, pipeline.collecting);
  while (!over()) {
    await context.waitFor(`shard ${shard}`, context.state.paused ? 'the run is paused' : 'the learner has as many segments as the policy lag allows', () => over() || mayCollect());
    if (over()) return;
    // Another shard may have been let through by the same event and have taken the place.
    if (!mayCollect()) continue;
    const begun = segments();
    pipeline.collecting += begun;
    try {
      await collectShard(context, shard);
    } finally {
      pipeline.collecting -= begun;
    }
  }
}

async function annotationLoop(context: RunContext, source: string, over: () => boolean): Promise<void> {
  const hasWork = (): boolean => {
    const annotation = context.state.annotations[source];
    return annotation !== undefined && (annotation.window.some((one) => !one.seen) || (annotation.waiting > 0 && annotation.window.length > 0));
  };
  for (let failures = 0; ; ) {
    await context.waitFor(`annotator ${source}`, context.state.paused ? 'the run is paused' : 'no new messages', () => over() || (!context.state.paused && hasWork()));
    if (over()) return;
    const failure = await untilOver(context, source, over);
    failures = failure === undefined ? 0 : failures + 1;
    if (failure === undefined) continue;
    const pauseMs = Math.min(ANNOTATE_RETRY_MS_MAX, 1_000 * 2 ** Math.min(failures - 1, 10));
    await context.waitAtMost(`annotator ${source}`, `try ${failures} failed, the next one follows: ${failure.code} ${failure.message}`, pauseMs, over);
  }
}

/** One call; when the run ends it has a grace time, then it is cancelled: a judge that is down must not hold the end. */
async function untilOver(context: RunContext, source: string, over: () => boolean): Promise<Failure | undefined> {
  let done = false;
  const scope = new CancellationScope();
  const call = scope
    .run(() => annotateSource(context, source, false))
    .catch((error: unknown) => {
      if (!scope.consideredCancelled || !isCancellation(error)) throw error;
      return undefined;
    })
    .finally(() => {
      done = true;
    });
  const watch = async (): Promise<void> => {
    await condition(() => done || over());
    if (!done && !(await condition(() => done, ANNOTATE_GRACE_MS, { summary: `grace of annotator ${source}` }))) scope.cancel();
  };
  const [failure] = await Promise.all([call, watch()]);
  return failure;
}

async function scoringLoop(context: RunContext, pipeline: Pipeline, over: () => boolean): Promise<void> {
  for (;;) {
    const { batchSegments } = context.state.job.learn;
    const wanted = (): number => (pipeline.updating ? lotSegments(context.state) : batchSegments);
    const mayScore = (): boolean => !context.state.paused && pipeline.scored === null && context.state.ready.length >= wanted() && batchesRemaining(context.state) * batchSegments > pipeline.taken;
    await context.waitFor('scoring', 'too few segments for a batch', () => over() || mayScore());
    if (over()) return;
    const lot = takeLot(context, pipeline);
    if (lot.length === 0 && context.state.ready.length < batchSegments) continue;
    if (lot.length === 0) {
      await context.waitAtMost('scoring', 'segments wait for their labels', 1_000, over);
      continue;
    }
    pipeline.scoring = true;
    pipeline.taken += lot.length;
    const rewards = await scoreSegments(context, lot);
    pipeline.scoring = false;
    if (rewards) pipeline.scored = batchesOf(lot, rewards, batchSegments);
    else pipeline.taken -= lot.length;
  }
}

/** Takes segments for the next update call off the queue; stale ones are disposed of here. */
function takeLot(context: RunContext, pipeline: Pipeline): readonly SegmentRef[] {
  // Work in the pipeline is trained on first, and moves the version before this lot's turn comes.
  const ahead = Math.ceil(pipeline.taken / context.state.job.learn.batchSegments);
  const { lot, stale } = admit(context.state, ahead, Date.now());
  if (stale.length > 0) {
    context.apply({ type: 'taken', keys: stale.map((segment) => segment.key) });
    context.apply({ type: 'disposed', count: stale.length, disposition: 'stale', reason: 'policy-lag' });
  }
  if (lot.length > 0) context.apply({ type: 'taken', keys: lot.map((segment) => segment.key) });
  return lot;
}

export function batchesOf(lot: readonly SegmentRef[], rewards: UpdateBatch['rewards'], batchSegments: number): UpdateBatch[] {
  const batches: UpdateBatch[] = [];
  for (let at = 0; at + batchSegments <= lot.length; at += batchSegments) {
    batches.push({ segments: lot.slice(at, at + batchSegments), rewards: rewards.slice(at, at + batchSegments) });
  }
  return batches;
}

async function updateLoop(context: RunContext, pipeline: Pipeline, over: () => boolean): Promise<void> {
  for (;;) {
    await context.waitFor('learner', 'no scored batch', () => pipeline.scored !== null || (over() && !pipeline.scoring));
    const batches = pipeline.scored;
    if (batches === null) return;
    pipeline.scored = null;
    pipeline.updating = true;
    const segments = batches.reduce((total, batch) => total + batch.segments.length, 0);
    if (stopReached(context.state, Date.now())) context.apply({ type: 'disposed', count: segments, disposition: 'filtered', reason: 'run-ended' });
    else await updatePolicy(context, batches);
    // At once: the version has moved, and work that is counted as both trained and ahead would make the rest stale.
    pipeline.taken -= segments;
    pipeline.updating = false;
    await appendMetricsWhenDue(context);
  }
}
