/** Broadcasting, and operations that move elements without changing them. Gradients of each are among the others. */
import { sizeOf, type Graph, type Shape, type Tensor } from '../graph.js';

/** Shape of a broadcast (numpy's rules). */
export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, index) => {
    const x = a[a.length - rank + index] ?? 1;
    const y = b[b.length - rank + index] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new RangeError(`expected shapes that broadcast, got [${a.join()}] and [${b.join()}]`);
    return Math.max(x, y);
  });
}

/** Sums a gradient over the axes along which its operand was broadcast. */
export function unbroadcast(g: Graph, gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.map((_, axis) => axis).filter((axis) => axis < extra || (shape[axis - extra] === 1 && gradient.shape[axis] !== 1));
  return reshape(g, reduceSum(g, gradient, axes), shape);
}

export function zeros(g: Graph, shape: Shape): Tensor {
  return g.emit('ConstantOfShape', [g.integers(shape)], [{ shape }])[0] as Tensor;
}

/** Sum over `axes` (default: all); `keep`: summed axes stay with size 1. */
export function reduceSum(g: Graph, x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis), keep = false): Tensor {
  if (axes.length === 0) return x;
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const shape = keep ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  return g.differentiable('ReduceSum', [x, g.integers(axes)], shape, (d) => [expand(g, reshape(g, d, kept), x.shape), undefined], { keepdims: { int: keep ? 1 : 0 } });
}

export function expand(g: Graph, x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return g.differentiable('Expand', [x, g.integers(shape)], shape, (d) => [unbroadcast(g, d, x.shape), undefined]);
}

export function reshape(g: Graph, x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (sizeOf(x.shape) !== sizeOf(shape)) throw new RangeError(`expected ${sizeOf(x.shape)} elements, got the shape [${shape.join()}]`);
  if (x.type !== 'float32') return g.emit('Reshape', [x, g.integers(shape)], [{ shape, type: x.type }])[0] as Tensor;
  return g.differentiable('Reshape', [x, g.integers(shape)], shape, (d) => [reshape(g, d, x.shape), undefined]);
}

/** Axis i of the result is axis `order[i]` of x. */
export function transpose(g: Graph, x: Tensor, order: readonly number[]): Tensor {
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return g.differentiable('Transpose', [x], order.map((axis) => x.shape[axis] as number), (d) => [transpose(g, d, inverse)], { perm: { ints: order } });
}

export function concat(g: Graph, parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 1) return parts[0] as Tensor;
  const sizes = parts.map((part) => part.shape[axis] as number);
  const shape = (parts[0] as Tensor).shape.map((size, at) => (at === axis ? sizes.reduce((sum, one) => sum + one) : size));
  return g.differentiable('Concat', parts, shape, (d) => split(g, d, axis, sizes), { axis: { int: axis } });
}

/** Consecutive parts along an axis. One node, whose gradient is one copy: many slices of one tensor cost a copy of it each. */
export function split(g: Graph, x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== x.shape[axis]) throw new RangeError(`expected parts of ${x.shape[axis] as number} together along axis ${axis}, got ${sizes.join('+')}`);
  if (sizes.length === 1) return [x];
  const shapes = sizes.map((size) => x.shape.map((whole, at) => (at === axis ? size : whole)));
  return g.differentiableMany(
    'Split',
    [x, g.integers(sizes)],
    shapes,
    (gradients) => [concat(g, gradients.map((gradient, index) => gradient ?? zeros(g, shapes[index] as Shape)), axis), undefined],
    { axis: { int: axis } },
  );
}

/** Equal consecutive parts along an axis. */
export function splitEvenly(g: Graph, x: Tensor, axis: number, parts: number): Tensor[] {
  const size = x.shape[axis] as number;
  return split(g, x, axis, new Array<number>(parts).fill(size / parts));
}

/** Elements from, from + step, ... below `to` along one axis. */
export function slice(g: Graph, x: Tensor, axis: number, from: number, to: number, step = 1): Tensor {
  const count = Math.ceil((to - from) / step);
  const shape = x.shape.map((size, at) => (at === axis ? count : size));
  if (step === 1 && sameShape(shape, x.shape)) return x;
  const inputs = [x, g.integers([from]), g.integers([to]), g.integers([axis]), g.integers([step])];
  return g.differentiable('Slice', inputs, shape, (d) => {
    const spread = step === 1 ? d : spreadOut(g, d, axis, step);
    const room = (x.shape[axis] as number) - from;
    const cut = slice(g, spread, axis, 0, Math.min(room, spread.shape[axis] as number));
    return [padAxis(g, cut, axis, from, room - (cut.shape[axis] as number)), undefined, undefined, undefined, undefined];
  });
}

/** Puts step - 1 zeros behind each element along an axis. */
function spreadOut(g: Graph, x: Tensor, axis: number, step: number): Tensor {
  const columns = reshape(g, x, [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)]);
  const shape = x.shape.map((size, at) => (at === axis ? size * step : size));
  return reshape(g, padAxis(g, columns, axis + 1, 0, step - 1), shape);
}

function padAxis(g: Graph, x: Tensor, axis: number, before: number, after: number): Tensor {
  return pad(g, x, [...x.shape.map((_, at) => (at === axis ? before : 0)), ...x.shape.map((_, at) => (at === axis ? after : 0))]);
}

/** Zeros around x; `pads`: begins of all axes, then ends. */
export function pad(g: Graph, x: Tensor, pads: readonly number[]): Tensor {
  if (pads.every((amount) => amount === 0)) return x;
  const rank = x.shape.length;
  const shape = x.shape.map((size, axis) => size + (pads[axis] as number) + (pads[axis + rank] as number));
  return g.differentiable('Pad', [x, g.integers(pads), g.scalar(0)], shape, (d) => {
    const inner = x.shape.reduce((tensor, size, axis) => slice(g, tensor, axis, pads[axis] as number, (pads[axis] as number) + size), d);
    return [inner, undefined, undefined];
  });
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
