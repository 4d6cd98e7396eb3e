/**
 * Losses of learning from preferences, over the difference of log-ratios of a pair: D = log(pi / pi_ref) of the first
 * minus that of the second, [B]. `probability` [B]: that the first is preferred; 1 gives the loss of the papers. All means.
 */
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';

/** log sigma(x), exact for large |x| and with the gradient 1/2 at 0. */
export function logSigmoid(g: Graph, x: Tensor): Tensor {
  return op.neg(g, op.softplus(g, op.neg(g, x)));
}

/** -[p log sigma(x) + (1 - p) log sigma(-x)] for each element. */
export function pairCrossEntropy(g: Graph, x: Tensor, probability: Tensor): Tensor {
  const other = op.sub(g, g.scalar(1), probability);
  return op.neg(g, op.add(g, op.mul(g, probability, logSigmoid(g, x)), op.mul(g, other, logSigmoid(g, op.neg(g, x)))));
}

/** -log sigma(beta D) (DPO, arXiv 2305.18290, equation 7). `beta`: a number, or one for each pair. */
export function dpoLoss(g: Graph, difference: Tensor, probability: Tensor, beta: number | Tensor): Tensor {
  return op.mean(g, pairCrossEntropy(g, op.mul(g, difference, typeof beta === 'number' ? g.scalar(beta) : beta), probability));
}

/** (D - 1 / (2 beta))^2 (IPO, arXiv 2310.12036, equation 17); a pair of probability p counts p this way and 1 - p the other way round. */
export function ipoLoss(g: Graph, difference: Tensor, probability: Tensor, beta: number): Tensor {
  const goal = g.scalar(1 / (2 * beta));
  const forward = op.square(g, op.sub(g, difference, goal));
  const backward = op.square(g, op.add(g, difference, goal));
  return op.mean(g, op.add(g, op.mul(g, probability, forward), op.mul(g, op.sub(g, g.scalar(1), probability), backward)));
}

/**
 * -log sigma((beta D - margin) / w1), margin = sum over the other objectives of w_j times their reward difference
 * (MODPO, arXiv 2310.03708, equation 9); preferences are those of the first objective.
 */
export function modpoLoss(g: Graph, difference: Tensor, probability: Tensor, margin: Tensor, beta: number, firstWeight: number): Tensor {
  const x = op.mul(g, op.sub(g, op.mul(g, difference, g.scalar(beta)), margin), g.scalar(1 / firstWeight));
  return op.mean(g, pairCrossEntropy(g, x, probability));
}

/**
 * Mean over heads of the DPO loss of a head on its own objective's pairs (MAH-DPO, arXiv 2510.01167).
 * @param differences [B, H] @param own [B, H]: 1 where the pair is of the head's objective
 */
export function multiHeadDpoLoss(g: Graph, differences: Tensor, probability: Tensor, own: Tensor, beta: number): Tensor {
  const [rows, heads] = differences.shape as [number, number];
  const each = pairCrossEntropy(g, op.mul(g, differences, g.scalar(beta)), op.reshape(g, probability, [rows, 1]));
  const sums = op.reduceSum(g, op.mul(g, each, own), [0]);
  const counts = op.maximum(g, g.scalar(1), op.reduceSum(g, own, [0]));
  return op.mul(g, op.reduceSum(g, op.div(g, sums, counts)), g.scalar(1 / heads));
}

/** beta_i = max(0.001, beta (1 + w (1 - e^(-k margin)))), the scale of a pair by its reward margin (arXiv 2502.10391; the form of 1 - e^(-k margin) is our reading). */
export function dynamicBeta(margin: number, beta: number, w: number, k: number): number {
  return Math.max(1e-3, beta * (1 + w * (1 - Math.exp(-k * margin))));
}
