/** Activities of runs without rollouts: tables and evaluations on the reward pool, fits on the learner pool. */
import type { CurateTableInput, EvaluateModelInput, FitModelInput, FitModelResult, MakeTablesInput, MakeTablesResult, ModelLearnerActivities, ModelRewardActivities } from '../proto/preference-activities.js';
import type { ArtifactRef, EvaluationRef } from '../proto/references.js';
import { runActivity, type Work } from './activity.js';

export interface TableMachinery {
  makeTables(input: MakeTablesInput): Promise<MakeTablesResult>;
  curateTable(input: CurateTableInput): Promise<ArtifactRef>;
  evaluateModel(input: EvaluateModelInput): Promise<EvaluationRef>;
}
export interface FitMachinery {
  fitModel(input: FitModelInput, work: Work): Promise<FitModelResult>;
}

export function createModelRewardActivities(tables: TableMachinery): ModelRewardActivities {
  return {
    makeTables: (input) => runActivity(() => tables.makeTables(input)),
    curateTable: (input) => runActivity(() => tables.curateTable(input)),
    evaluateModel: (input) => runActivity(() => tables.evaluateModel(input)),
  };
}

export function createModelLearnerActivities(fits: FitMachinery): ModelLearnerActivities {
  return { fitModel: (input) => runActivity((work) => fits.fitModel(input, work)) };
}
