/** The bundle's entry and the public list of workflow types. */
export { trainingRun } from './training-run.js';
export { rescoringRun } from './rescoring-run.js';
export { retentionSweep } from './retention-sweep.js';
export { evaluationRun } from './evaluation-run.js';
export { rewardModelRun } from './model-run.js';
