/** What each event does to the state of a run. Pure. */
import type { AnnotateResult, CollectResult, UpdateBatch, UpdateResult } from '../proto/activities.js';
import type { Job } from '../proto/job.js';
import type { LabelLogRef, SegmentRef } from '../proto/references.js';
import { withBudget } from '../proto/budget.js';
import type { AnnotationBounds, SteerInput, SteerRecord } from '../proto/status.js';
import { advanceRewardState } from '../proto/reward-state.js';
import { fitted } from './fit-state.js';
import { DECISIONS_KEPT, withControl, withDecided, withParked } from './parked-steps.js';
import { metricsLines } from './training-metrics.js';
import { annotationWindow, EPISODE_WINDOW, mapValues, newShard, RATE_WINDOW, rewardMeans, segmentsPerCallMax, shardsWanted, sum, type AnnotationState, type LedgerCounts, type ReadySegment, type TrainingEvent, type TrainingState } from './training-state.js';

/** The next state. Pure: neither argument is changed. */
export function step(state: TrainingState, event: TrainingEvent): TrainingState {
  switch (event.type) {
    case 'prepared':
      return { ...state, prepared: event.result, policy: event.result.policy };
    case 'annotator-opened':
      return { ...state, annotations: { ...state.annotations, [event.source]: openAnnotation(event.log) } };
    case 'collected':
      return collected(state, event.shard, event.result, event.atMs);
    case 'shard-queue-lost':
      return { ...state, shards: replaceAt(state.shards, event.shard, (shard) => ({ ...shard, queue: null })) };
    case 'taken': {
      const keys = new Set(event.keys);
      return { ...state, ready: state.ready.filter((segment) => !keys.has(segment.ref.key)) };
    }
    case 'returned':
      return { ...state, ready: inOrder(state.job, [...state.ready, ...event.segments.map((ref) => ({ ref, collectedAtMs: event.atMs }))]) };
    case 'swept':
      return { ...state, swept: { version: event.version, objects: (state.swept?.objects ?? 0) + event.objects, bytes: (state.swept?.bytes ?? 0) + event.bytes } };
    case 'restored':
      return { ...state, restored: { ...state.restored, [event.kind]: (state.restored?.[event.kind] ?? 0) + 1 } };
    case 'segment-lost':
      return { ...state, annotations: mapValues(state.annotations, (annotation) => ({ ...annotation, window: annotation.window.filter((one) => one.ref.key !== event.key) })) };
    case 'disposed':
      return { ...state, ledger: disposed(state.ledger, event.count, event.disposition, event.reason) };
    case 'annotated':
      return annotated(state, event.source, event.result, event.keys);
    case 'fitted':
      return { ...state, fits: fitted(state.fits ?? {}, event.source, event.position, event.result), spentMs: spent(state, 'fit', event.result.fitMs) };
    case 'scored':
      return { ...state, rewardQueue: event.queue, spentMs: spent(state, 'score', event.scoreMs) };
    case 'updated':
      return updated(state, event.batches, event.result, event.atMs);
    case 'worker-queue-lost':
      return event.pool === 'learner' ? { ...state, learnerQueue: null } : { ...state, rewardQueue: null };
    case 'checkpointed':
      return { ...state, checkpoint: Math.max(state.checkpoint, event.version) };
    case 'evaluated':
      return { ...state, evaluations: [...state.evaluations, event.evaluation].slice(-64), spentMs: spent(state, 'evaluate', event.evaluateMs) };
    case 'evaluation-left-out':
      return { ...state, evaluationLeftOut: event.version };
    case 'metrics-appended':
      return { ...state, metrics: state.metrics.slice(event.lines), metricsParts: state.metricsParts + 1, ...(event.quality && { rewardQuality: event.quality }) };
    case 'parked':
      return withParked(state, event.attention);
    case 'unparked':
      return withDecided(state, event.record);
    case 'steered':
      return steered(state, event.steer, event.atMs);
    case 'controlled':
      return withControl(state, event.record);
    case 'stop-requested':
      return { ...state, stopRequested: true, paused: false };
    case 'begun':
      return state;
    case 'continued':
      return { ...state, continuedRuns: state.continuedRuns + 1 };
    default: {
      const never: never = event;
      throw new TypeError(`unknown event ${JSON.stringify(never)}`);
    }
  }
}

