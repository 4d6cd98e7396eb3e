/** The decisions that a run records: what is admitted, when to collect, when to stop. Pure functions of the state. */
import { SEGMENTS_PER_CALL_MAX } from '../proto/activities.js';
import { rowsPerEnvironment, type Job } from '../proto/job.js';
import type { SegmentRef } from '../proto/references.js';
import { openSegments, type TrainingState } from './training-state.js';

export function transitionsPerSegment(job: Job): number {
  return job.rollout.environmentsPerShard * rowsPerEnvironment(job);
}

export function stopReached(state: TrainingState, nowMs: number): boolean {
  const { stop } = state;
  return (
    (stop.transitions !== undefined && state.transitionsTrained >= stop.transitions) ||
    (stop.versions !== undefined && (state.policy?.version ?? 0) >= stop.versions) ||
    (stop.runMs !== undefined && nowMs - state.startedAtMs >= stop.runMs)
  );
}

/** Batches that are still to be trained on until the stop criterion; without bound where only time stops the run. */
export function batchesRemaining(state: TrainingState): number {
  const { job, stop } = state;
  const perBatch = job.learn.batchSegments * transitionsPerSegment(job);
  const byTransitions = stop.transitions === undefined ? Infinity : Math.ceil((stop.transitions - state.transitionsTrained) / perBatch);
  const byVersions = stop.versions === undefined ? Infinity : stop.versions - (state.policy?.version ?? 0);
  return Math.max(0, Math.min(byTransitions, byVersions));
}

/** What is collected already, or will be by calls under way, is enough to reach the end if all of it is trained on. */
export function collectingSuffices(state: TrainingState, collecting: number): boolean {
  return Math.floor((openSegments(state.ledger) + collecting) / state.job.learn.batchSegments) >= batchesRemaining(state);
}

/**
 * Backpressure: a shard may collect `segments` more where all that is then on its way to the learner is trained on within
 * the allowed lag. So segments become stale only where something is lost or skipped.
 * @param collecting segments that calls under way will bring
 */
export function lagAllows(state: TrainingState, collecting: number, segments: number): boolean {
  const { job } = state;
  const onTheWay = openSegments(state.ledger) + collecting;
  // Less than a batch moves nothing: without more of them the learner would wait for ever.
  return onTheWay < job.learn.batchSegments || onTheWay + segments <= Math.max(1, job.schedule.policyLagMax) * job.learn.batchSegments;
}

/**
 * Segments worth a call while the learner is busy anyway: calls are large, histories short. No more than half of what
 * the lag allows on its way at once, or the shards would wait for a lot that waits for them.
 */
export function lotSegments({ job }: TrainingState): number {
  const { batchesPerCall, policyLagMax } = job.schedule;
  return job.learn.batchSegments * Math.max(1, Math.min(batchesPerCall, batchesInCall(job), Math.floor(policyLagMax / 2)));
}

/** Batches whose references fit into one call. */
function batchesInCall(job: Job): number {
  return Math.max(1, Math.floor(SEGMENTS_PER_CALL_MAX / job.learn.batchSegments));
}

export interface Admission {
  readonly lot: readonly SegmentRef[];
  readonly stale: readonly SegmentRef[];
}

/**
 * Segments for the next update call, oldest first: whole batches, at most `batchesPerCall` and no more than the end
 * of the run needs. A segment is stale where the
 * version that its batch would improve is more than `policyLagMax` ahead of its own. `ahead`: versions that work already
 * taken will add before this lot.
 */
export function admit(state: TrainingState, ahead: number, nowMs: number): Admission {
  const { job } = state;
  const { batchSegments } = job.learn;
  const segmentsMax = batchSegments * Math.max(0, Math.min(job.schedule.batchesPerCall, batchesInCall(job), batchesRemaining(state) - ahead));
  const parent = (state.policy?.version ?? 0) + ahead;
  const lot: SegmentRef[] = [];
  const stale: SegmentRef[] = [];
  for (const { ref, collectedAtMs } of state.ready) {
    if (lot.length >= segmentsMax) break;
    const improves = parent + Math.floor(lot.length / batchSegments);
    if (improves - ref.policyVersion > job.schedule.policyLagMax) stale.push(ref);
    else if (!awaitsLabels(state, ref, nowMs - collectedAtMs)) lot.push(ref);
  }
  return { lot: lot.slice(0, lot.length - (lot.length % batchSegments)), stale };
}

/** A source with `unknown: "wait"` holds a segment back while its messages may still be labelled, up to `waitMs`. */
function awaitsLabels(state: TrainingState, segment: SegmentRef, ageMs: number): boolean {
  if (state.job.schedule.mode === 'lockstep') return false;
  return Object.entries(state.job.sources).some(([name, source]) => {
    if (source.kind !== 'model' || source.unknown !== 'wait' || ageMs >= source.waitMs) return false;
    return state.annotations[name]?.window.some((waiting) => waiting.ref.key === segment.key) ?? false;
  });
}

/** The version at which the next evaluation on the way is due; Infinity: none is wanted. */
export function nextEvaluation({ job, evaluations, evaluationLeftOut = 0 }: TrainingState): number {
  const every = job.schedule.evaluateVersions;
  return every === 0 || job.evaluate.episodes === 0 ? Infinity : Math.max(evaluationLeftOut, ...evaluations.map((one) => one.version)) + every;
}

/** The versions in (parent, parent + batches] at which a checkpoint is due. */
export function checkpointsDue(job: Job, parent: number, batches: number): number[] {
  const due: number[] = [];
  for (let version = parent + 1; version <= parent + batches; version++) {
    if (version % job.schedule.checkpointVersions === 0) due.push(version);
  }
  return due;
}
