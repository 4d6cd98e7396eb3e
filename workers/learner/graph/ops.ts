/** Operations with their gradients. Shapes are known when the graph is made. */
import { sizeOf, type Graph, type Shape, type Tensor } from './graph.js';

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
function unbroadcast(g: Graph, gradient: Tensor, shape: Shape): Tensor {
  if (gradient.shape.join() === shape.join()) return gradient;
  const extra = gradient.shape.length - shape.length;
  const axes = gradient.shape.map((_, axis) => axis).filter((axis) => axis < extra || (shape[axis - extra] === 1 && gradient.shape[axis] !== 1));
  const summed = axes.length > 0 ? reduceSum(g, gradient, axes) : gradient;
  return reshape(g, summed, shape);
}

type Binary = (g: Graph, a: Tensor, b: Tensor) => Tensor;

export const add: Binary = (g, a, b) =>
  g.differentiable('Add', [a, b], broadcastShape(a.shape, b.shape), (d) => [unbroadcast(g, d, a.shape), unbroadcast(g, d, b.shape)]);
export const sub: Binary = (g, a, b) =>
  g.differentiable('Sub', [a, b], broadcastShape(a.shape, b.shape), (d) => [unbroadcast(g, d, a.shape), unbroadcast(g, neg(g, d), b.shape)]);
export const mul: Binary = (g, a, b) =>
  g.differentiable('Mul', [a, b], broadcastShape(a.shape, b.shape), (d) => [
    a.tracked ? unbroadcast(g, mul(g, d, b), a.shape) : undefined,
    b.tracked ? unbroadcast(g, mul(g, d, a), b.shape) : undefined,
  ]);
export const div: Binary = (g, a, b) =>
  g.differentiable('Div', [a, b], broadcastShape(a.shape, b.shape), (d, y) => [
    a.tracked ? unbroadcast(g, div(g, d, b), a.shape) : undefined,
    b.tracked ? unbroadcast(g, neg(g, mul(g, d, div(g, y, b))), b.shape) : undefined,
  ]);

type Unary = (g: Graph, x: Tensor) => Tensor;
export const neg: Unary = (g, x) => g.differentiable('Neg', [x], x.shape, (d) => [neg(g, d)]);
export const exp: Unary = (g, x) => g.differentiable('Exp', [x], x.shape, (d, y) => [mul(g, d, y)]);
export const log: Unary = (g, x) => g.differentiable('Log', [x], x.shape, (d) => [div(g, d, x)]);
export const sqrt: Unary = (g, x) => g.differentiable('Sqrt', [x], x.shape, (d, y) => [div(g, mul(g, d, g.scalar(0.5)), y)]);
export const tanh: Unary = (g, x) => g.differentiable('Tanh', [x], x.shape, (d, y) => [mul(g, d, sub(g, g.scalar(1), mul(g, y, y)))]);
export const sigmoid: Unary = (g, x) => g.differentiable('Sigmoid', [x], x.shape, (d, y) => [mul(g, d, sub(g, y, mul(g, y, y)))]);
export const relu: Unary = (g, x) => g.differentiable('Relu', [x], x.shape, (d, y) => [mul(g, d, positive(g, y))]);

/** 1 where x > 0, else 0; no gradient. */
export function positive(g: Graph, x: Tensor): Tensor {
  return cast(g, compare(g, 'Greater', x, g.scalar(0)), 'float32');
}

/** A truth value for each element; no gradient. */
export function compare(g: Graph, type: 'Greater' | 'Less' | 'GreaterOrEqual' | 'LessOrEqual', a: Tensor, b: Tensor): Tensor {
  const [truth] = g.emit(type, [g.stop(a), g.stop(b)], [{ shape: broadcastShape(a.shape, b.shape), type: 'bool' }]);
  return truth as Tensor;
}

export function cast(g: Graph, x: Tensor, type: 'float32' | 'int64' | 'int32'): Tensor {
  if (x.type === type) return x;
  const to = { float32: 1, int64: 7, int32: 6 }[type];
  return g.emit('Cast', [g.stop(x)], [{ shape: x.shape, type }], { to: { int: to } })[0] as Tensor;
}

