/** Distance to an ideal point, a mixture of prototypes for each user (PAL, arXiv 2406.08469). */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { pairsOf, unitColumn, unitNumbers } from '../../preference/dataset.js';
import { at, floats, modelFile, numbersAt, objectiveOf, pairFeeds, someRows, type Fit, type FitContext } from './fit.js';
import { bradleyTerryLoss } from './losses.js';

/**
 * r(x; u) = -|f(x) - u|^2 with u = sum_k w_k p_k, w = softmax of a row for each user. Within a user |u|^2 is the same for
 * all answers, so that the score is linear in w: the file gives -|f|^2 and 2 f . p_k, and a new user is w alone.
 */
export function idealPointFit(spec: FitSpecOf<'ideal-point'>, { data }: FitContext): Fit {
  const { batch, prototypes } = spec;
  const pairs = pairsOf(data, 'an ideal point');
  const { width } = unitColumn(data, 'embedding');
  const user = unitNumbers(data, 'user');
  const users = user.reduce((most, one) => Math.max(most, one), 0) + 1;
  const inner = spec.embedding ?? width;
  const mapped = (scope: Scope, x: Tensor): Tensor => (spec.embedding === null ? x : op.matmul(scope.graph, x, scope.parameter('map', [width, inner], { kind: 'orthogonal', gain: 1 })));
  const points = (scope: Scope): Tensor => scope.parameter('prototypes', [prototypes, inner], { kind: 'normal', deviation: 0.3 });
  const parts = (scope: Scope, x: Tensor): Tensor => {
    const g = scope.graph;
    const f = mapped(scope, x);
    return op.concat(g, [op.neg(g, op.reduceSum(g, op.square(g, f), [1], true)), op.mul(g, op.matmul(g, f, points(scope), false, true), g.scalar(2))], 1);
  };
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const difference = op.sub(g, parts(scope, g.input('first.embedding', [batch, width])), parts(scope, g.input('second.embedding', [batch, width])));
    const table = scope.parameter('users', [users, prototypes], { kind: 'normal', deviation: 0.1 });
    const weights = op.softmax(g, op.embedding(g, table, g.input('user', [batch], 'int64')));
    const whole = op.concat(g, [g.constant(new Float32Array(batch).fill(1), [batch, 1]), weights], 1);
    return { loss: bradleyTerryLoss(g, op.reduceSum(g, op.mul(g, difference, whole), [1]), g.input('label', [batch])), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    feeds(rows) {
      const [first, second] = [at(pairs.first, rows), at(pairs.second, rows)];
      const of = BigInt64Array.from(first, (row) => BigInt(user[row] as number));
      return { ...pairFeeds(data, ['embedding'], first, second), label: floats(numbersAt(pairs.label, rows), [rows.length]), user: new OrtTensor('int64', of, [rows.length]) };
    },
    files: (parameters) => ({
      model: modelFile(
        parameters,
        { embedding: { column: 'embedding', width } },
        { score: 'minus the squared length, then twice the product with each prototype: score = first + sum of w times the others', prior: 'equal weights' },
        (scope, inputs) => {
          const x = inputs['embedding'] as Tensor;
          const rows = x.shape[0] as number;
          return { score: parts(scope, x), prior: scope.graph.constant(new Float32Array(rows * prototypes).fill(1 / prototypes), [rows, prototypes]) };
        },
      ),
    }),
  };
}
