/**
 * The network that reads a message: characters, two convolutions, the soft maximum over all places (so that words count
 * wherever they stand), two dense layers, one number. The published one (ONI, arXiv 2410.23022) has six convolutions and
 * 0.5 million weights; this one has some ten thousand, which two cores train beside the policy.
 */
import { CounterRandom } from '../../../proto/philox.js';
import { Graph, type Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import { dense, initialValues, Scope, type ParameterDefinition } from '../../learner/networks/scope.js';

export interface TextNetworkSpec {
  /** Bytes that are read. */
  readonly characters: number;
  readonly channels: number;
}

export type Parameters = Readonly<Record<string, Float32Array>>;

const KERNEL = 5;
/** Sharpness of the soft maximum; features lie within -1 and 1, so that nothing overflows. */
const SHARPNESS = 4;

export class TextNetwork {
  readonly parameters: readonly ParameterDefinition[];

  constructor(readonly spec: TextNetworkSpec) {
    const graph = new Graph('definition');
    const scope = new Scope(graph);
    this.build(scope, this.input(graph, 'message', 1));
    this.parameters = scope.definitions;
  }

  input(graph: Graph, name: string, rows: number): Tensor {
    return graph.input(name, [rows, this.spec.characters], 'uint8');
  }

  /** One number for each message (u8 [N, characters], 0 behind its end): [N]. */
  build(scope: Scope, message: Tensor): Tensor {
    const g = scope.graph;
    const { characters, channels } = this.spec;
    const rows = message.shape[0] as number;
    const table = scope.parameter('characters', [256, channels / 2], { kind: 'normal', deviation: 1 / Math.sqrt(channels / 2) });
    const embedded = op.transpose(g, op.embedding(g, table, op.cast(g, message, 'int64')), [0, 2, 1]);
    const near = op.relu(g, this.convolution(scope, 'convolution.1', embedded, 1));
    const far = op.tanh(g, this.convolution(scope, 'convolution.2', near, 2));
    const used = op.reshape(g, op.positive(g, op.cast(g, message, 'float32')), [rows, 1, characters]);
    const places = op.slice(g, used, 2, 0, characters, 2);
    const weights = op.mul(g, op.exp(g, op.mul(g, far, g.scalar(SHARPNESS))), places);
    const pooled = op.mul(g, op.log(g, op.add(g, op.reduceSum(g, weights, [2]), g.scalar(Math.exp(-SHARPNESS)))), g.scalar(1 / SHARPNESS));
    const hidden = op.relu(g, dense(scope, 'dense', pooled, 2 * channels, Math.SQRT2));
    return op.reshape(g, dense(scope, 'output', hidden, 1, 0.1), [rows]);
  }

  private convolution(scope: Scope, name: string, x: Tensor, stride: number): Tensor {
    const { channels } = this.spec;
    const weight = scope.parameter(`${name}.weight`, [channels, x.shape[1] as number, KERNEL], { kind: 'orthogonal', gain: Math.SQRT2 });
    const bias = scope.parameter(`${name}.bias`, [channels], { kind: 'zeros' });
    return op.conv1d(scope.graph, x, weight, bias, { stride, padding: (KERNEL - 1) / 2 });
  }

  /** Parameters of the first version, a pure function of the seed. */
  initialParameters(seed: number): Record<string, Float32Array> {
    const random = new CounterRandom(seed, 'parameterInit');
    return Object.fromEntries(this.parameters.map((definition, index) => [definition.name, initialValues(definition, random, index)]));
  }

  /**
   * The network as an ONNX file: `message` u8 [1, characters] to `score` f32 [1]. One message at a time: what a message
   * scores must not depend, to the last bit, on which others are asked with it.
   */
  export(parameters: Parameters, metadata: Readonly<Record<string, string>>): Uint8Array {
    const graph = new Graph('reward-model');
    graph.output('score', this.build(new Scope(graph, parameters), this.input(graph, 'message', 1)));
    return graph.build({ metadata });
  }
}

/** Messages (text keys, one character for each byte) as rows of bytes, cut or filled up with 0. */
export function messageRows(texts: readonly string[], characters: number): Uint8Array {
  const rows = new Uint8Array(texts.length * characters);
  texts.forEach((text, row) => rows.set(Buffer.from(text.slice(0, characters), 'latin1'), row * characters));
  return rows;
}
