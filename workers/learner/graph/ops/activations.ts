/** Activations, and the softmax over the last axis. */
import type { Graph, Tensor } from '../graph.js';
import { add, exp, mul, neg, square, sub } from './arithmetic.js';
import { minimum, positive } from './comparison.js';
import { reduceSum } from './shapes.js';

type Unary = (g: Graph, x: Tensor) => Tensor;

export const tanh: Unary = (g, x) => g.differentiable('Tanh', [x], x.shape, (d, y) => [mul(g, d, sub(g, g.scalar(1), square(g, y)))]);
export const sigmoid: Unary = (g, x) => g.differentiable('Sigmoid', [x], x.shape, (d, y) => [mul(g, d, sub(g, y, square(g, y)))]);
/** The gradient at 0 is 0. */
export const relu: Unary = (g, x) => g.differentiable('Relu', [x], x.shape, (d, y) => [mul(g, d, positive(g, y))]);
/** x where x > 0, else e^x - 1 (Clevert et al., arXiv 1511.07289, alpha 1). */
export const elu: Unary = (g, x) => g.differentiable('Elu', [x], x.shape, (d, y) => [mul(g, d, add(g, minimum(g, y, g.scalar(0)), g.scalar(1)))]);
export const erf: Unary = (g, x) =>
  g.differentiable('Erf', [x], x.shape, (d) => [mul(g, d, mul(g, g.scalar(2 / Math.sqrt(Math.PI)), exp(g, neg(g, square(g, x)))))]);
/** x times the normal distribution function of x (Hendrycks and Gimpel, arXiv 1606.08415), the exact form. */
export const gelu: Unary = (g, x) => mul(g, x, mul(g, g.scalar(0.5), add(g, g.scalar(1), erf(g, mul(g, x, g.scalar(Math.SQRT1_2))))));

/** x times its sigmoid, the gate of SwiGLU (Shazeer, arXiv 2002.05202). */
export const silu: Unary = (g, x) => mul(g, x, sigmoid(g, x));

/** log(1 + e^x), without overflow. */
export const softplus: Unary = (g, x) => g.differentiable('Softplus', [x], x.shape, (d) => [mul(g, d, sigmoid(g, x))]);

export function softmax(g: Graph, x: Tensor): Tensor {
  const axis = x.shape.length - 1;
  return g.differentiable('Softmax', [x], x.shape, (d, y) => [mul(g, y, sub(g, d, reduceSum(g, mul(g, d, y), [axis], true)))], { axis: { int: axis } });
}

export function logSoftmax(g: Graph, x: Tensor): Tensor {
  const axis = x.shape.length - 1;
  return g.differentiable('LogSoftmax', [x], x.shape, (d, y) => [sub(g, d, mul(g, exp(g, y), reduceSum(g, d, [axis], true)))], { axis: { int: axis } });
}
