/** Weighted likelihood of completions: the sum of weight times log-probability, by the tokens that count. */
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Loss } from '../loss-session.js';

export interface LikelihoodInputs {
  /** f32 [B, T]. */
  readonly logProb: Tensor;
  /** f32 [B, T], nats, without gradient. */
  readonly entropy: Tensor;
  /** f32 [B, T]: 1 for the tokens of the completion. */
  readonly mask: Tensor;
  /** f32 [B]; may be negative (SteerLM 2.0). */
  readonly weight: Tensor;
}

/** -sum_i w_i sum_t log p(y_it) / sum_i |w_i| |y_i|. With all weights 1 the cross-entropy per token. */
export function weightedLikelihoodLoss(g: Graph, { logProb, entropy, mask, weight }: LikelihoodInputs): Loss {
  const rows = mask.shape[0] as number;
  const weights = op.mul(g, mask, op.reshape(g, weight, [rows, 1]));
  const size = op.maximum(g, op.reduceSum(g, op.absolute(g, weights)), g.scalar(1e-6));
  const masked = op.maximum(g, op.reduceSum(g, mask), g.scalar(1));
  const loss = op.neg(g, op.div(g, op.reduceSum(g, op.mul(g, logProb, weights)), size));
  return { loss, metrics: { entropy: op.div(g, op.reduceSum(g, op.mul(g, entropy, mask)), masked) } };
}
