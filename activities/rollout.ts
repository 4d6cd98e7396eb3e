import { TASK_QUEUES } from '../proto/activities.js';
import type { CollectInput, CollectResult, EvaluateInput, RolloutActivities } from '../proto/activities.js';
import type { EvaluationRef } from '../proto/references.js';
import type { RestoreResult, RestoreSegmentInput } from '../proto/restoration.js';
import { runActivity, type Work } from './activity.js';

export interface RolloutMachinery {
  /** `offered`: the next segments may be made by any worker of the pool. */
  collect(input: CollectInput, work: Work): Promise<Omit<CollectResult, 'workerQueue'> & { readonly offered: boolean }>;
  evaluate(input: EvaluateInput, work: Work): Promise<EvaluationRef>;
}

export interface SegmentRestorerMachinery {
  restore(input: RestoreSegmentInput, work: Work): Promise<RestoreResult>;
}

export function createRolloutActivities(rollout: RolloutMachinery, restorer: SegmentRestorerMachinery, workerQueue: string): RolloutActivities {
  return {
    collect: (input) =>
      runActivity(async (work) => {
        const { offered, ...result } = await rollout.collect(input, work);
        return { ...result, workerQueue: offered ? TASK_QUEUES.rollout : workerQueue };
      }),
    evaluate: (input) => runActivity((work) => rollout.evaluate(input, work)),
    restoreSegment: (input) => runActivity((work) => restorer.restore(input, work)),
  };
}
