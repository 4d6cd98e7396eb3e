/** Elements by index. */
import { sizeOf, type Graph, type Tensor } from '../graph.js';
import { reshape, zeros } from './shapes.js';

/**
 * Rows of a table [V, D] by ids (int64) of any shape: [...ids.shape, D]. The gradient adds rows with ScatterND, which is
 * right in sessions of one thread only: with more, onnxruntime's kernel loses additions to the same row. TrainStepper's
 * sessions have one.
 */
export function embedding(g: Graph, table: Tensor, ids: Tensor): Tensor {
  const [vocabulary, width] = table.shape as [number, number];
  const flat = sizeOf(ids.shape);
  return g.differentiable('Gather', [table, ids], [...ids.shape, width], (d) => {
    const inputs = [zeros(g, [vocabulary, width]), reshape(g, ids, [flat, 1]), reshape(g, d, [flat, width])];
    return [g.emit('ScatterND', inputs, [{ shape: [vocabulary, width] }], { reduction: { string: 'add' } })[0], undefined];
  });
}

/** One element of each row: x [N, A] at index (int64 [N]) gives [N]. */
export function pick(g: Graph, x: Tensor, index: Tensor): Tensor {
  const rows = x.shape[0] as number;
  const column = reshape(g, index, [rows, 1]);
  const picked = g.differentiable(
    'GatherElements',
    [x, column],
    [rows, 1],
    (d) => [g.emit('ScatterElements', [zeros(g, x.shape), column, d], [{ shape: x.shape }], { axis: { int: 1 } })[0], undefined],
    { axis: { int: 1 } },
  );
  return reshape(g, picked, [rows]);
}
