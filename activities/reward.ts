import type { AppendMetricsInput, AppendMetricsResult, FinishInput, FinishResult, FitInput, FitResult, RescoreInput, RescoringResult, RewardActivities, SampleSegmentsInput, ScoreInput } from '../proto/activities.js';
import type { RewardRef, SegmentRef } from '../proto/references.js';
import type { RestoreResult, RestoreRewardInput } from '../proto/restoration.js';
import type { SweepInput, SweepResult } from '../proto/retention.js';
import { runActivity, type Work } from './activity.js';

export interface ScorerMachinery {
  score(input: ScoreInput, work: Work): Promise<readonly RewardRef[]>;
  restore(input: RestoreRewardInput, work: Work): Promise<RestoreResult>;
}

export interface FitterMachinery {
  fit(input: FitInput, work: Work): Promise<FitResult>;
}

export interface RescorerMachinery {
  sample(input: SampleSegmentsInput, work: Work): Promise<readonly SegmentRef[]>;
  rescore(input: RescoreInput, work: Work): Promise<RescoringResult>;
}

export interface RecordMachinery {
  appendMetrics(input: AppendMetricsInput): Promise<AppendMetricsResult>;
  finishRun(input: FinishInput): Promise<FinishResult>;
}

export interface SweeperMachinery {
  sweep(input: SweepInput, work: Work): Promise<SweepResult>;
}

export function createRewardActivities(scorer: ScorerMachinery, fitter: FitterMachinery, rescorer: RescorerMachinery, records: RecordMachinery, sweeper: SweeperMachinery, workerQueue: string): RewardActivities {
  return {
    score: (input) =>
      runActivity(async (work) => {
        const begunMs = performance.now();
        const rewards = await scorer.score(input, work);
        return { rewards, workerQueue, scoreMs: performance.now() - begunMs };
      }),
    fit: (input) => runActivity((work) => fitter.fit(input, work)),
    restoreReward: (input) => runActivity((work) => scorer.restore(input, work)),
    sampleSegments: (input) => runActivity((work) => rescorer.sample(input, work)),
    rescore: (input) => runActivity((work) => rescorer.rescore(input, work)),
    sweep: (input) => runActivity((work) => sweeper.sweep(input, work)),
    appendMetrics: (input) => runActivity(() => records.appendMetrics(input)),
    finishRun: (input) => runActivity(() => records.finishRun(input)),
  };
}
