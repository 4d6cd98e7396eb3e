/** The objective of constrained RLHF (arXiv 2310.04373) over expectations. */
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';

export interface ConstrainedInputs {
  /** Expected value of each proxy reward, scalars. */
  readonly returns: readonly Tensor[];
  /** KL of the policy from its reference, nats. */
  readonly divergence: Tensor;
  /** [N]; null: no multipliers. */
  readonly mu: Tensor | null;
  readonly multiplier: 'sigmoid' | 'tanh' | 'none';
  readonly thresholds: readonly number[];
  /** Used where there are no multipliers. */
  readonly divergenceWeight: number;
}

/**
 * The policy ascends (N - sum lambda_i) (-KL) + sum lambda_i J_i with lambda = sigma(mu) or tanh(mu) held fixed; mu descends
 * lambda_i (J_i - theta_i) with J held fixed: below its threshold a reward gains weight, above it loses weight. Without
 * multipliers: sum J_i - divergenceWeight KL.
 */
export function constrainedLoss(g: Graph, { returns, divergence, mu, multiplier, thresholds, divergenceWeight }: ConstrainedInputs): Tensor {
  const count = returns.length;
  const stacked = op.concat(g, returns.map((value) => op.reshape(g, value, [1])), 0);
  if (mu === null || multiplier === 'none') return op.sub(g, op.mul(g, divergence, g.scalar(divergenceWeight)), op.reduceSum(g, stacked));
  const lambda = multiplier === 'sigmoid' ? op.sigmoid(g, mu) : op.tanh(g, mu);
  const fixed = g.stop(lambda);
  const left = op.sub(g, g.scalar(count), op.reduceSum(g, fixed));
  const policy = op.sub(g, op.mul(g, left, divergence), op.reduceSum(g, op.mul(g, fixed, stacked)));
  const gap = op.sub(g, g.stop(stacked), g.constant(Float32Array.from(thresholds), [count]));
  return op.add(g, policy, op.reduceSum(g, op.mul(g, lambda, gap)));
}
