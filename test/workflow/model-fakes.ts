/** Activities of runs without rollouts that only count. */
import type { FitModelInput, ModelLearnerActivities, ModelRewardActivities } from '../../proto/preference-activities.js';
import { planSteps } from '../../proto/preference-plan.js';
import { resolveModelJob } from '../../proto/resolve.js';
import { artifact } from './fakes.js';

export type ModelFakes = ModelRewardActivities & ModelLearnerActivities;

export const SMALL_MODEL_JOB = {
  name: 'small-model',
  data: { kind: 'users', pairs: 20, testPairs: 20 },
  curate: { clean: { op: 'consistent', from: 'train', by: ['first'] } },
  sources: {
    first: { kind: 'model', fit: { kind: 'bradley-terry', on: 'train', steps: 30 } },
    second: { kind: 'model', fit: { kind: 'bradley-terry', on: 'clean', steps: 20 } },
  },
  evaluate: { first: { kind: 'preference-accuracy', of: 'first', on: 'test' }, second: { kind: 'preference-accuracy', of: 'second', on: 'test' } },
  schedule: { stepsPerCall: 10 },
} as const;

export function createModelFakes(): { readonly fits: FitModelInput[]; readonly activities: ModelFakes } {
  const fits: FitModelInput[] = [];
  const steps = new Map(planSteps(resolveModelJob(SMALL_MODEL_JOB)).map((step) => [step.name, step.steps]));
  return {
    fits,
    activities: {
      makeTables: async () => ({ spec: artifact('spec', 0), tables: { train: artifact('tables/train', 40), context: artifact('tables/context', 4), test: artifact('tables/test', 40) } }),
      curateTable: async ({ name }) => artifact(`tables/${name}`, 40),
      fitModel: async (input) => {
        fits.push(input);
        const model = input.to < (steps.get(input.name) ?? 0) ? null : { model: artifact(`models/${input.name}`, 0), checkpoint: artifact(`fits/${input.name}`, 0) };
        return { checkpoint: artifact(`fits/${input.name}/${input.to}`, 0), metrics: { loss: 0.5, parameters: 9 }, model };
      },
      evaluateModel: async ({ name, index }) => ({ ...artifact(`evaluations/${name}`, 0), version: index, episodes: 20, means: { accuracy: { mean: 0.9, halfWidth: 0.1 } } }),
    },
  };
}
