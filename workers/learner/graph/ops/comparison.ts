/** Comparisons, and operations that choose between elements. */
import { ONNX_TYPES, type ElementType } from '../encode.js';
import type { Graph, Tensor } from '../graph.js';
import { add, mul, neg, sub } from './arithmetic.js';
import { broadcastShape, unbroadcast } from './shapes.js';

/** A truth value for each element; no gradient. */
export function compare(g: Graph, type: 'Greater' | 'Less' | 'GreaterOrEqual' | 'LessOrEqual', a: Tensor, b: Tensor): Tensor {
  const [truth] = g.emit(type, [g.stop(a), g.stop(b)], [{ shape: broadcastShape(a.shape, b.shape), type: 'bool' }]);
  return truth as Tensor;
}

/** To another element type; no gradient. */
export function cast(g: Graph, x: Tensor, type: ElementType): Tensor {
  if (x.type === type) return x;
  return g.emit('Cast', [g.stop(x)], [{ shape: x.shape, type }], { to: { int: ONNX_TYPES[type] } })[0] as Tensor;
}

/** 1 where x > 0, else 0; no gradient. */
export function positive(g: Graph, x: Tensor): Tensor {
  return cast(g, compare(g, 'Greater', x, g.scalar(0)), 'float32');
}

/** a where the condition (bool) holds, else b. What is not chosen may be anything, also no number. */
export function where(g: Graph, condition: Tensor, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
  return g.differentiable('Where', [condition, a, b], shape, (d) => [
    undefined,
    a.tracked ? unbroadcast(g, where(g, condition, d, g.scalar(0)), a.shape) : undefined,
    b.tracked ? unbroadcast(g, where(g, condition, g.scalar(0), d), b.shape) : undefined,
  ]);
}

/** a where the mask (f32, 1 or 0) is 1, else b. */
export function choose(g: Graph, mask: Tensor, a: Tensor, b: Tensor): Tensor {
  return add(g, mul(g, mask, a), mul(g, sub(g, g.scalar(1), mask), b));
}

/** The smaller; where both are equal the gradient goes to a. */
export function minimum(g: Graph, a: Tensor, b: Tensor): Tensor {
  return extreme(g, 'Min', 'LessOrEqual', a, b);
}

/** The larger; where both are equal the gradient goes to a. */
export function maximum(g: Graph, a: Tensor, b: Tensor): Tensor {
  return extreme(g, 'Max', 'GreaterOrEqual', a, b);
}

function extreme(g: Graph, type: 'Min' | 'Max', comparison: 'LessOrEqual' | 'GreaterOrEqual', a: Tensor, b: Tensor): Tensor {
  return g.differentiable(type, [a, b], broadcastShape(a.shape, b.shape), (d) => {
    const first = cast(g, compare(g, comparison, a, b), 'float32');
    return [
      a.tracked ? unbroadcast(g, mul(g, d, first), a.shape) : undefined,
      b.tracked ? unbroadcast(g, mul(g, d, sub(g, g.scalar(1), first)), b.shape) : undefined,
    ];
  });
}

/** Within [low, high]; outside no gradient passes. */
export function clip(g: Graph, x: Tensor, low: number, high: number): Tensor {
  return minimum(g, maximum(g, x, g.scalar(low)), g.scalar(high));
}

export function absolute(g: Graph, x: Tensor): Tensor {
  return maximum(g, x, neg(g, x));
}
