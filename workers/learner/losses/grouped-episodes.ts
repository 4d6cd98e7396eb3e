/** The clipped policy gradient over T x B transitions whose advantages come from comparing whole episodes: no value function. */
import type { ActorCriticSpec } from '../../../proto/learning.js';
import type { ActionSpace } from '../../rollout/environments/environment.js';
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Loss } from '../loss-session.js';
import { actionTerms, clippedPolicyLoss, ratioMetrics } from './actor-critic.js';

export interface GroupedInputs {
  /** int64 [T*B], or f32 [T*B, size]. */
  readonly action: Tensor;
  /** The rest is f32 [T, B]. */
  readonly behaviourLogProb: Tensor;
  /** That of the episode which the transition belongs to. */
  readonly advantage: Tensor;
  /** 0: not trained on. */
  readonly weight: Tensor;
}

/** PPO, arXiv 1707.06347, equation 7, less the entropy bonus; mean over the transitions that count. */
export function groupedEpisodesLoss(g: Graph, spec: ActorCriticSpec, space: ActionSpace, distribution: Tensor, inputs: GroupedInputs): Loss {
  const [steps, batch] = inputs.weight.shape as [number, number];
  const grid = (x: Tensor): Tensor => op.reshape(g, x, [steps, batch]);
  const { logProb, entropy } = actionTerms(g, space, distribution, inputs.action);
  const logRatio = op.sub(g, grid(logProb), inputs.behaviourLogProb);
  const ratio = op.exp(g, op.clip(g, logRatio, -20, 20));
  const weightSum = op.maximum(g, op.reduceSum(g, inputs.weight), g.scalar(1));
  const average = (x: Tensor): Tensor => op.div(g, op.reduceSum(g, op.mul(g, x, inputs.weight)), weightSum);
  const policyLoss = clippedPolicyLoss(g, spec, ratio, inputs.advantage, average);
  const entropyMean = average(grid(entropy));
  const loss = op.sub(g, policyLoss, op.mul(g, entropyMean, g.scalar(spec.entropyCoefficient)));
  return { loss, metrics: { policyLoss, entropy: entropyMean, ...ratioMetrics(g, spec, ratio, logRatio, average), advantageMean: average(inputs.advantage) } };
}
