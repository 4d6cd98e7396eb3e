/**
 * The clipped policy gradient over completions. Token ratio and clip: PPO, arXiv 1707.06347, equation 7, with two bounds
 * as DAPO, arXiv 2503.14476, equation 8; mean of means: GRPO, arXiv 2402.03300, equation 3; one ratio for a completion:
 * GSPO, arXiv 2507.18071, equation 7; k3 estimate of KL: Schulman 2020.
 */
import type { GroupPolicyGradientSpec } from '../../../proto/learning.js';
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Loss } from '../loss-session.js';

export interface GroupLossInputs {
  /** f32 [B, T], of the policy that is trained; what the mask hides may be any finite number. */
  readonly logProb: Tensor;
  /** f32 [B, T], nats, without gradient. */
  readonly entropy: Tensor;
  readonly behaviourLogProb: Tensor;
  /** Of version 0; null: no KL in the loss. */
  readonly referenceLogProb: Tensor | null;
  /** f32 [B]. */
  readonly advantage: Tensor;
  /** f32 [B, T]: 1 for the tokens of the completion. */
  readonly mask: Tensor;
  /** f32 [B]: 0 for a completion that is not trained on. */
  readonly weight: Tensor;
}

/** Keeps the exponential finite; no ratio within any clip is touched. */
const LOG_RATIO_MAX = 20;
/** StableReinforce bounds ratios to [1e-3, 1e3] before the exponential (arXiv 2505.02835, equation 6). */
const STABLE_LOG_RATIO_MAX = Math.log(1e3);

export function groupPolicyGradientLoss(g: Graph, spec: GroupPolicyGradientSpec, completionTokensMax: number, inputs: GroupLossInputs): Loss {
  const [rows, tokens] = inputs.mask.shape as [number, number];
  const column = (x: Tensor): Tensor => op.reshape(g, x, [rows, 1]);
  const mask = op.mul(g, inputs.mask, column(inputs.weight));
  const lengths = op.maximum(g, op.reduceSum(g, inputs.mask, [1]), g.scalar(1));
  const counted = op.maximum(g, op.reduceSum(g, inputs.weight), g.scalar(1));
  const meanOver = (x: Tensor): Tensor => op.div(g, op.reduceSum(g, op.mul(g, x, mask)), op.maximum(g, op.reduceSum(g, mask), g.scalar(1)));
  /** [B, T] to the scalar that the aggregation gives. */
  const aggregate = (x: Tensor): Tensor => {
    if (spec.aggregation === 'token') return meanOver(x);
    const sums = op.reduceSum(g, op.mul(g, x, mask), [1]);
    if (spec.aggregation === 'constant') return op.div(g, op.reduceSum(g, sums), op.mul(g, counted, g.scalar(completionTokensMax)));
    return op.div(g, op.reduceSum(g, op.div(g, sums, lengths)), counted);
  };

  // Hidden tokens have no say in the ratio of their completion.
  const difference = op.mul(g, op.sub(g, inputs.logProb, inputs.behaviourLogProb), inputs.mask);
  const logRatio = spec.aggregation === 'sequence-ratio' ? op.expand(g, column(op.div(g, op.reduceSum(g, difference, [1]), lengths)), [rows, tokens]) : difference;
  const bound = spec.estimator === 'stable-reinforce' ? STABLE_LOG_RATIO_MAX : LOG_RATIO_MAX;
  const ratio = op.exp(g, op.clip(g, logRatio, -bound, bound));
  const clipped = op.clip(g, ratio, 1 - spec.clipLow, 1 + spec.clipHigh);
  const advantage = column(inputs.advantage);
  const policyLoss = op.neg(g, aggregate(op.minimum(g, op.mul(g, ratio, advantage), op.mul(g, clipped, advantage))));
  const outside = op.sub(g, g.scalar(1), op.cast(g, op.compare(g, 'LessOrEqual', op.absolute(g, op.sub(g, ratio, clipped)), g.scalar(0)), 'float32'));
  const metrics = { policyLoss, entropy: meanOver(inputs.entropy), ratioMean: meanOver(ratio), clipFraction: meanOver(outside) };

  if (inputs.referenceLogProb === null) return { loss: policyLoss, metrics };
  const gap = op.mul(g, op.sub(g, inputs.referenceLogProb, inputs.logProb), inputs.mask);
  const kl = op.sub(g, op.sub(g, op.exp(g, op.clip(g, gap, -LOG_RATIO_MAX, LOG_RATIO_MAX)), gap), g.scalar(1));
  return { loss: op.add(g, policyLoss, op.mul(g, aggregate(kl), g.scalar(spec.klCoefficient))), metrics: { ...metrics, kl: meanOver(kl) } };
}
