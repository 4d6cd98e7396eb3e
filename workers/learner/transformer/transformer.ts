/**
 * An autoregressive transformer with norms before each part. One definition serves whole sequences (training, scoring)
 * and one token at a time (generation); they differ only in what attention looks at.
 */
import { CounterRandom } from '../../../proto/philox.js';
import { Graph, type Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { initialValues, Scope, type ParameterDefinition } from '../networks/scope.js';
import { attention, causal, type Attend, type Places } from './attention.js';
import { feedForward, normalise, WEIGHT_DEVIATION } from './layers.js';
import { checkTransformerSpec, type TransformerSpec } from './specification.js';

export class Transformer {
  readonly parameters: readonly ParameterDefinition[];

  /** @throws LaurelError LAUREL_JOB_INVALID */
  constructor(readonly spec: TransformerSpec) {
    checkTransformerSpec(spec);
    const graph = new Graph('definition');
    const scope = new Scope(graph);
    this.logits(scope, this.features(scope, graph.input('tokens', [1, 1], 'int64')));
    this.parameters = scope.definitions;
  }

  /** Values of version 0, a pure function of the seed. */
  initialParameters(seed: number): Record<string, Float32Array> {
    return Object.fromEntries(this.parameters.map((definition, index) => [definition.name, initialValues(definition, new CounterRandom(seed, 'parameterInit'), index)]));
  }

  /**
   * Features [B*T, width] of whole sequences, row b * T + t for token t of sequence b.
   * @param tokens int64 [B, T], T at most the context; what pads a sequence stands behind it
   * @param attend in place of causal attention, to look at the heads
   */
  features(scope: Scope, tokens: Tensor, attend?: Attend): Tensor {
    const g = scope.graph;
    const [batch, length] = tokens.shape as [number, number];
    if (length > this.spec.context) throw new RangeError(`expected at most ${this.spec.context} tokens, got ${length}`);
    const positions = g.constant(BigInt64Array.from({ length: batch * length }, (_, index) => BigInt(index % length)), [batch, length]);
    return this.layers(scope, tokens, { batch, tokens: length, positions }, attend ?? causal(g, length));
  }

  /** All layers on tokens (int64 [batch, tokens]) that stand at `places`; [rows, width], normalised. */
  layers(scope: Scope, tokens: Tensor, places: Places, attend: Attend): Tensor {
    const { spec } = this;
    const g = scope.graph;
    const rows = places.batch * places.tokens;
    let x = op.embedding(g, this.table(scope), op.reshape(g, tokens, [rows]));
    if (spec.position === 'learned') {
      const table = scope.parameter('position.weight', [spec.context, spec.width], { kind: 'normal', deviation: WEIGHT_DEVIATION });
      x = op.add(g, x, op.embedding(g, table, op.reshape(g, places.positions, [rows])));
    }
    for (let layer = 0; layer < spec.layers; layer++) {
      x = op.add(g, x, attention(scope, spec, layer, normalise(scope, spec, `layer.${layer}.attention.norm`, x), places, attend));
      x = op.add(g, x, feedForward(scope, spec, `layer.${layer}.feed-forward`, normalise(scope, spec, `layer.${layer}.feed-forward.norm`, x)));
    }
    return normalise(scope, spec, 'norm', x);
  }

  /** [rows, vocabulary] from features [rows, width]. */
  logits(scope: Scope, features: Tensor): Tensor {
    const { spec } = this;
    const g = scope.graph;
    if (spec.tied) return op.matmul(g, features, this.table(scope), false, true);
    return op.matmul(g, features, scope.parameter('output.weight', [spec.width, spec.vocabulary], { kind: 'normal', deviation: WEIGHT_DEVIATION }));
  }

  private table(scope: Scope): Tensor {
    return scope.parameter('embedding.weight', [this.spec.vocabulary, this.spec.width], { kind: 'normal', deviation: WEIGHT_DEVIATION });
  }
}
