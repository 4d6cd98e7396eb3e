/** Log-probabilities of tokens, by the same formula as the sampler's: log-softmax of logits / temperature. */
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';

export interface TokenLogProbs {
  /** f32 [B, T]. */
  readonly logProb: Tensor;
  /** f32 [B, T], nats; without gradient. */
  readonly entropy: Tensor;
}

/**
 * @param logits [B*T, vocabulary], row b * T + t
 * @param targets int64 [B, T]: the token that follows each; any id where a mask hides it
 */
export function tokenLogProbs(g: Graph, logits: Tensor, targets: Tensor, temperature = 1): TokenLogProbs {
  const [batch, tokens] = targets.shape as [number, number];
  const scaled = temperature === 1 ? logits : op.mul(g, logits, g.scalar(1 / temperature));
  const logProbs = op.logSoftmax(g, scaled);
  const still = g.stop(logProbs);
  const entropy = op.neg(g, op.reduceSum(g, op.mul(g, op.exp(g, still), still), [1]));
  return { logProb: op.reshape(g, op.pick(g, logProbs, op.reshape(g, targets, [batch * tokens])), [batch, tokens]), entropy: op.reshape(g, entropy, [batch, tokens]) };
}
