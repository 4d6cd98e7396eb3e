/** Normalisation of rows. */
import type { Graph, Tensor } from '../graph.js';
import { mean, mul, sub } from './arithmetic.js';
import { unbroadcast } from './shapes.js';

/** Rows (last axis) to mean 0 and deviation 1, times scale, plus bias (Ba et al., arXiv 1607.06450). */
export function layerNorm(g: Graph, x: Tensor, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const axis = x.shape.length - 1;
  const rows = [...x.shape.slice(0, -1), 1];
  const [normal] = g.differentiableMany(
    'LayerNormalization',
    [x, scale, bias],
    [x.shape, rows, rows],
    ([d], [, centre, inverse]) => {
      if (!d) return [];
      const unit = mul(g, sub(g, x, g.stop(centre as Tensor)), g.stop(inverse as Tensor));
      const inner = mul(g, d, scale);
      const spread = sub(g, sub(g, inner, mean(g, inner, [axis], true)), mul(g, unit, mean(g, mul(g, inner, unit), [axis], true)));
      return [mul(g, spread, g.stop(inverse as Tensor)), unbroadcast(g, mul(g, d, unit), scale.shape), unbroadcast(g, d, bias.shape)];
    },
    { axis: { int: axis }, epsilon: { float: epsilon } },
  );
  return normal as Tensor;
}
