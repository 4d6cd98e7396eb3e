/** A static-shape computation graph that is written down as ONNX, with reverse-mode differentiation. */
import { encodeModel, type Attribute, type ElementType, type EncodedInitializer, type EncodedNode, type EncodedValue } from './encode.js';

export type Shape = readonly number[];

export interface Tensor {
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
  /** A gradient may flow through it to a parameter. */
  readonly tracked: boolean;
}

/** Gradients of the outputs (undefined: none came) to gradients of the inputs. */
export type Vjp = (gradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

interface Recorded {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly vjp: Vjp;
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export class Graph {
  private readonly nodes: EncodedNode[] = [];
  private readonly initializers = new Map<string, EncodedInitializer>();
  private readonly constants = new Map<string, Tensor>();
  private readonly known = new Map<string, readonly Tensor[]>();
  private readonly inputs: EncodedValue[] = [];
  private readonly outputs: { readonly value: EncodedValue; readonly source: string }[] = [];
  private readonly tape: Recorded[] = [];
  private counter = 0;

  constructor(readonly name: string) {}

  /** Fed at each run. */
  input(name: string, shape: Shape, type: ElementType = 'float32'): Tensor {
    this.inputs.push({ name, type, shape });
    return { name, shape, type, tracked: false };
  }

  /** Fed at each run, and differentiated by. */
  parameter(name: string, shape: Shape): Tensor {
    return { ...this.input(name, shape), tracked: true };
  }

  /** Values fixed in the model. */
  initializer(name: string, shape: Shape, values: Float32Array): Tensor {
    this.initializers.set(name, { name, type: 'float32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) });
    return { name, shape, type: 'float32', tracked: false };
  }

  constant(values: Float32Array | BigInt64Array | Int32Array, shape: Shape): Tensor {
    const type: ElementType = values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'int64';
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const key = `${type}:${shape.join()}:${Buffer.from(data).toString('base64')}`;
    const existing = this.constants.get(key);
    if (existing) return existing;
    const name = `constant_${this.constants.size}`;
    this.initializers.set(name, { name, type, shape, data });
    const tensor: Tensor = { name, shape, type, tracked: false };
    this.constants.set(key, tensor);
    return tensor;
  }

  scalar(value: number): Tensor {
    return this.constant(Float32Array.of(value), []);
  }

  integers(values: readonly number[]): Tensor {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length]);
  }

  /** One node; the same node asked for twice is made once. */
  emit(
    type: string,
    inputs: readonly (Tensor | null)[],
    outputs: readonly { readonly shape: Shape; readonly type?: ElementType }[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain?: string,
  ): Tensor[] {
    const names = inputs.map((input) => input?.name ?? '');
    // A stopped tensor has the name of its source: what is made of it must not be taken for what is made of the source.
    const key = JSON.stringify([type, domain, names, inputs.map((input) => input?.tracked === true), attributes, outputs]);
    const existing = this.known.get(key);
    if (existing) return [...existing];
    const tracked = inputs.some((input) => input?.tracked === true);
    const made = outputs.map((output): Tensor => ({ name: `t${this.counter++}`, shape: output.shape, type: output.type ?? 'float32', tracked }));
    this.nodes.push({ type, ...(domain === undefined ? {} : { domain }), inputs: names, outputs: made.map((tensor) => tensor.name), attributes });
    this.known.set(key, made);
    return made;
  }

  /** A node with one output and its gradient. */
  differentiable(
    type: string,
    inputs: readonly Tensor[],
    shape: Shape,
    vjp: (gradient: Tensor, output: Tensor) => readonly (Tensor | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain?: string,
  ): Tensor {
    const [output] = this.differentiableMany(type, inputs, [shape], ([gradient], [made]) => vjp(gradient as Tensor, made as Tensor), attributes, domain);
    return output as Tensor;
  }

  /** A node with several outputs; `vjp` is asked where at least one of them has a gradient. */
  differentiableMany(
    type: string,
    inputs: readonly Tensor[],
    shapes: readonly Shape[],
    vjp: (gradients: readonly (Tensor | undefined)[], outputs: readonly Tensor[]) => readonly (Tensor | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain?: string,
  ): Tensor[] {
    const before = this.nodes.length;
    const outputs = this.emit(type, inputs, shapes.map((shape) => ({ shape })), attributes, domain);
    // A node that was there before has its gradient on the tape already.
    if (this.nodes.length > before && outputs[0]?.tracked === true) this.tape.push({ inputs, outputs, vjp: (gradients) => vjp(gradients, outputs) });
    return outputs;
  }

  /** The value without its gradient. */
  stop(tensor: Tensor): Tensor {
    return { ...tensor, tracked: false };
  }

  output(name: string, tensor: Tensor): void {
    this.outputs.push({ value: { name, type: tensor.type, shape: tensor.shape }, source: tensor.name });
  }

  /**
   * Gradients of a scalar by each of `parameters`, by reverse sweep over the tape; zeros for one that it does not
   * depend on.
   */
  gradients(loss: Tensor, parameters: readonly Tensor[]): Tensor[] {
    if (sizeOf(loss.shape) !== 1) throw new RangeError(`expected a scalar loss, got shape [${loss.shape.join(', ')}]`);
    const sums = new Map<string, Tensor>([[loss.name, this.constant(Float32Array.of(1), loss.shape)]]);
    for (const { inputs, outputs, vjp } of [...this.tape].reverse()) {
      const incoming = outputs.map((output) => sums.get(output.name));
      if (incoming.every((gradient) => gradient === undefined)) continue;
      vjp(incoming).forEach((gradient, index) => {
        const input = inputs[index] as Tensor;
        if (!gradient || !input.tracked) return;
        if (gradient.shape.join() !== input.shape.join()) throw new RangeError(`expected a gradient of shape [${input.shape.join()}] for ${input.name}, got [${gradient.shape.join()}]`);
        const before = sums.get(input.name);
        sums.set(input.name, before ? (this.emit('Add', [before, gradient], [{ shape: gradient.shape }])[0] as Tensor) : gradient);
      });
    }
    return parameters.map((parameter) => sums.get(parameter.name) ?? this.constant(new Float32Array(sizeOf(parameter.shape)), parameter.shape));
  }

  get nodeCount(): number {
    return this.nodes.length;
  }

  build(options: { readonly metadata?: Readonly<Record<string, string>>; readonly doc?: string } = {}): Uint8Array {
    // Outputs carry public names; an Identity keeps them apart from the names within.
    const identities = this.outputs.map(({ value, source }): EncodedNode => ({ type: 'Identity', inputs: [source], outputs: [value.name], attributes: {} }));
    const nodes = alive([...this.nodes, ...identities], new Set(this.outputs.map(({ value }) => value.name)));
    const used = new Set(nodes.flatMap((node) => node.inputs));
    return encodeModel({
      name: this.name,
      nodes,
      inputs: this.inputs,
      outputs: this.outputs.map(({ value }) => value),
      initializers: [...this.initializers.values()].filter((initializer) => used.has(initializer.name)),
      ...options,
    });
  }
}

/** Nodes that some output needs, in order. */
function alive(nodes: readonly EncodedNode[], wanted: Set<string>): EncodedNode[] {
  const kept: EncodedNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    for (const input of node.inputs) wanted.add(input);
    kept.push(node);
  }
  return kept.reverse();
}
