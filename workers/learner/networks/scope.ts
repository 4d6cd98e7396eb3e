/** Parameters of a network: their names, shapes and first values. */
import type { CounterRandom } from '../../../proto/philox.js';
import { sizeOf, type Graph, type Shape, type Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';

export type Initialisation = { readonly kind: 'zeros' } | { readonly kind: 'ones' } | { readonly kind: 'orthogonal'; readonly gain: number } | { readonly kind: 'normal'; readonly deviation: number };
export interface ParameterDefinition {
  readonly name: string;
  readonly shape: Shape;
  readonly init: Initialisation;
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

/** A dense layer from [N, I] to [N, `outputs`]. */
export function dense(scope: Scope, name: string, x: Tensor, outputs: number, gain: number): Tensor {
  const weight = scope.parameter(`${name}.weight`, [x.shape[1] as number, outputs], { kind: 'orthogonal', gain });
  const bias = scope.parameter(`${name}.bias`, [outputs], { kind: 'zeros' });
  return op.linear(scope.graph, x, weight, bias);
}

/** A pure function of the generator's key and the number of the parameter. */
export function initialValues({ shape, init }: ParameterDefinition, random: CounterRandom, stream: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (init.kind === 'zeros') return values;
  if (init.kind === 'ones') return values.fill(1);
  for (let index = 0; index < values.length; index++) values[index] = random.normal(index, stream);
  if (init.kind === 'normal') return values.map((value) => value * init.deviation);
  return orthogonal(values, [shape[0] as number, sizeOf(shape.slice(1))], init.gain);
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
