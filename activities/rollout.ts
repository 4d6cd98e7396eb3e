import type { CollectInput, CollectResult, EvaluateInput, RolloutActivities } from '../proto/activities.js';
import type { EvaluationRef } from '../proto/references.js';
import { runActivity, type Work } from './activity.js';

export interface RolloutMachinery {
  collect(input: CollectInput, work: Work): Promise<Omit<CollectResult, 'workerQueue'>>;
  evaluate(input: EvaluateInput, work: Work): Promise<EvaluationRef>;
}

export function createRolloutActivities(rollout: RolloutMachinery, workerQueue: string): RolloutActivities {
  return {
    collect: (input) => runActivity(async (work) => ({ ...(await rollout.collect(input, work)), workerQueue })),
    evaluate: (input) => runActivity((work) => rollout.evaluate(input, work)),
  };
}
