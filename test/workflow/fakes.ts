/** Activities that only count: references without data behind them, for tests of what the workflow decides. */
import {
  TASK_QUEUES,
  type AnnotatorActivities,
  type CollectInput,
  type LearnerActivities,
  type RewardActivities,
  type RolloutActivities,
  type ScoreInput,
  type UpdateInput,
} from '../../proto/activities.js';
import { layout } from '../../workers/store/layout.js';
import type { ArtifactRef, RewardRef, SegmentRef, UpdateRef } from '../../proto/references.js';

export interface Calls {
  readonly collects: CollectInput[];
  readonly scores: ScoreInput[];
  readonly updates: UpdateInput[];
  readonly metrics: number[];
  annotates: number;
  finished: number;
}

export function artifact(key: string, rows: number): ArtifactRef {
  return { key, digest: `sha256:${'0'.repeat(64)}`, bytes: rows, rows, schemaVersion: 1, endpoints: [] };
}

export function segmentRef(shard: number, seq: number, policyVersion: number, rows = 64): SegmentRef {
  const episodes = { count: 1, failed: 0, lengthSum: 10, returnSums: [2], statisticSums: [1] };
  return { ...artifact(layout.segment('any', shard, seq), rows), shard, seq, policyVersion, environments: 8, steps: 8, episodes };
}

export type Fakes = RolloutActivities & AnnotatorActivities & RewardActivities & LearnerActivities;

export function createFakes(overrides: Partial<Fakes> = {}): { readonly calls: Calls; readonly activities: Fakes } {
  const calls: Calls = { collects: [], scores: [], updates: [], metrics: [], annotates: 0, finished: 0 };
  const policy = (version: number) => ({ version, artifact: artifact(`policies/${version}`, 4) });
  const activities: Fakes = {
    prepareRun: async () => ({ spec: artifact('spec', 0), policy: policy(0), parameters: 10, rewardNames: ['score'], statisticNames: ['level'] }),
    openAnnotator: async () => ({ annotator: 'a', position: 0, labels: 0 }),
    collect: async (input) => {
      calls.collects.push(input);
      const segments = Array.from({ length: input.segments }, (_, index) => segmentRef(input.shard, input.seq + index, input.policy.version));
      return { segments, workerQueue: TASK_QUEUES.rollout, collectMs: 50, replayed: 0, stepMsP50: 1, stepMsP99: 2 };
    },
    evaluate: async (input) => ({ ...artifact(`evaluations/${input.policy.version}`, 0), version: input.policy.version, episodes: input.episodes, means: { return: { mean: 1, halfWidth: 0.1 } } }),
    annotate: async (input) => {
      calls.annotates++;
      return { log: { annotator: input.annotatorId, position: calls.annotates, labels: calls.annotates }, made: 1, known: 2, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 5, tokensOut: 1, annotateMs: 3 };
    },
    fit: async (input) => {
      const { annotator, position, labels } = input.log;
      const model = { ...artifact(`reward-models/${position}`, 0), annotator, fit: 'f', position, labels };
      return { model, newest: { position, ready: true, metrics: { accuracy: 0.9, majority: 0.6 } }, nextLabels: labels + 2, made: 1, fitMs: 1 };
    },
    sampleSegments: async (input) => Array.from({ length: input.segments }, (_, seq) => segmentRef(0, seq, 0)),
    rescore: async (input) => ({ artifact: artifact('rescoring', 0), transitions: 64 * input.segments.length, summaries: [], comparisons: [] }),
    score: async (input) => {
      calls.scores.push(input);
      const rewards = input.segments.map((segment): RewardRef => ({ ...artifact(layout.reward('any', segment.shard, segment.seq, 's'), segment.rows), shard: segment.shard, seq: segment.seq, scoring: 's', components: { total: { sum: 6.4, nonZero: 3, masked: 0 } } }));
      return { rewards, workerQueue: TASK_QUEUES.reward, scoreMs: 1 };
    },
    update: async (input) => {
      calls.updates.push(input);
      const batches = input.recordedOnly === true ? [] : input.batches;
      const updates = batches.map((batch, index): UpdateRef => {
        const version = input.parent + index + 1;
        const lagMax = Math.max(...batch.segments.map((segment) => version - 1 - segment.policyVersion));
        const transitions = batch.segments.reduce((sum, segment) => sum + segment.rows, 0);
        return { version, key: `updates/${version}`, policy: policy(version), checkpoint: input.checkpointsAt.includes(version) ? version : null, transitions, lagMax, metrics: { entropy: 1 } };
      });
      return { updates, workerQueue: TASK_QUEUES.learner, updateMs: 2, replayed: 0 };
    },
    writeCheckpoint: async () => null,
    restoreSegment: async () => ({ made: true }),
    restoreReward: async () => ({ made: true }),
    sweep: async () => ({ objects: 3, bytes: 3_000, record: artifact('sweep', 0) }),
    restoreVersion: async () => ({ made: true }),
    appendMetrics: async (input) => {
      calls.metrics.push(...input.lines.map((line) => line.version));
      return { quality: null };
    },
    finishRun: async () => {
      calls.finished++;
      return { summary: artifact('summary', 0) };
    },
    ...overrides,
  };
  return { calls, activities };
}

/** A small job as a person would write it. */
export function smallJob(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'small',
    environment: { kind: 'grid-world' },
    sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 8 },
    schedule: { segmentsPerCall: 2, policyLagMax: 8 },
    stop: { versions: 20 },
    ...overrides,
  };
}
