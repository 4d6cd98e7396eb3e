/** Policy networks from data: an environment's spaces and a preset give one definition, used to act and to train. */
import { CounterRandom } from '../../../proto/philox.js';
import type { PolicySpec } from '../../../proto/learning.js';
import type { ObservationSpace, Spaces } from '../../rollout/environments/environment.js';
import { Graph, sizeOf, type Shape, type Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';

export type Initialisation = { readonly kind: 'zeros' } | { readonly kind: 'orthogonal'; readonly gain: number } | { readonly kind: 'normal'; readonly deviation: number };
export interface ParameterDefinition {
  readonly name: string;
  readonly shape: Shape;
  readonly init: Initialisation;
}

interface Widths {
  readonly glyph: number;
  readonly character: number;
  readonly encoder: number;
  readonly hidden: number;
}
const PRESETS: Readonly<Record<PolicySpec['preset'], Widths>> = {
  tiny: { glyph: 8, character: 4, encoder: 64, hidden: 64 },
  small: { glyph: 16, character: 8, encoder: 128, hidden: 128 },
  medium: { glyph: 32, character: 16, encoder: 256, hidden: 512 },
};

/** Tables of ids larger than this are encoded by narrower embeddings: a dense layer over a whole map would dominate all. */
const CELLS_MAX = 256;

export class Network {
  readonly parameters: readonly ParameterDefinition[];
  readonly stateSize: number;
  /** Numbers that describe one action's distribution: logits, or means followed by log deviations. */
  readonly distributionSize: number;
  private readonly widths: Widths;

  constructor(
    readonly spaces: Spaces,
    readonly spec: PolicySpec,
  ) {
    this.widths = PRESETS[spec.preset];
    this.stateSize = spec.kind === 'feed-forward' ? 0 : this.widths.hidden * (spec.cell === 'lstm' ? 2 : 1);
    this.distributionSize = spaces.action.kind === 'discrete' ? spaces.action.count : spaces.action.size * 2;
    const graph = new Graph('definition');
    const scope = new Scope(graph);
    this.build(scope, this.observationInputs(graph, 1), 1, 1, this.stateInput(graph, 1), null);
    this.parameters = scope.definitions;
  }

  observationInputs(graph: Graph, rows: number): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(this.spaces.observations).map(([name, space]) => [name, graph.input(`observation.${name}`, [rows, ...space.shape], space.type)]));
  }

  stateInput(graph: Graph, rows: number): Tensor | null {
    return this.stateSize === 0 ? null : graph.input('state', [rows, this.stateSize]);
  }

  /**
   * Distribution [T*B, D], value [T*B] and the state [B, S] after the last step. Rows are time-major.
   * @param keep f32 [T, B]: 0 where an episode begins at that step, so that the memory before it is forgotten; null: 1
   */
  build(scope: Scope, observations: Readonly<Record<string, Tensor>>, steps: number, batch: number, state: Tensor | null, keep: Tensor | null): { distribution: Tensor; value: Tensor; state: Tensor | null } {
    const g = scope.graph;
    const { encoder, hidden } = this.widths;
    const parts = Object.entries(this.spaces.observations).map(([name, space]) => this.encode(scope, name, space, observations[name] as Tensor, steps * batch));
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
    const value = op.reshape(g, dense(scope, 'value', features, 1, 1), [steps * batch]);
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

  private encode(scope: Scope, name: string, space: ObservationSpace, input: Tensor, rows: number): Tensor {
    const g = scope.graph;
    const { glyph, character, encoder } = this.widths;
    const elements = sizeOf(space.shape);
    if (space.kind === 'glyphs' || space.kind === 'text') {
      const vocabulary = space.kind === 'text' ? 256 : (space.vocabulary ?? 256);
      const width = elements > CELLS_MAX ? 2 : space.kind === 'text' ? character : glyph;
      const table = scope.parameter(`${name}.embedding`, [vocabulary, width], { kind: 'normal', deviation: 1 / Math.sqrt(width) });
      const embedded = op.embedding(g, table, op.cast(g, op.reshape(g, input, [rows, elements]), 'int64'));
      const outputs = space.kind === 'text' ? encoder / 2 : encoder;
      return op.relu(g, dense(scope, `${name}.dense`, op.reshape(g, embedded, [rows, elements * width]), outputs, Math.SQRT2));
    }
    const flat = op.reshape(g, op.cast(g, op.reshape(g, input, [rows, elements]), 'float32'), [rows, elements]);
    const scale = space.kind === 'image' ? 255 : (space.scale ?? 1);
    const inverse = typeof scale === 'number' ? Float32Array.of(1 / scale) : Float32Array.from(scale, (one) => 1 / one);
    const scaled = op.mul(g, flat, g.constant(inverse, typeof scale === 'number' ? [] : [elements]));
    return op.relu(g, dense(scope, `${name}.dense`, scaled, encoder / 2, Math.SQRT2));
  }
}

