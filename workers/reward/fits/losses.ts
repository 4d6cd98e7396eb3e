/** Losses of reward models, each over tensors of a batch; all are means. */
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import { logSigmoid, pairCrossEntropy } from '../../learner/losses/preference.js';

/**
 * Bradley-Terry over score differences [B] (first minus second) with soft labels; `k` above 1 is the form with ties
 * (Rao and Kupper 1967): a win -log sigma(D - log k), a tie -log sigma(D - log k) - log sigma(-D - log k) - log(k^2 - 1).
 * A probability of 0.5 is a tie then, 1 or 0 a win.
 */
export function bradleyTerryLoss(g: Graph, difference: Tensor, probability: Tensor, k = 1): Tensor {
  if (k === 1) return op.mean(g, pairCrossEntropy(g, difference, probability));
  const logK = g.scalar(Math.log(k));
  const forward = op.neg(g, logSigmoid(g, op.sub(g, difference, logK)));
  const backward = op.neg(g, logSigmoid(g, op.sub(g, op.neg(g, difference), logK)));
  const win = op.add(g, op.mul(g, probability, forward), op.mul(g, op.sub(g, g.scalar(1), probability), backward));
  const tie = op.sub(g, op.add(g, forward, backward), g.scalar(Math.log(k * k - 1)));
  // 1 where p is 0.5, 0 where p is 0 or 1.
  const isTie = op.sub(g, g.scalar(1), op.absolute(g, op.sub(g, op.mul(g, probability, g.scalar(2)), g.scalar(1))));
  return op.mean(g, op.add(g, op.mul(g, isTie, tie), op.mul(g, op.sub(g, g.scalar(1), isTie), win)));
}

/** Squared error over the ratings that are there; all [B, K]. */
export function maskedRegressionLoss(g: Graph, predicted: Tensor, rating: Tensor, mask: Tensor): Tensor {
  const errors = op.mul(g, op.square(g, op.sub(g, predicted, rating)), mask);
  return op.div(g, op.reduceSum(g, errors), op.maximum(g, g.scalar(1), op.reduceSum(g, mask)));
}

/**
 * -log sum_k a_k sigma(D_k) + lambda sum_k a_k log a_k (MiCRo, arXiv 2505.24846), with p sigma(D) + (1 - p) sigma(-D) for soft labels.
 * @param differences [B, K] @param logWeights log a [B, K]
 */
export function mixtureLoss(g: Graph, differences: Tensor, logWeights: Tensor, probability: Tensor, lambda: number): Tensor {
  const p = op.reshape(g, probability, [probability.shape[0] as number, 1]);
  const weights = op.exp(g, logWeights);
  const likelihood = op.add(g, op.mul(g, p, op.sigmoid(g, differences)), op.mul(g, op.sub(g, g.scalar(1), p), op.sigmoid(g, op.neg(g, differences))));
  const fit = op.neg(g, op.mean(g, op.log(g, op.reduceSum(g, op.mul(g, weights, likelihood), [1]))));
  if (lambda === 0) return fit;
  return op.add(g, fit, op.mul(g, op.mean(g, op.reduceSum(g, op.mul(g, weights, logWeights), [1])), g.scalar(lambda)));
}

/** KL(N(mean, e^logVariance) || N(0, 1)) in nats, mean over rows; both [B, d]. */
export function normalDivergence(g: Graph, mean: Tensor, logVariance: Tensor): Tensor {
  const inner = op.sub(g, op.sub(g, op.add(g, op.square(g, mean), op.exp(g, logVariance)), g.scalar(1)), logVariance);
  return op.mul(g, op.mean(g, op.reduceSum(g, inner, [1])), g.scalar(0.5));
}

/** max(0, |a - p|^2 - |a - n|^2 + m), and the same with a and p in each other's places, for each row [B, d] (SIRL, arXiv 2301.00810). */
export function tripletLoss(g: Graph, anchor: Tensor, positive: Tensor, negative: Tensor, margin: number): Tensor {
  const distance = (a: Tensor, b: Tensor): Tensor => op.reduceSum(g, op.square(g, op.sub(g, a, b)), [1]);
  const near = distance(anchor, positive);
  const hinge = (far: Tensor): Tensor => op.mean(g, op.relu(g, op.add(g, op.sub(g, near, far), g.scalar(margin))));
  return op.add(g, hinge(distance(anchor, negative)), hinge(distance(positive, negative)));
}

/**
 * Cross-entropy of the discriminator D = e^f / (e^f + pi) (AIRL, arXiv 1710.11248): -sum expert log D - sum policy log(1 - D)
 * over all states and actions; the weights are shares of steps.
 * @param f [N] @param logPolicy log pi [N], nats
 */
export function adversarialLoss(g: Graph, f: Tensor, logPolicy: Tensor, expert: Tensor, policy: Tensor): Tensor {
  const logit = op.sub(g, f, logPolicy);
  const sum = (weights: Tensor, logProb: Tensor): Tensor => op.reduceSum(g, op.mul(g, weights, logProb));
  return op.neg(g, op.add(g, sum(expert, logSigmoid(g, logit)), sum(policy, logSigmoid(g, op.neg(g, logit)))));
}
