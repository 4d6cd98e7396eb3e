/** Mode `async`: loops that overlap, held together by bounded queues. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { UpdateBatch } from '../proto/activities.js';
import type { SegmentRef } from '../proto/references.js';
import { parkedBy, untilBudget } from './annotation-budget.js';
import { READY_CARRIED_MAX } from './carried-state.js';
import { asksMore, trainedSources } from './fit-state.js';
import { fitLoop } from './fit-steps.js';
import { annotateSource, appendMetricsWhenDue, scoreSegments, updatePolicy } from './run-steps.js';
import type { Failure } from './parked-steps.js';
import { collectShard } from './collect-step.js';
import type { RunContext } from './run-context.js';
import { admit, batchesRemaining, collectingSuffices, lagAllows, lotSegments, stopReached } from './training-decisions.js';
import { shardsWanted } from './training-state.js';

/** An annotate call may last this long after the run has ended. */
const ANNOTATE_GRACE_MS = 15_000;
/** Longest pause before a judge that was gone is tried again. */
const ANNOTATE_RETRY_MS_MAX = 30_000;

/** Scored work that waits for the learner: one lot at most, so that labels are fresh when it is trained on. */
interface Pipeline {
  scored: readonly UpdateBatch[] | null;
  scoring: boolean;
  updating: boolean;
  /** Segments taken from the queue that have no disposition yet. */
  taken: number;
  /** Segments that collect calls under way will bring: of each shard, and together. */
  readonly collecting: Map<number, number>;
  collectingAll: number;
}

/** Runs all loops until the run ends or drains. */
export async function runAsync(context: RunContext): Promise<void> {
  const pipeline: Pipeline = { scored: null, scoring: false, updating: false, taken: 0, collecting: new Map(), collectingAll: 0 };
  const over = (): boolean => context.ending || stopReached(context.state, Date.now());
  const loops = [
    shardLoops(context, pipeline, over),
    ...Object.keys(context.state.annotations).map((source) => annotationLoop(context, source, over)),
    ...trainedSources(context.state.job).map(({ source }) => fitLoop(context, source, over)),
    scoringLoop(context, pipeline, over),
    updateLoop(context, pipeline, over),
  ];
  await allOf(loops);
}

/** Where the run is cancelled, all have ended before that is said. */
async function allOf(loops: readonly Promise<unknown>[]): Promise<void> {
  try {
    await Promise.all(loops);
  } catch (error) {
    if (isCancellation(error)) await Promise.allSettled(loops);
    throw error;
  }
}

/** A loop for each shard that there is; more begin when more are wanted. */
async function shardLoops(context: RunContext, pipeline: Pipeline, over: () => boolean): Promise<void> {
  const loops: Promise<void>[] = [];
  const failed: Promise<never>[] = [];
  try {
    do {
      while (loops.length < context.state.shards.length) {
        const loop = shardLoop(context, loops.length, pipeline, over);
        loops.push(loop);
        failed.push(new Promise<never>((_resolve, reject) => void loop.catch(reject)));
      }
      await Promise.race([condition(() => over() || context.state.shards.length > loops.length), ...failed]);
    } while (!over());
  } finally {
    await allOf(loops);
  }
}

async function shardLoop(context: RunContext, shard: number, pipeline: Pipeline, over: () => boolean): Promise<void> {
  const segments = (): number => context.state.shards[shard]!.segmentsPerCall;
  const resting = (): boolean => shard >= shardsWanted(context.state);
  const coming = (): number => collectingNow(context, pipeline);
  const mayCollect = (): boolean => !context.state.paused && !resting() && lagAllows(context.state, coming(), segments()) && !collectingSuffices(context.state, coming());
  while (!over()) {
    const reason = (): string => (context.state.paused ? 'the run is paused' : resting() ? 'no more shards are wanted' : 'the learner has as many segments as the policy lag allows');
    await context.waitFor(`shard ${shard}`, reason, () => over() || mayCollect());
    if (over()) return;
    // Another shard may have been let through by the same event and have taken the place.
    if (!mayCollect()) continue;
    const begun = segments();
    pipeline.collecting.set(shard, begun);
    pipeline.collectingAll += begun;
    try {
      await collectShard(context, shard);
    } finally {
      pipeline.collecting.delete(shard);
      pipeline.collectingAll -= begun;
    }
  }
}

/** A parked call brings nothing: the other shards play on in its place. */
function collectingNow(context: RunContext, pipeline: Pipeline): number {
  return context.state.attention.reduce((left, { step }) => left - (pipeline.collecting.get(Number(/^collect shard (\d+) /.exec(step)?.[1] ?? -1)) ?? 0), pipeline.collectingAll);
}

async function annotationLoop(context: RunContext, source: string, over: () => boolean): Promise<void> {
  const hasWork = (): boolean => {
    const annotation = context.state.annotations[source];
    return annotation !== undefined && asksMore(context.state, source) && (annotation.window.some((one) => !one.seen) || (annotation.waiting > 0 && annotation.window.length > 0));
  };
  for (let failures = 0; ; ) {
    await context.waitFor(`annotator ${source}`, () => (context.state.paused ? 'the run is paused' : 'no new messages'), () => over() || (!context.state.paused && hasWork()));
    if (over()) return;
    const failure = await untilOver(context, source, over);
    failures = failure === undefined ? 0 : failures + 1;
    if (failure === undefined) {
      // Not awaited without need: one turn more would put the commands of a recorded run in another order.
      if (parkedBy(context.state, source)) await untilBudget(context, `annotator ${source}`, source, over);
      continue;
    }
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

/** The run is over, or continues as new and need not train on more before that. */
function ended(context: RunContext, over: () => boolean): boolean {
  if (!over()) return false;
  const { ready, attention, stopRequested } = context.state;
  const tooMany = context.draining && ready.length > READY_CARRIED_MAX && attention.length === 0;
  return !tooMany || stopRequested || stopReached(context.state, Date.now());
}

async function scoringLoop(context: RunContext, pipeline: Pipeline, over: () => boolean): Promise<void> {
  for (;;) {
    const { batchSegments } = context.state.job.learn;
    const wanted = (): number => (pipeline.updating ? lotSegments(context.state) : batchSegments);
    const mayScore = (): boolean => !context.state.paused && pipeline.scored === null && context.state.ready.length >= wanted() && batchesRemaining(context.state) * batchSegments > pipeline.taken;
    await context.waitFor('scoring', () => (context.state.paused ? 'the run is paused' : 'too few segments for a batch'), () => ended(context, over) || mayScore());
    if (ended(context, over)) return;
    const lot = takeLot(context, pipeline);
    if (lot.length === 0 && context.state.ready.length < batchSegments) continue;
    if (lot.length === 0) {
      await context.waitAtMost('scoring', 'segments wait for their labels', 1_000, over);
      continue;
    }
    pipeline.scoring = true;
    pipeline.taken += lot.length;
    const batches = await scoreSegments(context, lot);
    pipeline.scoring = false;
    const kept = batches.reduce((total, batch) => total + batch.segments.length, 0);
    pipeline.taken -= lot.length - kept;
    if (kept > 0) pipeline.scored = batches;
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

async function updateLoop(context: RunContext, pipeline: Pipeline, over: () => boolean): Promise<void> {
  for (;;) {
    await context.waitFor('learner', 'no scored batch', () => pipeline.scored !== null || (ended(context, over) && !pipeline.scoring));
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
