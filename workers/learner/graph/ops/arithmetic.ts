/** Arithmetic with broadcasting, element by element, and means. */
import type { Graph, Tensor } from '../graph.js';
import { broadcastShape, reduceSum, unbroadcast } from './shapes.js';

type Unary = (g: Graph, x: Tensor) => Tensor;
type Binary = (g: Graph, a: Tensor, b: Tensor) => Tensor;

export const add: Binary = (g, a, b) =>
  g.differentiable('Add', [a, b], broadcastShape(a.shape, b.shape), (d) => [
    a.tracked ? unbroadcast(g, d, a.shape) : undefined,
    b.tracked ? unbroadcast(g, d, b.shape) : undefined,
  ]);
export const sub: Binary = (g, a, b) =>
  g.differentiable('Sub', [a, b], broadcastShape(a.shape, b.shape), (d) => [
    a.tracked ? unbroadcast(g, d, a.shape) : undefined,
    b.tracked ? neg(g, unbroadcast(g, d, b.shape)) : undefined,
  ]);
export const mul: Binary = (g, a, b) =>
  g.differentiable('Mul', [a, b], broadcastShape(a.shape, b.shape), (d) => [
    a.tracked ? unbroadcast(g, mul(g, d, b), a.shape) : undefined,
    b.tracked ? unbroadcast(g, mul(g, d, a), b.shape) : undefined,
  ]);
export const div: Binary = (g, a, b) =>
  g.differentiable('Div', [a, b], broadcastShape(a.shape, b.shape), (d, y) => [
    a.tracked ? unbroadcast(g, div(g, d, b), a.shape) : undefined,
    b.tracked ? neg(g, unbroadcast(g, mul(g, d, div(g, y, b)), b.shape)) : undefined,
  ]);

export const neg: Unary = (g, x) => g.differentiable('Neg', [x], x.shape, (d) => [neg(g, d)]);
export const exp: Unary = (g, x) => g.differentiable('Exp', [x], x.shape, (d, y) => [mul(g, d, y)]);
export const log: Unary = (g, x) => g.differentiable('Log', [x], x.shape, (d) => [div(g, d, x)]);
export const sqrt: Unary = (g, x) => g.differentiable('Sqrt', [x], x.shape, (d, y) => [div(g, mul(g, d, g.scalar(0.5)), y)]);
export const square: Unary = (g, x) => mul(g, x, x);

export function mean(g: Graph, x: Tensor, axes: readonly number[] = x.shape.map((_, axis) => axis), keep = false): Tensor {
  const count = axes.reduce((product, axis) => product * (x.shape[axis] as number), 1);
  return mul(g, reduceSum(g, x, axes, keep), g.scalar(1 / count));
}