/** a where the mask (f32, 1 or 0) is 1, else b. */
export function choose(g: Graph, mask: Tensor, a: Tensor, b: Tensor): Tensor {
  return add(g, mul(g, mask, a), mul(g, sub(g, g.scalar(1), mask), b));
}

/** The smaller; where both are equal the gradient goes to a. */
export function minimum(g: Graph, a: Tensor, b: Tensor): Tensor {
  return g.differentiable('Min', [a, b], broadcastShape(a.shape, b.shape), (d) => {
    const first = cast(g, compare(g, 'LessOrEqual', a, b), 'float32');
    return [unbroadcast(g, mul(g, d, first), a.shape), unbroadcast(g, mul(g, d, sub(g, g.scalar(1), first)), b.shape)];
  });
}
export function maximum(g: Graph, a: Tensor, b: Tensor): Tensor {
  return g.differentiable('Max', [a, b], broadcastShape(a.shape, b.shape), (d) => {
    const first = cast(g, compare(g, 'GreaterOrEqual', a, b), 'float32');
    return [unbroadcast(g, mul(g, d, first), a.shape), unbroadcast(g, mul(g, d, sub(g, g.scalar(1), first)), b.shape)];
  });
}
/** Within [low, high]; outside no gradient passes. */
export function clip(g: Graph, x: Tensor, low: number, high: number): Tensor {
  return minimum(g, maximum(g, x, g.scalar(low)), g.scalar(high));
}

export function reduceSum(g: Graph, x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis), keep = false): Tensor {
  if (axes.length === 0) return x;
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const shape = keep ? kept : x.shape.filter((_, axis) => !axes.includes(axis));
  return g.differentiable('ReduceSum', [x, g.integers(axes)], shape, (d) => [expand(g, reshape(g, d, kept), x.shape), undefined], { keepdims: { int: keep ? 1 : 0 } });
}
export function mean(g: Graph, x: Tensor, axes?: readonly number[], keep = false): Tensor {
  const over = axes ?? x.shape.map((_, axis) => axis);
  const count = over.reduce((product, axis) => product * (x.shape[axis] as number), 1);
  return mul(g, reduceSum(g, x, over, keep), g.scalar(1 / count));
}
export function expand(g: Graph, x: Tensor, shape: Shape): Tensor {
  if (x.shape.join() === shape.join()) return x;
  return g.differentiable('Expand', [x, g.integers(shape)], shape, (d) => [unbroadcast(g, d, x.shape), undefined]);
}
export function reshape(g: Graph, x: Tensor, shape: Shape): Tensor {
  if (x.shape.join() === shape.join() && x.shape.length === shape.length) return x;
  if (sizeOf(x.shape) !== sizeOf(shape)) throw new RangeError(`expected ${sizeOf(x.shape)} elements, got the shape [${shape.join()}]`);
  if (x.type !== 'float32') return g.emit('Reshape', [x, g.integers(shape)], [{ shape, type: x.type }])[0] as Tensor;
  return g.differentiable('Reshape', [x, g.integers(shape)], shape, (d) => [reshape(g, d, x.shape), undefined]);
}
export function transpose(g: Graph, x: Tensor, order: readonly number[]): Tensor {
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return g.differentiable('Transpose', [x], order.map((axis) => x.shape[axis] as number), (d) => [transpose(g, d, inverse)], { perm: { ints: order } });
}
export function concat(g: Graph, parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 1) return parts[0] as Tensor;
  const first = parts[0] as Tensor;
  const shape = first.shape.map((size, at) => (at === axis ? parts.reduce((sum, part) => sum + (part.shape[axis] as number), 0) : size));
  return g.differentiable(
    'Concat',
    parts,
    shape,
    (d) => {
      let at = 0;
      return parts.map((part) => {
        const from = at;
        at += part.shape[axis] as number;
        return part.tracked ? slice(g, d, axis, from, at) : undefined;
      });
    },
    { axis: { int: axis } },
  );
}
/** Elements [from, to) along one axis. */
export function slice(g: Graph, x: Tensor, axis: number, from: number, to: number): Tensor {
  const shape = x.shape.map((size, at) => (at === axis ? to - from : size));
  if (shape.join() === x.shape.join()) return x;
  return g.differentiable('Slice', [x, g.integers([from]), g.integers([to]), g.integers([axis])], shape, (d) => {
    const pads = [...x.shape.map((_, at) => (at === axis ? from : 0)), ...x.shape.map((size, at) => (at === axis ? size - to : 0))];
    return [pad(g, d, pads), undefined, undefined, undefined];
  });
}
/** Zeros around x; `pads`: begins of all axes, then ends. */
export function pad(g: Graph, x: Tensor, pads: readonly number[]): Tensor {
  const rank = x.shape.length;
  const shape = x.shape.map((size, axis) => size + (pads[axis] as number) + (pads[axis + rank] as number));
  return g.differentiable('Pad', [x, g.integers(pads), g.scalar(0)], shape, (d) => {
    const inner = x.shape.reduce((tensor, size, axis) => slice(g, tensor, axis, pads[axis] as number, (pads[axis] as number) + size), d);
    return [inner, undefined, undefined];
  });
}
/** x [N, I] times w [I, O] plus b [O]. */
export function linear(g: Graph, x: Tensor, w: Tensor, b?: Tensor): Tensor {
  const y = matmul(g, x, w);
  return b ? add(g, y, b) : y;
}
/** Product of matrices, each transposed on request. */
export function matmul(g: Graph, a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  const rows = a.shape[transA ? 1 : 0] as number;
  const columns = b.shape[transB ? 0 : 1] as number;
  const inner = [a.shape[transA ? 0 : 1], b.shape[transB ? 1 : 0]];
  if (inner[0] !== inner[1]) throw new RangeError(`expected inner sizes that agree, got [${a.shape.join()}] and [${b.shape.join()}]`);
  return g.differentiable(
    'Gemm',
    [a, b],
    [rows, columns],
    (d) => [
      a.tracked ? (transA ? matmul(g, b, d, transB, true) : matmul(g, d, b, false, !transB)) : undefined,
      b.tracked ? (transB ? matmul(g, d, a, true, transA) : matmul(g, a, d, !transA, false)) : undefined,
    ],
    { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 } },
  );
}
/**
 * Rows of a table [V, D] by ids of any shape. The gradient adds rows with ScatterND, which is right in sessions of one
 * thread only (onnxruntime races with more); TrainStepper's sessions have one.
 */
