/** One encoder for each kind of observation: a tensor of T*B rows to features [T*B, F]. */
import type { NetworkPolicySpec } from '../../../proto/learning.js';
import type { ObservationSpace } from '../../rollout/environments/environment.js';
import { sizeOf, type Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import { dense, type Scope } from './scope.js';

/** Sizes of a preset. */
export interface Widths {
  readonly glyph: number;
  readonly character: number;
  readonly channels: number;
  readonly encoder: number;
  readonly hidden: number;
}

/** Tables of ids larger than this are encoded by narrower embeddings: a dense layer over a whole map would dominate all. */
const CELLS_MAX = 256;
const WIDE_MAP_EMBEDDING = { dense: 2, convolution: 8 } as const;
/** Each layer halves height and width; an image keeps halving while its larger side is above this. */
const IMAGE_SIDE_MAX = 8;

/** @param input as the environment gives it, `[rows, ...space.shape]` */
export function encodeObservation(scope: Scope, name: string, space: ObservationSpace, input: Tensor, widths: Widths, encoder: NetworkPolicySpec['encoder']): Tensor {
  if (space.kind === 'glyphs' || space.kind === 'text') return encodeIds(scope, name, space, input, widths, encoder);
  const g = scope.graph;
  const rows = input.shape[0] as number;
  const elements = sizeOf(space.shape);
  const scale = space.kind === 'image' ? 255 : (space.scale ?? 1);
  const inverse = typeof scale === 'number' ? Float32Array.of(1 / scale) : Float32Array.from(scale, (one) => 1 / one);
  const scaled = op.mul(g, op.cast(g, op.reshape(g, input, [rows, elements]), 'float32'), g.constant(inverse, typeof scale === 'number' ? [] : [elements]));
  if (space.kind === 'image' && encoder === 'convolution') return encodeImage(scope, name, space.shape, scaled, widths);
  return op.relu(g, dense(scope, `${name}.dense`, scaled, widths.encoder / 2, Math.SQRT2));
}

/** Embedded ids: a map of glyphs, or the bytes of a message. */
function encodeIds(scope: Scope, name: string, space: ObservationSpace, input: Tensor, widths: Widths, encoder: NetworkPolicySpec['encoder']): Tensor {
  const g = scope.graph;
  const rows = input.shape[0] as number;
  const elements = sizeOf(space.shape);
  const isText = space.kind === 'text';
  const width = elements > CELLS_MAX ? WIDE_MAP_EMBEDDING[encoder] : isText ? widths.character : widths.glyph;
  const table = scope.parameter(`${name}.embedding`, [isText ? 256 : (space.vocabulary ?? 256), width], { kind: 'normal', deviation: 1 / Math.sqrt(width) });
  const embedded = op.embedding(g, table, op.cast(g, op.reshape(g, input, [rows, elements]), 'int64'));
  const outputs = isText ? widths.encoder / 2 : widths.encoder;
  const flat = encoder === 'convolution' ? convolved(scope, name, space.shape, embedded, widths.channels) : op.reshape(g, embedded, [rows, elements * width]);
  return op.relu(g, dense(scope, `${name}.dense`, flat, outputs, Math.SQRT2));
}

/** Two convolutions over a map [H, W], or over a line of characters; the second halves it. */
function convolved(scope: Scope, name: string, shape: readonly number[], embedded: Tensor, channels: number): Tensor {
  const g = scope.graph;
  const [rows, , width] = embedded.shape as [number, number, number];
  const channelsFirst = shape.length === 2 ? op.transpose(g, op.reshape(g, embedded, [rows, ...shape, width]), [0, 3, 1, 2]) : op.transpose(g, embedded, [0, 2, 1]);
  const first = convolution(scope, `${name}.convolution.1`, channelsFirst, channels, 1);
  return flatten(scope, convolution(scope, `${name}.convolution.2`, first, 2 * channels, 2));
}

/** [H, W, C] or [H, W]: layers of stride 2 until it is small. */
function encodeImage(scope: Scope, name: string, shape: readonly number[], scaled: Tensor, widths: Widths): Tensor {
  const g = scope.graph;
  const [height, wide, colours = 1] = shape as [number, number, number?];
  let image = op.transpose(g, op.reshape(g, scaled, [scaled.shape[0] as number, height, wide, colours]), [0, 3, 1, 2]);
  let layer = 0;
  do {
    layer += 1;
    image = convolution(scope, `${name}.convolution.${layer}`, image, widths.channels * Math.min(layer, 4), 2);
  } while (Math.max(image.shape[2] as number, image.shape[3] as number) > IMAGE_SIDE_MAX);
  return op.relu(g, dense(scope, `${name}.dense`, flatten(scope, image), widths.encoder, Math.SQRT2));
}

/** Kernels of 3 x 3 over images [N, C, H, W], of 5 over lines [N, C, L]; with stride 1 the size stays. */
function convolution(scope: Scope, name: string, x: Tensor, outputs: number, stride: number): Tensor {
  const g = scope.graph;
  const isLine = x.shape.length === 3;
  const kernel = isLine ? [5] : [3, 3];
  const weight = scope.parameter(`${name}.weight`, [outputs, x.shape[1] as number, ...kernel], { kind: 'orthogonal', gain: Math.SQRT2 });
  const bias = scope.parameter(`${name}.bias`, [outputs], { kind: 'zeros' });
  const options = { stride, padding: isLine ? 2 : 1 };
  return op.relu(g, isLine ? op.conv1d(g, x, weight, bias, options) : op.conv2d(g, x, weight, bias, options));
}

function flatten(scope: Scope, image: Tensor): Tensor {
  const [rows, ...rest] = image.shape as [number, ...number[]];
  return op.reshape(scope.graph, image, [rows, sizeOf(rest)]);
}
