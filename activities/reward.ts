import type { AppendMetricsInput, FinishInput, FinishResult, RewardActivities, ScoreInput } from '../proto/activities.js';
import type { RewardRef } from '../proto/references.js';
import { runActivity, type Work } from './activity.js';

export interface ScorerMachinery {
  score(input: ScoreInput, work: Work): Promise<readonly RewardRef[]>;
}

export interface RecordMachinery {
  appendMetrics(input: AppendMetricsInput): Promise<void>;
  finishRun(input: FinishInput): Promise<FinishResult>;
}

export function createRewardActivities(scorer: ScorerMachinery, records: RecordMachinery, workerQueue: string): RewardActivities {
  return {
    score: (input) =>
      runActivity(async (work) => {
        const begunMs = performance.now();
        const rewards = await scorer.score(input, work);
        return { rewards, workerQueue, scoreMs: performance.now() - begunMs };
      }),
    appendMetrics: (input) => runActivity(() => records.appendMetrics(input)),
    finishRun: (input) => runActivity(() => records.finishRun(input)),
  };
}
