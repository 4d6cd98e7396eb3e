/**
 * Convolutions. Their gradients are not the textbook ones: the gradient by the weights as a convolution with swapped
 * axes takes about three times as long on a CPU as one matrix product for each tap of the kernel.
 */
import type { Graph, Tensor } from '../graph.js';
import { concat, pad, reduceSum, reshape, slice, transpose } from './shapes.js';
import { matmul } from './products.js';

export interface ConvolutionOptions {
  /** Same in both directions; default 1. */
  readonly stride?: number;
  /** Zeros on each side; default 0. */
  readonly padding?: number;
}

/** x [N, C, H, W] with kernels w [O, C, KH, KW], plus b [O]: [N, O, H', W']. */
export function conv2d(g: Graph, x: Tensor, w: Tensor, b?: Tensor, { stride = 1, padding = 0 }: ConvolutionOptions = {}): Tensor {
  return convolve(g, x, w, b, stride, [padding, padding]);
}

/** x [N, C, L] with kernels w [O, C, K], plus b [O]: [N, O, L']. */
export function conv1d(g: Graph, x: Tensor, w: Tensor, b?: Tensor, { stride = 1, padding = 0 }: ConvolutionOptions = {}): Tensor {
  const [rows, channels, length] = x.shape as [number, number, number];
  const [outputs, , size] = w.shape as [number, number, number];
  const y = convolve(g, reshape(g, x, [rows, channels, 1, length]), reshape(g, w, [outputs, channels, 1, size]), b, stride, [0, padding]);
  return reshape(g, y, [rows, outputs, y.shape[3] as number]);
}

function convolve(g: Graph, x: Tensor, w: Tensor, b: Tensor | undefined, stride: number, padding: readonly [number, number]): Tensor {
  const [rows, channels, height, width] = x.shape as [number, number, number, number];
  const [outputs, inner, kernelHeight, kernelWidth] = w.shape as [number, number, number, number];
  if (channels !== inner) throw new RangeError(`expected kernels for ${channels} channels, got [${w.shape.join()}]`);
  // A kernel of height 1 has stride 1 in that direction: the axis has one row.
  const strides = [height === 1 ? 1 : stride, stride] as const;
  const high = Math.floor((height + 2 * padding[0] - kernelHeight) / strides[0]) + 1;
  const wide = Math.floor((width + 2 * padding[1] - kernelWidth) / strides[1]) + 1;
  if (high < 1 || wide < 1) throw new RangeError(`expected an input of at least the size of the kernel [${kernelHeight}, ${kernelWidth}], got [${height}, ${width}] with padding ${padding.join()}`);
  const pads = [...padding, ...padding];
  return g.differentiable(
    'Conv',
    b ? [x, w, b] : [x, w],
    [rows, outputs, high, wide],
    (d) => [
      x.tracked ? inputGradient(g, d, x, w, strides, padding) : undefined,
      w.tracked ? kernelGradient(g, d, pad(g, g.stop(x), [0, 0, ...padding, 0, 0, ...padding]), w, strides) : undefined,
      ...(b ? [reduceSum(g, d, [0, 2, 3])] : []),
    ],
    { kernel_shape: { ints: [kernelHeight, kernelWidth] }, strides: { ints: strides }, pads: { ints: pads } },
  );
}

function inputGradient(g: Graph, d: Tensor, x: Tensor, w: Tensor, strides: readonly [number, number], padding: readonly [number, number]): Tensor {
  const [kernelHeight, kernelWidth] = w.shape.slice(2) as [number, number];
  const around = [kernelHeight - 1 - padding[0], kernelWidth - 1 - padding[1]];
  if (strides[0] === 1 && strides[1] === 1 && around.every((amount) => amount >= 0)) {
    // With stride 1 it is a convolution with the kernels turned round: twice as fast as ConvTranspose.
    const turned = g.emit('Slice', [w, g.integers([-1, -1]), g.integers([-1 << 30, -1 << 30]), g.integers([2, 3]), g.integers([-1, -1])], [{ shape: w.shape }])[0] as Tensor;
    const kernels = transpose(g, g.stop(turned), [1, 0, 2, 3]);
    return g.emit('Conv', [d, kernels], [{ shape: x.shape }], { kernel_shape: { ints: [kernelHeight, kernelWidth] }, pads: { ints: [...around, ...around] } })[0] as Tensor;
  }
  const missing = [0, 1].map((axis) => {
    const covered = ((d.shape[axis + 2] as number) - 1) * (strides[axis] as number) + (w.shape[axis + 2] as number) - 2 * (padding[axis] as number);
    return (x.shape[axis + 2] as number) - covered;
  });
  return g.emit('ConvTranspose', [d, w], [{ shape: x.shape }], {
    kernel_shape: { ints: [kernelHeight, kernelWidth] },
    strides: { ints: strides },
    pads: { ints: [...padding, ...padding] },
    output_padding: { ints: missing },
  })[0] as Tensor;
}

/** For each tap, the product of the gradient and the input moved by that tap, over all images and places at once. */
function kernelGradient(g: Graph, d: Tensor, x: Tensor, w: Tensor, strides: readonly [number, number]): Tensor {
  const [outputs, channels, kernelHeight, kernelWidth] = w.shape as [number, number, number, number];
  const [rows, , high, wide] = d.shape as [number, number, number, number];
  const places = rows * high * wide;
  const gradient = reshape(g, transpose(g, g.stop(d), [1, 0, 2, 3]), [outputs, places]);
  const channelFirst = transpose(g, x, [1, 0, 2, 3]);
  const taps: Tensor[] = [];
  for (let row = 0; row < kernelHeight; row++) {
    const band = slice(g, channelFirst, 2, row, row + (high - 1) * strides[0] + 1, strides[0]);
    for (let column = 0; column < kernelWidth; column++) {
      const moved = slice(g, band, 3, column, column + (wide - 1) * strides[1] + 1, strides[1]);
      taps.push(matmul(g, gradient, reshape(g, moved, [channels, places]), false, true));
    }
  }
  const all = concat(g, taps.map((tap) => reshape(g, tap, [outputs, channels, 1])), 2);
  return reshape(g, all, w.shape);
}
