/** A reward from an expert's behaviour: a discriminator against the policy that is optimal for it (AIRL, arXiv 1710.11248). */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { unitColumn, unitNumbers } from '../../preference/dataset.js';
import { occupancy, processOf, softPolicy } from '../../preference/soft-control.js';
import { floats, modelFile, objectiveOf, type Fit, type FitContext } from './fit.js';
import { adversarialLoss } from './losses.js';

const WEIGHT = 'reward.weight';

/** The policy is made anew in each step from the reward of that step, exactly: moves are known, so nothing is sampled but the expert. */
export function adversarialFit(spec: FitSpecOf<'adversarial'>, { data }: FitContext): Fit {
  const embedding = unitColumn(data, 'embedding');
  const { width, values } = embedding;
  const process = processOf(data);
  const expert = unitNumbers(data, 'visits');
  const { rows } = data;
  const reward = (scope: Scope, x: Tensor): Tensor => op.matmul(scope.graph, x, scope.parameter(WEIGHT, [width, 1], { kind: 'zeros' }));
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const f = op.reshape(g, reward(scope, g.constant(values, [rows, width])), [rows]);
    return { loss: adversarialLoss(g, f, g.input('logPolicy', [rows]), g.input('expert', [rows]), g.input('policy', [rows])), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: 1,
    feeds(_rows, _step, parameters) {
      const weight = parameters[WEIGHT] as Float32Array;
      const f = Float64Array.from({ length: rows }, (_, row) => {
        let sum = 0;
        for (let part = 0; part < width; part++) sum += (values[row * width + part] as number) * (weight[part] as number);
        return sum;
      });
      const logPolicy = softPolicy(process, f);
      return { logPolicy: floats(Float32Array.from(logPolicy), [rows]), expert: floats(expert, [rows]), policy: floats(Float32Array.from(occupancy(process, logPolicy)), [rows]) };
    },
    files: (parameters) => ({ model: modelFile(parameters, { embedding: { column: 'embedding', width } }, { score: 'reward of the state and action' }, (scope, inputs) => ({ score: reward(scope, inputs['embedding'] as Tensor) })) }),
  };
}
