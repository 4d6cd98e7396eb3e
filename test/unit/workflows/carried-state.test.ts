/** What continue-as-new carries, at the bound that is named for it. */
import { describe, expect, it } from 'vitest';
import type { SegmentRef } from '../../../proto/references.js';
import { resolveJob } from '../../../proto/resolve.js';
import { layout } from '../../../workers/store/layout.js';
import { CARRIED_BYTES_MAX, isCarried, pack, READY_CARRIED_MAX, unpack } from '../../../workflows/carried-state.js';
import { initialState, type TrainingState } from '../../../workflows/training-state.js';
import { step } from '../../../workflows/training-step.js';
import { artifact, segmentRef, smallJob } from '../../workflow/fakes.js';

const SHARDS = 1_000;
const SEGMENTS = 100_000;

function segment(shard: number, seq: number, version: number): SegmentRef {
  const digest = `sha256:${(shard * 1_000 + seq).toString(16).padStart(64, 'a')}`;
  const episodes = { count: seq % 3, failed: 0, lengthSum: (seq % 3) * 217, returnSums: [seq % 3 === 0 ? 0 : 3.25], statisticSums: [0, 0, (seq % 3) * 1.5] };
  return { ...segmentRef(shard, seq, version), key: layout.segment('nethack-oni-with-a-long-name', shard, seq), digest, bytes: 612_344 + seq, endpoints: [`grpc+tcp://10.1.${shard % 40}.7:40123`], episodes };
}

/** A thousand shards that have made a hundred thousand segments, of which all but those that may wait are trained on. */
function full(): TrainingState {
  const models = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { kind: 'model', fit: 'retrieval', annotator: { goal: name, judge: { kind: 'scripted' } } }]));
  const job = resolveJob(smallJob({ sources: { game: { kind: 'env' }, ...models }, combine: { op: 'linear', weights: { game: 1 } }, learn: { batchSegments: 256 }, schedule: { policyLagMax: 16 }, rollout: { shards: SHARDS, environmentsPerShard: 8, segmentSteps: 8 } }));
  let state = initialState('nethack-oni-with-a-long-name', job, 0);
  state = step(state, { type: 'prepared', result: { spec: artifact('spec', 0), policy: { version: 0, artifact: artifact('policies/0', 1) }, parameters: 1, rewardNames: ['score'], statisticNames: ['x', 'y', 'z'] } });
  for (const source of Object.keys(models)) state = step(state, { type: 'annotator-opened', source, log: { annotator: source.repeat(32), position: 0, labels: 0 } });
  const perShard = SEGMENTS / SHARDS;
  for (let seq = 0; seq < perShard; seq += 10) {
    for (let shard = 0; shard < SHARDS; shard++) {
      const segments = Array.from({ length: 10 }, (_, index) => segment(shard, seq + index, seq));
      state = step(state, { type: 'collected', shard, atMs: 1_732_000_000_000 + seq, result: { segments, workerQueue: `laurel-rollout/host-${shard % 40}-0123abcd-rollout`, collectMs: 4_000, replayed: 0, stepMsP50: 1, stepMsP99: 2 } });
      if (state.ready.length <= READY_CARRIED_MAX) continue;
      const keys = state.ready.slice(0, state.ready.length - READY_CARRIED_MAX).map(({ ref }) => ref.key);
      state = step(step(state, { type: 'taken', keys }), { type: 'disposed', count: keys.length, disposition: 'stale', reason: 'policy-lag' });
    }
  }
  const evaluation = (version: number) => ({ ...artifact(`evaluations/${version}`, 0), version, episodes: 32, means: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`statistic${index}`, { mean: 1 / 3, halfWidth: 2 / 3 }])) });
  for (let version = 0; version < 100; version++) state = step(state, { type: 'evaluated', evaluation: evaluation(version), evaluateMs: 1 });
  return state;
}

describe('the state that a run carries', () => {
  const state = full();

  it(`stays below ${CARRIED_BYTES_MAX} bytes with a thousand shards after a hundred thousand segments`, () => {
    expect(state.ledger.collected).toBe(SEGMENTS);
    expect(state.ready).toHaveLength(READY_CARRIED_MAX);
    const packed = JSON.stringify(pack(state)).length;
    console.log(`carried: ${packed} bytes; as it is in memory: ${JSON.stringify(state).length}`);
    expect(packed).toBeLessThan(CARRIED_BYTES_MAX);
  });

  it('comes back as it was', () => {
    const carried = JSON.parse(JSON.stringify(pack(state))) as unknown;
    expect(isCarried(carried)).toBe(true);
    if (isCarried(carried)) expect(unpack(carried)).toEqual(JSON.parse(JSON.stringify(state)));
  });

  it('keeps what it cannot tell in short', () => {
    const odd = { ...segment(3, 5, 1), key: 'elsewhere/5.arrow' };
    const unknown = { ...segment(4, 6, 1), note: 'a field of a later version' };
    const rebuilt = { ...segment(5, 7, 1), episodes: { count: 0, failed: 1, nondeterministic: 1, lengthSum: 0, returnSums: [0], statisticSums: [0] } };
    const small = { ...state, ready: [odd, unknown, rebuilt].map((ref) => ({ ref, collectedAtMs: 5 })) };
    expect(unpack(JSON.parse(JSON.stringify(pack(small))) as ReturnType<typeof pack>).ready).toEqual(small.ready);
  });
});
