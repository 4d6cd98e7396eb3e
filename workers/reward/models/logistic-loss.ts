/** The loss of a yes-or-no answer, and with it of a comparison, as graph. */
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';

/**
 * Weighted mean of -[y log s(z) + (1 - y) log(1 - s(z))], s the logistic function, in the form that does not overflow:
 * max(z, 0) - z y + log(1 + e^-|z|). For a classifier z is its logit and y the label (cross entropy, ONI-Classification);
 * for a comparison z is the difference of two scores and y is 1 where the first is better, 0 where the second is, .5 for
 * a tie (Bradley and Terry 1952, as ONI-Ranking and Motif, arXiv 2310.00166, use it).
 * @param z f32 [N]
 * @param y f32 [N], 0..1
 * @param weight f32 [N], at least one above 0
 */
export function logisticLoss(g: Graph, z: Tensor, y: Tensor, weight: Tensor): Tensor {
  const folded = op.log(g, op.add(g, g.scalar(1), op.exp(g, op.neg(g, op.absolute(g, z)))));
  const each = op.add(g, op.sub(g, op.maximum(g, z, g.scalar(0)), op.mul(g, z, y)), folded);
  return op.div(g, op.reduceSum(g, op.mul(g, each, weight)), op.reduceSum(g, weight));
}
