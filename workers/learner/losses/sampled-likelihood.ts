/** Weighted likelihood of sampled answers. */
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';

/** -sum over the samples of w log pi, mean over prompts; both [B, n]. SFT with w = 1 / n, rejection sampling with w in {0, 1}, RWR with w = softmax(r / temperature). */
export function sampledLikelihoodLoss(g: Graph, logProb: Tensor, weight: Tensor): Tensor {
  return op.neg(g, op.mean(g, op.reduceSum(g, op.mul(g, logProb, weight), [1])));
}

/**
 * SteerLM 2.0 (arXiv 2406.08673, equations 5 and 6): the gradient is -sum (w' - b') grad log Q, with
 * w' = softmax(log P(a | x, y) + log P(y | x) - log Q'(y | a, x)), b' = softmax(log Q - log Q'), over n samples of Q'.
 * @param logProb log Q [B, n] @param logSampler log Q' [B, n] @param logTarget log P(a | x, y) + log P(y | x) [B, n]
 */
export function steerLossOf(g: Graph, logProb: Tensor, logSampler: Tensor, logTarget: Tensor): Tensor {
  const wanted = op.softmax(g, op.sub(g, logTarget, logSampler));
  const now = op.softmax(g, g.stop(op.sub(g, logProb, logSampler)));
  return sampledLikelihoodLoss(g, logProb, op.sub(g, wanted, now));
}
