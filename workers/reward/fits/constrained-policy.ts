/** A tabular policy whose proxy rewards are held at thresholds by multipliers (constrained RLHF, arXiv 2310.04373). */
import type { PolicyLearnSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { unitNumbers } from '../../preference/dataset.js';
import { constrainedLoss } from '../../learner/losses/constrained.js';
import { objectiveOf, type Fit, type FitContext, type Parameters } from './fit.js';
import { tableOf, tabularFile, tabularLogProbs, type PolicyTable } from './tabular-policy.js';

/** Expectations are exact sums over the table, so that advantages need no estimate: their gradient is that of the expectation. */
export function constrainedPolicyFit(spec: PolicyLearnSpecOf<'constrained'>, { data }: FitContext): Fit {
  const table = tableOf(data);
  const rewards = spec.rewards.map((name) => unitNumbers(data, name));
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const logProb = op.reshape(g, spec.policy === 'tabular' ? tabularLogProbs(scope, table, 1) : tiltedLogProbs(scope, table, rewards), [table.rows]);
    const probability = op.mul(g, op.exp(g, logProb), g.scalar(1 / table.prompts));
    const expected = (values: Tensor): Tensor => op.reduceSum(g, op.mul(g, probability, values));
    const returns = rewards.map((values) => expected(g.constant(values, [table.rows])));
    const divergence = expected(op.sub(g, logProb, g.constant(table.logReference, [table.rows])));
    const mu = spec.multiplier === 'none' ? null : op.mul(g, scope.parameter('multipliers', [rewards.length], { kind: 'zeros' }), g.scalar(spec.multiplierRate));
    const loss = constrainedLoss(g, { returns, divergence, mu, multiplier: spec.multiplier, thresholds: spec.thresholds, divergenceWeight: spec.divergence });
    return { loss, metrics: { divergence: g.stop(divergence), ...Object.fromEntries(returns.map((value, index) => [`return.${spec.rewards[index] as string}`, g.stop(value)])) } };
  }, spec.weightDecay);
  return { objective, rows: table.prompts, feeds: () => ({}), files: (parameters) => ({ model: tabularFile(spec.policy === 'tabular' ? parameters : tabulated(parameters, table, rewards), table, 1) }) };
}

const TILT = 'policy.tilt';

function tiltedLogProbs(scope: Scope, { prompts, actions, logReference }: PolicyTable, rewards: readonly Float32Array[]): Tensor {
  const g = scope.graph;
  const tilt = scope.parameter(TILT, [rewards.length], { kind: 'zeros' });
  const parts = rewards.map((values, index) => op.mul(g, g.constant(values, [prompts, actions]), op.reshape(g, op.slice(g, tilt, 0, index, index + 1), [1, 1])));
  return op.logSoftmax(g, parts.reduce((sum, part) => op.add(g, sum, part), g.constant(logReference, [prompts, actions])));
}

/** The same policy as a table of what is added to the reference. */
function tabulated(parameters: Parameters, { rows }: PolicyTable, rewards: readonly Float32Array[]): Parameters {
  const tilt = parameters[TILT] as Float32Array;
  return { 'policy.0': Float32Array.from({ length: rows }, (_, row) => rewards.reduce((sum, values, index) => sum + (tilt[index] as number) * (values[row] as number), 0)) };
}