/** Parameters of a graph by name; a name asked for twice is one parameter. */
export class Scope {
  readonly definitions: ParameterDefinition[] = [];
  readonly tensors = new Map<string, Tensor>();

  /** @param values fixed values instead of inputs (export) */
  constructor(
    readonly graph: Graph,
    private readonly values?: Readonly<Record<string, Float32Array>>,
  ) {}

  parameter(name: string, shape: Shape, init: Initialisation): Tensor {
    const known = this.tensors.get(name);
    if (known) return known;
    const values = this.values?.[name];
    const tensor = values ? this.graph.initializer(name, shape, values) : this.graph.parameter(`parameter.${name}`, shape);
    this.tensors.set(name, tensor);
    this.definitions.push({ name, shape, init });
    return tensor;
  }
}

function dense(scope: Scope, name: string, x: Tensor, outputs: number, gain: number): Tensor {
  const weight = scope.parameter(`${name}.weight`, [x.shape[1] as number, outputs], { kind: 'orthogonal', gain });
  const bias = scope.parameter(`${name}.bias`, [outputs], { kind: 'zeros' });
  return op.linear(scope.graph, x, weight, bias);
}

function memory(scope: Scope, spec: PolicySpec, x: Tensor, steps: number, hidden: number, state: Tensor, keep: Tensor | null): op.Unrolled {
  const g = scope.graph;
  const gates = (spec.cell === 'lstm' ? 4 : 3) * hidden;
  const projected = dense(scope, 'memory.input', x, gates, 1);
  const weight = scope.parameter('memory.recurrent.weight', [hidden, gates], { kind: 'orthogonal', gain: 1 });
  if (spec.cell === 'lstm') return op.lstm(g, { projected, weight, state, keep, steps });
  return op.gru(g, { projected, weight, bias: scope.parameter('memory.recurrent.bias', [gates], { kind: 'zeros' }), state, keep, steps });
}

function initialValues({ shape, init }: ParameterDefinition, random: CounterRandom, stream: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (init.kind === 'zeros') return values;
  for (let index = 0; index < values.length; index++) values[index] = random.normal(index, stream);
  if (init.kind === 'normal') return values.map((value) => value * init.deviation);
  return orthogonal(values, shape as [number, number], init.gain);
}

/** Orthonormal rows or columns, whichever are fewer, by Gram and Schmidt (Saxe et al., arXiv 1312.6120). */
function orthogonal(values: Float32Array, [rows, columns]: [number, number], gain: number): Float32Array {
  const wide = rows <= columns;
  const count = wide ? rows : columns;
  const length = wide ? columns : rows;
  const at = (vector: number, element: number): number => (wide ? vector * columns + element : element * columns + vector);
  const vectors = Array.from({ length: count }, (_, vector) => Float64Array.from({ length }, (_unused, element) => values[at(vector, element)] as number));
  vectors.forEach((vector, index) => {
    for (let earlier = 0; earlier < index; earlier++) {
      const other = vectors[earlier] as Float64Array;
      let dot = 0;
      for (let element = 0; element < length; element++) dot += (vector[element] as number) * (other[element] as number);
      for (let element = 0; element < length; element++) vector[element] = (vector[element] as number) - dot * (other[element] as number);
    }
    let norm = 0;
    for (const element of vector) norm += element * element;
    norm = Math.sqrt(norm) || 1;
    for (let element = 0; element < length; element++) vector[element] = (vector[element] as number) / norm;
  });
  const out = new Float32Array(values.length);
  vectors.forEach((vector, index) => vector.forEach((value, element) => void (out[at(index, element)] = value * gain)));
  return out;
}
