/** Policy networks from data: an environment's spaces and a preset give one definition, used to act and to train. */
import { CounterRandom } from '../../../proto/philox.js';
import type { NetworkPolicySpec } from '../../../proto/learning.js';
import type { Spaces } from '../../rollout/environments/environment.js';
import { Graph, type Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { encodeObservation, type Widths } from './encoders.js';
import { dense, initialValues, Scope, type ParameterDefinition } from './scope.js';

const PRESETS: Readonly<Record<NetworkPolicySpec['preset'], Widths>> = {
  tiny: { glyph: 8, character: 4, channels: 8, encoder: 64, hidden: 64 },
  small: { glyph: 16, character: 8, channels: 16, encoder: 128, hidden: 128 },
  medium: { glyph: 32, character: 16, channels: 32, encoder: 256, hidden: 512 },
};

export class Network {
  readonly parameters: readonly ParameterDefinition[];
  readonly stateSize: number;
  /** Numbers that describe one action's distribution: logits, or means followed by log deviations. */
  readonly distributionSize: number;
  /** Value functions: as many as the job names, else one. */
  readonly valueCount: number;
  private readonly widths: Widths;

  constructor(
    readonly spaces: Spaces,
    readonly spec: NetworkPolicySpec,
  ) {
    this.widths = PRESETS[spec.preset];
    this.stateSize = spec.kind === 'feed-forward' ? 0 : this.widths.hidden * (spec.cell === 'lstm' ? 2 : 1);
    this.distributionSize = spaces.action.kind === 'discrete' ? spaces.action.count : spaces.action.size * 2;
    this.valueCount = spec.valueHeads === null ? 1 : Object.keys(spec.valueHeads).length;
    const graph = new Graph('definition');
    const scope = new Scope(graph);
    this.build(scope, this.observationInputs(graph, 1), 1, 1, this.stateInput(graph, 1), null);
    this.parameters = scope.definitions;
  }

  /** gamma of each value function. @param discount of those that name none */
  discounts(discount: number): number[] {
    return this.spec.valueHeads === null ? [discount] : Object.values(this.spec.valueHeads).map((head) => head.discount ?? discount);
  }

  observationInputs(graph: Graph, rows: number): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(this.spaces.observations).map(([name, space]) => [name, graph.input(`observation.${name}`, [rows, ...space.shape], space.type)]));
  }

  stateInput(graph: Graph, rows: number): Tensor | null {
    return this.stateSize === 0 ? null : graph.input('state', [rows, this.stateSize]);
  }

  /**
   * Distribution [T*B, D], value [T*B], or [T*B, H] where there are several value functions, and the state [B, S] after the last step. Rows are time-major.
   * @param keep f32 [T, B]: 0 where an episode begins at that step, so that the memory before it is forgotten; null: 1
   */
  build(scope: Scope, observations: Readonly<Record<string, Tensor>>, steps: number, batch: number, state: Tensor | null, keep: Tensor | null): { distribution: Tensor; value: Tensor; state: Tensor | null } {
    const g = scope.graph;
    const { encoder, hidden } = this.widths;
    const parts = Object.entries(this.spaces.observations).map(([name, space]) => encodeObservation(scope, name, space, observations[name] as Tensor, this.widths, this.spec.encoder));
    const joined = op.concat(g, parts, 1);
    let features = op.relu(g, dense(scope, 'trunk', joined, this.spec.kind === 'feed-forward' ? hidden : encoder, Math.SQRT2));
    let nextState: Tensor | null = null;
    if (state) {
      const unrolled = memory(scope, this.spec, features, steps, hidden, state, keep);
      features = unrolled.outputs;
      nextState = unrolled.state;
    } else {
      features = op.relu(g, dense(scope, 'trunk.2', features, hidden, Math.SQRT2));
    }
    const values = dense(scope, 'value', features, this.valueCount, 1);
    const value = this.valueCount === 1 ? op.reshape(g, values, [steps * batch]) : values;
    const { action } = this.spaces;
    const head = dense(scope, 'policy', features, action.kind === 'discrete' ? action.count : action.size, 0.01);
    if (action.kind === 'discrete') return { distribution: head, value, state: nextState };
    const logDeviation = scope.parameter('policy.log_deviation', [action.size], { kind: 'zeros' });
    return { distribution: op.concat(g, [head, op.expand(g, op.reshape(g, logDeviation, [1, action.size]), [steps * batch, action.size])], 1), value, state: nextState };
  }

  /** Inference for `batch` environments: parameters are inputs, so that a new version is no new session. */
  inferenceModel(batch: number): Uint8Array {
    const graph = new Graph('policy');
    const outputs = this.inferenceOutputs(graph, new Scope(graph), batch);
    for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor);
    return graph.build();
  }

  inferenceOutputs(graph: Graph, scope: Scope, batch: number): Record<string, Tensor> {
    const built = this.build(scope, this.observationInputs(graph, batch), 1, batch, this.stateInput(graph, batch), null);
    return { distribution: built.distribution, value: built.value, ...(built.state ? { state_next: built.state } : {}) };
  }

  /** Parameters of version 0, a pure function of the seed. */
  initialParameters(seed: number): Record<string, Float32Array> {
    return Object.fromEntries(this.parameters.map((definition, index) => [definition.name, initialValues(definition, new CounterRandom(seed, 'parameterInit'), index)]));
  }
}

function memory(scope: Scope, spec: NetworkPolicySpec, x: Tensor, steps: number, hidden: number, state: Tensor, keep: Tensor | null): op.Unrolled {
  const g = scope.graph;
  const gates = (spec.cell === 'lstm' ? 4 : 3) * hidden;
  const projected = dense(scope, 'memory.input', x, gates, 1);
  const weight = scope.parameter('memory.recurrent.weight', [hidden, gates], { kind: 'orthogonal', gain: 1 });
  if (spec.cell === 'lstm') return op.lstm(g, { projected, weight, state, keep, steps });
  return op.gru(g, { projected, weight, bias: scope.parameter('memory.recurrent.bias', [gates], { kind: 'zeros' }), state, keep, steps });
}
