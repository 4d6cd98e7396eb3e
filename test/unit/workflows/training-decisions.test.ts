import { describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import type { SegmentRef } from '../../../proto/references.js';
import { admit, batchesRemaining, checkpointsDue, collectingSuffices, lagAllows } from '../../../workflows/training-decisions.js';
import { progressOf, statusOf } from '../../../workflows/training-metrics.js';
import { initialState, openSegments, type TrainingState } from '../../../workflows/training-state.js';
import { step } from '../../../workflows/training-step.js';
import { artifact, segmentRef, smallJob } from '../../workflow/fakes.js';

function stateOf(overrides: Record<string, unknown>, segments: readonly SegmentRef[] = [], version = 0): TrainingState {
  const job = resolveJob(smallJob(overrides));
  const policy = { version, artifact: artifact(`policies/${version}`, 1) };
  let state = step(initialState('run', job, 0), { type: 'prepared', result: { spec: artifact('spec', 0), policy, parameters: 1, rewardNames: ['score'], statisticNames: ['level'] } });
  for (const segment of segments) {
    state = step(state, { type: 'collected', shard: segment.shard, atMs: 1_000, result: { segments: [segment], workerQueue: 'q', collectMs: 10, replayed: 0, stepMsP50: 1, stepMsP99: 2 } });
  }
  return state;
}

describe('admission', () => {
  it('counts the lag from the version that the batch of a segment improves', () => {
    const segments = [0, 1, 2, 3].map((seq) => segmentRef(0, seq, 3));
    // Two batches of two: the first improves version 5 (lag 2), the second version 6 (lag 3).
    const state = stateOf({ schedule: { policyLagMax: 2 } }, segments, 5);
    const { lot, stale } = admit(state, 0, 0);
    expect(lot.map((segment) => segment.seq)).toEqual([0, 1]);
    expect(stale.map((segment) => segment.seq)).toEqual([2, 3]);
  });

  it('counts work already taken as versions ahead', () => {
    const state = stateOf({ schedule: { policyLagMax: 2 } }, [segmentRef(0, 0, 3), segmentRef(0, 1, 3)], 5);
    expect(admit(state, 1, 0).lot).toEqual([]);
    expect(admit(state, 1, 0).stale).toHaveLength(2);
  });

  it('takes whole batches only, at most those of one call, and no more than the end needs', () => {
    const segments = Array.from({ length: 11 }, (_, seq) => segmentRef(0, seq, 0));
    expect(admit(stateOf({ schedule: { batchesPerCall: 3, policyLagMax: 99 } }, segments), 0, 0).lot).toHaveLength(6);
    expect(admit(stateOf({ schedule: { batchesPerCall: 9, policyLagMax: 99 } }, segments), 0, 0).lot).toHaveLength(10);
    expect(admit(stateOf({ schedule: { policyLagMax: 99 }, stop: { versions: 1 } }, segments), 0, 0).lot).toHaveLength(2);
  });

  it('holds a segment back for its labels where the job says wait, but not longer than it says', () => {
    const helpful = { kind: 'model', fit: 'retrieval', unknown: 'wait', waitMs: 5_000, annotator: { goal: 'g', judge: { kind: 'scripted' } } };
    let state = stateOf({ sources: { game: { kind: 'env' }, helpful } });
    state = step(state, { type: 'annotator-opened', source: 'helpful', log: { annotator: 'a', position: 0, labels: 0 } });
    const segments = [segmentRef(0, 0, 0), segmentRef(0, 1, 0)];
    state = step(state, { type: 'collected', shard: 0, atMs: 1_000, result: { segments, workerQueue: 'q', collectMs: 10, replayed: 0, stepMsP50: 1, stepMsP99: 1 } });
    expect(admit(state, 0, 3_000).lot).toHaveLength(0);
    expect(admit(state, 0, 6_000).lot).toHaveLength(2);
    const result = { log: { annotator: 'a', position: 1, labels: 2 }, made: 2, known: 0, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 1, tokensOut: 1, annotateMs: 1 };
    const labelled = step(state, { type: 'annotated', source: 'helpful', result, keys: segments.map((segment) => segment.key) });
    expect(admit(labelled, 0, 3_000).lot).toHaveLength(2);
  });
});

describe('collecting', () => {
  it('stops where what is on its way is all that the lag lets the learner use', () => {
    const state = stateOf({ learn: { batchSegments: 2 }, schedule: { policyLagMax: 3 } }, [segmentRef(0, 0, 0), segmentRef(0, 1, 0), segmentRef(0, 2, 0)]);
    expect(lagAllows(state, 0, 3)).toBe(true);
    expect(lagAllows(state, 0, 4)).toBe(false);
    expect(lagAllows(state, 2, 2)).toBe(false);
  });

  it('goes on while there is less than a batch, however large a call is: else nothing would ever move', () => {
    const state = stateOf({ learn: { batchSegments: 4 }, schedule: { policyLagMax: 1, segmentsPerCall: 64 } }, [segmentRef(0, 0, 0), segmentRef(0, 1, 0), segmentRef(0, 2, 0)]);
    expect(lagAllows(state, 0, 64)).toBe(true);
    expect(lagAllows(state, 1, 64)).toBe(false);
  });

  it('stops where what is collected reaches the end', () => {
    const state = stateOf({ learn: { batchSegments: 2 }, stop: { versions: 3 } }, [segmentRef(0, 0, 0), segmentRef(0, 1, 0)]);
    expect(batchesRemaining(state)).toBe(3);
    expect(collectingSuffices(state, 3)).toBe(false);
    expect(collectingSuffices(state, 4)).toBe(true);
  });

  it('moves the number of segments in a call towards the time that a call should last', () => {
    const after = (collectMs: number) => {
      const state = stateOf({ schedule: { collectMs: 1_000, policyLagMax: 100 }, learn: { batchSegments: 8 } });
      const before = state.shards[0]!.segmentsPerCall;
      const next = step(state, { type: 'collected', shard: 0, atMs: 0, result: { segments: [segmentRef(0, 0, 0)], workerQueue: 'q', collectMs, replayed: 0, stepMsP50: 1, stepMsP99: 1 } });
      return next.shards[0]!.segmentsPerCall / before;
    };
    expect(after(2_000)).toBe(0.5);
    expect(after(1_000)).toBe(1);
    expect(after(10)).toBe(2);
  });
});

describe('the ledger and the status', () => {
  it('has each segment in one place', () => {
    let state = stateOf({}, [0, 1, 2, 3, 4].map((seq) => segmentRef(0, seq, 0)));
    state = step(state, { type: 'disposed', count: 1, disposition: 'stale', reason: 'policy-lag' });
    state = step(state, { type: 'disposed', count: 2, disposition: 'filtered', reason: 'run-ended' });
    state = step(state, { type: 'disposed', count: 1, disposition: 'failed', reason: 'storage' });
    expect(openSegments(state.ledger)).toBe(1);
    expect(state.ledger).toMatchObject({ collected: 5, stale: 1, filtered: { 'run-ended': 2 }, failed: { storage: 1 } });
  });

  it('is plain JSON: what is carried over is what comes out', () => {
    const state = stateOf({}, [segmentRef(0, 0, 0)]);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    const status = statusOf(state, { nowMs: 5_000, runState: 'Running', waits: [], underWay: [], stall: null, historyEvents: 10 });
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
    expect(status.episodes).toMatchObject({ count: 1, lengthMean: 10, returnMeans: { score: 2 }, statisticMeans: { level: 1 } });
  });

  it('measures progress by the criterion that is nearest to its end', () => {
    const state = stateOf({ stop: { versions: 10, runMs: 20_000 } }, [], 2);
    expect(progressOf(state, state.stop, 5_000)).toBe(0.25);
    expect(progressOf(state, state.stop, 1_000)).toBe(0.2);
    expect(progressOf(state, state.stop, 90_000)).toBe(1);
  });

  it('lists the checkpoints that fall into a call', () => {
    const { job } = stateOf({ schedule: { checkpointVersions: 4 } });
    expect(checkpointsDue(job, 3, 6)).toEqual([4, 8]);
    expect(checkpointsDue(job, 4, 3)).toEqual([]);
  });
});
