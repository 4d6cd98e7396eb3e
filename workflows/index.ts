/** The bundle's entry and the public list of workflow types. */
export { trainingRun } from './training-run.js';
export { evaluationRun } from './evaluation-run.js';
