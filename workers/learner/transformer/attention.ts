/** Causal attention (Vaswani et al., arXiv 1706.03762): of whole sequences, or of one new token on a cache. */
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Scope } from '../networks/scope.js';
import { project, residualDeviation } from './layers.js';
import { headWidth, type TransformerSpec } from './specification.js';

/** Where the rows of a graph stand in their sequences. */
export interface Places {
  /** Sequences, and tokens of each in this graph; row b * tokens + t is token t of sequence b. */
  readonly batch: number;
  readonly tokens: number;
  /** int64 [batch, tokens]. */
  readonly positions: Tensor;
}

/** Each f32 [batch, heads, tokens, head width]; queries and keys are turned already where positions are rotary. */
export interface Heads {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

/** What the heads of a layer look at: gives [batch, heads, tokens, head width]. */
export type Attend = (heads: Heads, layer: number) => Tensor;

/** Added to the score of what must not be seen; the exponential of the sum is 0. */
const HIDDEN = -1e9;

export function attention(scope: Scope, spec: TransformerSpec, layer: number, x: Tensor, places: Places, attend: Attend): Tensor {
  const g = scope.graph;
  const { batch, tokens } = places;
  const { heads, width, context } = spec;
  const shape = [batch, heads, tokens, headWidth(spec)];
  const projected = project(scope, spec, `layer.${layer}.attention.input`, x, 3 * width);
  const apart = op.transpose(g, op.reshape(g, projected, [batch, tokens, 3, heads, headWidth(spec)]), [2, 0, 3, 1, 4]);
  const [query, key, value] = op.splitEvenly(g, apart, 0, 3).map((part) => op.reshape(g, part, shape)) as [Tensor, Tensor, Tensor];
  const turned = (part: Tensor): Tensor => (spec.position === 'rotary' ? op.rotate(g, part, places.positions, context) : part);
  const seen = attend({ query: op.mul(g, turned(query), g.scalar(1 / Math.sqrt(headWidth(spec)))), key: turned(key), value }, layer);
  const together = op.reshape(g, op.transpose(g, seen, [0, 2, 1, 3]), [batch * tokens, width]);
  return project(scope, spec, `layer.${layer}.attention.output`, together, width, residualDeviation(spec));
}

/** Each token sees itself and those before it. What pads a sequence stands behind it and is seen by none of its tokens. */
export function causal(g: Graph, tokens: number): Attend {
  const mask = g.constant(
    Float32Array.from({ length: tokens * tokens }, (_, index) => (index % tokens <= Math.floor(index / tokens) ? 0 : HIDDEN)),
    [tokens, tokens],
  );
  return ({ query, key, value }) => op.batchMatmul(g, op.softmax(g, op.add(g, op.batchMatmul(g, query, key, false, true), mask)), value);
}

/** Keys and values of the tokens before, of one layer: f32 [rows, heads, context, head width]. */
export interface LayerCache {
  readonly key: Tensor;
  readonly value: Tensor;
}

/**
 * One token for each row, which sees itself and the first `positions[row]` entries of its cache. What stands behind
 * them may be any finite number.
 */
export function cached(g: Graph, positions: Tensor, context: number, cacheOf: (layer: number) => LayerCache): Attend {
  const rows = positions.shape[0] as number;
  const index = g.constant(BigInt64Array.from({ length: context }, (_, entry) => BigInt(entry)), [1, context]);
  const known = op.compare(g, 'Less', index, op.reshape(g, positions, [rows, 1]));
  const mask = op.reshape(g, op.where(g, known, g.scalar(0), g.scalar(HIDDEN)), [rows, 1, 1, context]);
  return ({ query, key, value }, layer) => {
    const cache = cacheOf(layer);
    const scores = op.concat(g, [op.batchMatmul(g, query, key, false, true), op.add(g, op.batchMatmul(g, query, cache.key, false, true), mask)], 3);
    const [own, before] = op.split(g, op.softmax(g, scores), 3, [1, context]) as [Tensor, Tensor];
    return op.add(g, op.mul(g, own, value), op.batchMatmul(g, before, cache.value));
  };
}
