import type { CheckpointInput, LearnerActivities, PrepareRunInput, PrepareRunResult, UpdateInput, UpdateResult } from '../proto/activities.js';
import type { UpdateRef } from '../proto/references.js';
import type { RestoreResult, RestoreVersionInput } from '../proto/restoration.js';
import { runActivity, type Work } from './activity.js';

export interface LearnerMachinery {
  prepareRun(input: PrepareRunInput): Promise<PrepareRunResult>;
  update(input: UpdateInput, work: Work): Promise<Omit<UpdateResult, 'workerQueue' | 'updateMs'>>;
  writeCheckpoint(input: CheckpointInput, work: Work): Promise<UpdateRef | null>;
  restoreVersion(input: RestoreVersionInput, work: Work): Promise<RestoreResult>;
}

export function createLearnerActivities(learner: LearnerMachinery, workerQueue: string): LearnerActivities {
  return {
    prepareRun: (input) => runActivity(() => learner.prepareRun(input)),
    update: (input) =>
      runActivity(async (work) => {
        const begunMs = performance.now();
        const result = await learner.update(input, work);
        return { ...result, workerQueue, updateMs: performance.now() - begunMs };
      }),
    writeCheckpoint: (input) => runActivity((work) => learner.writeCheckpoint(input, work)),
    restoreVersion: (input) => runActivity((work) => learner.restoreVersion(input, work)),
  };
}
