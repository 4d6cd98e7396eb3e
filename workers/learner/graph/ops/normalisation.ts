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

/** Rows (last axis) divided by their root mean square, times scale (Zhang and Sennrich, arXiv 1910.07467). */
export function rmsNorm(g: Graph, x: Tensor, scale: Tensor, epsilon = 1e-5): Tensor {
  const axis = x.shape.length - 1;
  const rows = [...x.shape.slice(0, -1), 1];
  const [normal] = g.differentiableMany(
    'SimplifiedLayerNormalization',
    [x, scale],
    [x.shape, rows],
    ([d], [, inverse]) => {
      if (!d) return [];
      const unit = mul(g, x, g.stop(inverse as Tensor));
      const inner = mul(g, d, scale);
      const spread = sub(g, inner, mul(g, unit, mean(g, mul(g, inner, unit), [axis], true)));
      return [mul(g, spread, g.stop(inverse as Tensor)), unbroadcast(g, mul(g, d, unit), scale.shape)];
    },
    { axis: { int: axis }, epsilon: { float: epsilon } },
  );
  return normal as Tensor;
}
