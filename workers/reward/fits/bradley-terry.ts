/** A scalar reward by Bradley-Terry over pairs. */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import { CounterRandom } from '../../../proto/philox.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { pairsOf, unitColumn } from '../../preference/dataset.js';
import { at, floats, layers, modelFile, numbersAt, objectiveOf, pairFeeds, someRows, type Fit, type FitContext } from './fit.js';
import { bradleyTerryLoss } from './losses.js';

export async function bradleyTerryFit(spec: FitSpecOf<'bradley-terry'>, { data, seed, score, parametersOf }: FitContext): Promise<Fit> {
  const pairs = pairsOf(data, 'a fit by Bradley-Terry');
  const { width } = unitColumn(data, spec.features);
  const margin = spec.margin === null ? null : (await score(spec.margin)).values;
  const drawn = spec.resample ? resampled(pairs.count, seed) : null;
  const net = (scope: Scope, x: Tensor): { output: Tensor; representation: Tensor } => layers(scope, 'reward', x, spec.hidden, 1);
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const side = (name: string): Tensor => op.reshape(g, net(scope, g.input(`${name}.${spec.features}`, [spec.batch, width])).output, [spec.batch]);
    const difference = op.sub(g, side('first'), side('second'));
    const shifted = margin === null ? difference : op.sub(g, difference, g.input('margin', [spec.batch]));
    return { loss: bradleyTerryLoss(g, shifted, g.input('label', [spec.batch]), spec.ties), metrics: { difference: op.mean(g, op.absolute(g, g.stop(difference))) } };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    ...(spec.initial === null ? {} : { initial: await parametersOf(spec.initial) }),
    feeds(rows) {
      const chosen = drawn === null ? rows : at(drawn, rows);
      const [first, second] = [at(pairs.first, chosen), at(pairs.second, chosen)];
      const shift = margin === null ? {} : { margin: floats(Float32Array.from(first, (row, index) => (margin[row] as number) - (margin[second[index] as number] as number)), [rows.length]) };
      return { ...pairFeeds(data, [spec.features], first, second), label: floats(numbersAt(pairs.label, chosen), [rows.length]), ...shift };
    },
    files: (parameters) => ({
      model: modelFile(parameters, { [spec.features]: { column: spec.features, width } }, { score: 'reward', representation: 'last hidden layer' }, (scope, inputs) => {
        const x = inputs[spec.features] as Tensor;
        const { output, representation } = net(scope, x);
        return { score: output, representation: spec.hidden.length === 0 ? weighted(scope, x) : representation };
      }),
    }),
  };
}

/** What a linear model reads: each number of the embedding times its weight. */
function weighted(scope: Scope, x: Tensor): Tensor {
  const g = scope.graph;
  const weight = scope.parameter('reward.out.weight', [x.shape[1] as number, 1], { kind: 'zeros' });
  return op.mul(g, x, op.reshape(g, weight, [1, x.shape[1] as number]));
}

function resampled(count: number, seed: number): Int32Array {
  const random = new CounterRandom(seed, 'fit');
  return Int32Array.from({ length: count }, (_, index) => Math.min(count - 1, Math.floor(random.uniform(index, 0, 0, 1) * count)));
}
