/** Rotary position embedding (Su et al., RoFormer, arXiv 2104.09864). */
import type { Graph, Tensor } from '../graph.js';

const BASE = 10_000;

/**
 * Turns the pairs (i, i + D/2) of each head's vector by the angle position * 10000^(-2i/D).
 * @param x [B, H, T, D], D even
 * @param positions int64 [B, T], below `context`
 */
export function rotate(g: Graph, x: Tensor, positions: Tensor, context: number): Tensor {
  return turn(g, x, positions, context, 1);
}

function turn(g: Graph, x: Tensor, positions: Tensor, context: number, direction: 1 | -1): Tensor {
  const half = (x.shape[3] as number) / 2;
  if (!Number.isInteger(half)) throw new RangeError(`expected heads of an even width, got ${x.shape[3]}`);
  const table = (value: (angle: number) => number): Tensor =>
    g.constant(Float32Array.from({ length: context * half }, (_, index) => value(Math.floor(index / half) * BASE ** (-(index % half) / half))), [context, half]);
  const inputs = [x, positions, table(Math.cos), table((angle) => direction * Math.sin(angle))];
  // The inverse of a rotation is its transpose, so the gradient is turned back.
  return g.differentiable('RotaryEmbedding', inputs, x.shape, (d) => [turn(g, d, positions, context, direction === 1 ? -1 : 1)], {}, 'com.microsoft');
}