/** A shard that was never wanted before begins at its first segment; one that rested goes on where it was. */
function steered(state: TrainingState, change: SteerInput, atMs: number): TrainingState {
  const wanted = change.shards ?? shardsWanted(state);
  const record: SteerRecord = { change, atMs, version: state.policy?.version ?? 0, collected: state.ledger.collected, trained: state.ledger.trained };
  return {
    ...state,
    weights: { ...state.weights, ...change.weights },
    stop: change.stop ?? state.stop,
    shardsWanted: wanted,
    shards: [...state.shards, ...Array.from({ length: Math.max(0, wanted - state.shards.length) }, () => newShard(state.job))],
    annotationBounds: { ...state.annotationBounds, ...mapValues(change.annotation ?? {}, (bounds, source) => withBounds(state.annotationBounds?.[source], bounds)) },
    steers: [...(state.steers ?? []), record].slice(-DECISIONS_KEPT),
  };
}

function withBounds(before: AnnotationBounds | undefined, bounds: AnnotationBounds): AnnotationBounds {
  const budget = withBudget(before?.budget, bounds.budget);
  return { ...before, ...bounds, ...(Object.keys(budget).length > 0 && { budget }) };
}

function openAnnotation(log: LabelLogRef): AnnotationState {
  return { log, made: 0, known: 0, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 0, tokensOut: 0, annotateMs: 0, window: [] };
}

function collected(state: TrainingState, shard: number, result: CollectResult, atMs: number): TrainingState {
  const transitions = result.segments.reduce((sum, segment) => sum + segment.rows, 0);
  const total = state.transitionsCollected + transitions;
  const last = result.segments[result.segments.length - 1] ?? null;
  const window = annotationWindow(state.job);
  const ended = result.segments.map((segment) => segment.episodes).filter((episodes) => episodes.count > 0 || episodes.failed > 0);
  return {
    ...state,
    shards: replaceAt(state.shards, shard, (before) => ({
      nextSeq: before.nextSeq + result.segments.length,
      previous: last,
      queue: result.workerQueue,
      segmentsPerCall: adapted(state, before.segmentsPerCall, result),
    })),
    ready: inOrder(state.job, [...state.ready, ...result.segments.map((ref) => ({ ref, collectedAtMs: atMs }))]),
    annotations: mapValues(state.annotations, (annotation) => ({
      ...annotation,
      window: windowInOrder(state.job, [...annotation.window, ...result.segments.map((ref) => ({ ref, seen: false }))]).slice(-window),
    })),
    ledger: { ...state.ledger, collected: state.ledger.collected + result.segments.length },
    transitionsCollected: total,
    episodeCount: state.episodeCount + sum(ended, (episodes) => episodes.count),
    episodesFailed: state.episodesFailed + sum(ended, (episodes) => episodes.failed),
    // Absent in a run that was begun before it was counted.
    episodesNondeterministic: (state.episodesNondeterministic ?? 0) + sum(ended, (episodes) => episodes.nondeterministic ?? 0),
    episodeWindow: [...state.episodeWindow, ...ended].slice(-EPISODE_WINDOW),
    rateWindow: [...state.rateWindow, { atMs, transitions: total }].slice(-RATE_WINDOW),
    stepMsP50: result.stepMsP50,
    stepMsP99: result.stepMsP99,
    spentMs: spent(state, 'collect', result.collectMs),
  };
}

/**
 * In lockstep the order of training must not depend on which shard came back first. In async the oldest policy comes
 * first: a call that began earlier and took longer would else become stale behind one that began later.
 */
function inOrder(job: Job, ready: ReadySegment[]): ReadySegment[] {
  const order = job.schedule.mode === 'lockstep' ? bySequence : byPolicyVersion;
  return ready.sort((a, b) => order(a.ref, b.ref));
}
/** Nor must the order of questions, and with it that of the label log. */
function windowInOrder(job: Job, window: AnnotationState['window'][number][]): AnnotationState['window'][number][] {
  return job.schedule.mode === 'lockstep' ? window.sort((a, b) => bySequence(a.ref, b.ref)) : window;
}
const bySequence = (a: SegmentRef, b: SegmentRef): number => a.seq - b.seq || a.shard - b.shard;
const byPolicyVersion = (a: SegmentRef, b: SegmentRef): number => a.policyVersion - b.policyVersion;