export function embedding(g: Graph, table: Tensor, ids: Tensor): Tensor {
  const [vocabulary, width] = table.shape as [number, number];
  const flat = sizeOf(ids.shape);
  return g.differentiable('Gather', [table, ids], [...ids.shape, width], (d) => {
    const zeros = g.emit('ConstantOfShape', [g.integers([vocabulary, width])], [{ shape: [vocabulary, width] }])[0] as Tensor;
    const [sum] = g.emit('ScatterND', [zeros, reshape(g, ids, [flat, 1]), reshape(g, d, [flat, width])], [{ shape: [vocabulary, width] }], { reduction: { string: 'add' } });
    return [sum, undefined];
  });
}
/** One element of each row: x [N, A], index int64 [N] to [N]. */
export function pick(g: Graph, x: Tensor, index: Tensor): Tensor {
  const [rows, columns] = x.shape as [number, number];
  const column = reshape(g, index, [rows, 1]);
  const picked = g.differentiable(
    'GatherElements',
    [x, column],
    [rows, 1],
    (d) => {
      const zeros = g.constant(new Float32Array(rows * columns), [rows, columns]);
      return [g.emit('ScatterElements', [zeros, column, d], [{ shape: x.shape }], { axis: { int: 1 } })[0], undefined];
    },
    { axis: { int: 1 } },
  );
  return reshape(g, picked, [rows]);
}
export function logSoftmax(g: Graph, x: Tensor): Tensor {
  const axis = x.shape.length - 1;
  return g.differentiable('LogSoftmax', [x], x.shape, (d, y) => [sub(g, d, mul(g, exp(g, y), reduceSum(g, d, [axis], true)))], { axis: { int: axis } });
}
