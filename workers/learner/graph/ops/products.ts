/** Products of matrices. Transposition is a flag of the product, never a copy. */
import type { Graph, Tensor } from '../graph.js';
import { reduceSum } from './shapes.js';

/** Product of two matrices, each transposed on request. */
export function matmul(g: Graph, a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  return g.differentiable('Gemm', [a, b], productShape(a, b, transA, transB), (d) => factors(g, matmul, a, b, transA, transB, d), {
    transA: { int: transA ? 1 : 0 },
    transB: { int: transB ? 1 : 0 },
  });
}

/** x [N, I] times w [I, O], plus b [O]. */
export function linear(g: Graph, x: Tensor, w: Tensor, b?: Tensor): Tensor {
  if (!b) return matmul(g, x, w);
  const shape = productShape(x, w, false, false);
  return g.differentiable('Gemm', [x, w, b], shape, (d) => [...factors(g, matmul, x, w, false, false, d), b.tracked ? reduceSum(g, d, [0]) : undefined]);
}

/** Products of the matrices in the last two axes, for each index of the axes before them, which must agree. */
export function batchMatmul(g: Graph, a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  const batch = a.shape.slice(0, -2);
  if (batch.join() !== b.shape.slice(0, -2).join()) throw new RangeError(`expected equal axes before the last two, got [${a.shape.join()}] and [${b.shape.join()}]`);
  return g.differentiable(
    'FusedMatMul',
    [a, b],
    [...batch, ...productShape(a, b, transA, transB)],
    (d) => factors(g, batchMatmul, a, b, transA, transB, d),
    { transA: { int: transA ? 1 : 0 }, transB: { int: transB ? 1 : 0 } },
    'com.microsoft',
  );
}

function productShape(a: Tensor, b: Tensor, transA: boolean, transB: boolean): [number, number] {
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const [innerB, columns] = b.shape.slice(-2) as [number, number];
  if ((transA ? rows : inner) !== (transB ? columns : innerB)) {
    throw new RangeError(`expected inner sizes that agree, got [${a.shape.join()}]${transA ? ' transposed' : ''} and [${b.shape.join()}]${transB ? ' transposed' : ''}`);
  }
  return [transA ? inner : rows, transB ? innerB : columns];
}

/** Gradients of both factors of a product, from the gradient of the product. */
function factors(g: Graph, product: typeof matmul, a: Tensor, b: Tensor, transA: boolean, transB: boolean, d: Tensor): (Tensor | undefined)[] {
  return [
    a.tracked ? (transA ? product(g, b, d, transB, true) : product(g, d, b, false, !transB)) : undefined,
    b.tracked ? (transB ? product(g, d, a, true, transA) : product(g, a, d, !transA, false)) : undefined,
  ];
}