/** The number of segments moves towards calls of `collectMs`, at most doubling, within the bound of the lag. */
function adapted(state: TrainingState, segments: number, result: CollectResult): number {
  const { job } = state;
  if (job.schedule.segmentsPerCall !== null || job.schedule.mode === 'lockstep' || job.schedule.collectMs === 0) return segments;
  const wanted = Math.round((segments * job.schedule.collectMs) / Math.max(1, result.collectMs));
  return Math.max(1, Math.min(wanted, segments * 2, segmentsPerCallMax(job, shardsWanted(state))));
}

/** Segments that the call saw leave the window when nothing waits any more; else they stay until pushed out. */
function annotated(state: TrainingState, source: string, result: AnnotateResult, keys: readonly string[]): TrainingState {
  const before = state.annotations[source];
  if (!before) return state;
  const seen = new Set(keys);
  const marked = before.window.map((one) => (seen.has(one.ref.key) ? { ...one, seen: true } : one));
  const after: AnnotationState = {
    log: result.log,
    made: before.made + result.made,
    known: result.known,
    waiting: result.waiting,
    dropped: before.dropped + result.dropped,
    unparsable: before.unparsable + result.unparsable,
    failed: before.failed + result.failed,
    tokensIn: before.tokensIn + result.tokensIn,
    tokensOut: before.tokensOut + result.tokensOut,
    annotateMs: before.annotateMs + result.annotateMs,
    ...(result.budget === undefined ? {} : { budget: result.budget }),
    ...(result.quality ?? before.quality ? { quality: result.quality ?? before.quality } : {}),
    window: result.waiting === 0 ? marked.filter((one) => !one.seen) : marked,
  };
  return { ...state, annotations: { ...state.annotations, [source]: after }, spentMs: spent(state, 'annotate', result.annotateMs) };
}

function updated(state: TrainingState, batches: readonly UpdateBatch[], result: UpdateResult, atMs: number): TrainingState {
  const last = result.updates[result.updates.length - 1];
  if (!last) return state;
  const transitions = sum(result.updates, (update) => update.transitions);
  const segments = sum(batches, (batch) => batch.segments.length);
  const checkpoint = result.updates.reduce((newest, update) => Math.max(newest, update.checkpoint ?? 0), state.checkpoint);
  const lines = metricsLines(state, batches, result, atMs);
  return {
    ...state,
    policy: last.policy ?? state.policy,
    checkpoint,
    ledger: { ...state.ledger, trained: state.ledger.trained + segments },
    transitionsTrained: state.transitionsTrained + transitions,
    lagLast: last.lagMax,
    lagMax: result.updates.reduce((most, update) => Math.max(most, update.lagMax), state.lagMax),
    rewards: rewardMeans(batches),
    ...remembered(state, batches.slice(0, result.updates.length)),
    learner: last.metrics,
    metrics: [...state.metrics, ...lines],
    learnerQueue: result.workerQueue,
    spentMs: spent(state, 'update', result.updateMs),
  };
}

/** Each batch that was trained on moves multipliers and moments, in the order of the versions. */
function remembered({ job, rewardState }: TrainingState, batches: readonly UpdateBatch[]): Pick<TrainingState, 'rewardState'> {
  if (rewardState === undefined) return {};
  return { rewardState: batches.reduce((before, { rewards }) => advanceRewardState(job, before, rewards), rewardState) };
}

function disposed(ledger: LedgerCounts, count: number, disposition: 'stale' | 'filtered' | 'failed' | 'voided', reason: string): LedgerCounts {
  if (disposition === 'stale' || disposition === 'voided') return { ...ledger, [disposition]: ledger[disposition] + count };
  return { ...ledger, [disposition]: { ...ledger[disposition], [reason]: (ledger[disposition][reason] ?? 0) + count } };
}

function spent(state: TrainingState, kind: string, ms: number): Record<string, number> {
  return { ...state.spentMs, [kind]: (state.spentMs[kind] ?? 0) + ms };
}

function replaceAt<T>(list: readonly T[], index: number, change: (before: T) => T): T[] {
  return list.map((item, at) => (at === index ? change(item) : item));
}
