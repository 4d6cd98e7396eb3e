/**
 * The graphs of generation: one reads whole prompts into a cache of keys and values, the other adds one token to each
 * row. Parameters are inputs, so that a new version is no new session. They share the layers with training.
 */
import { Graph, type Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { Scope } from '../networks/scope.js';
import { cached, causal, type Attend } from './attention.js';
import { headWidth } from './specification.js';
import type { Transformer } from './transformer.js';

/** `tokens` int64 [rows, length] gives `key.<layer>`, `value.<layer>`, f32 [rows, heads, length, head width]. */
export function prefillModel(transformer: Transformer, rows: number, length: number): Uint8Array {
  const g = new Graph('prefill');
  transformer.features(new Scope(g), g.input('tokens', [rows, length], 'int64'), kept(g, causal(g, length)));
  return g.build();
}

/**
 * `token` and `position` int64 [rows, 1], and `cache.key.<layer>`, `cache.value.<layer>` f32 [rows, heads, length, head
 * width] of the positions before, give `log_prob` f32 [rows, vocabulary] of the token that follows, and `key.<layer>`,
 * `value.<layer>` [rows, heads, 1, head width] of the token that was fed.
 */
export function decodeModel(transformer: Transformer, rows: number, length: number, temperature: number): Uint8Array {
  const { heads } = transformer.spec;
  const g = new Graph('decode');
  const scope = new Scope(g);
  const position = g.input('position', [rows, 1], 'int64');
  const shape = [rows, heads, length, headWidth(transformer.spec)];
  const attend = cached(g, op.reshape(g, position, [rows]), length, (layer) => ({ key: g.input(`cache.key.${layer}`, shape), value: g.input(`cache.value.${layer}`, shape) }));
  const token = g.input('token', [rows, 1], 'int64');
  const logits = transformer.logits(scope, transformer.layers(scope, token, { batch: rows, tokens: 1, positions: position }, kept(g, attend)));
  g.output('log_prob', op.logSoftmax(g, temperature === 1 ? logits : op.mul(g, logits, g.scalar(1 / temperature))));
  return g.build();
}

/** Attention whose keys and values are outputs of the graph. */
function kept(g: Graph, attend: Attend): Attend {
  return (heads, layer): Tensor => {
    g.output(`key.${layer}`, heads.key);
    g.output(`value.${layer}`, heads.value);
    return attend(heads, layer);
  };
}
