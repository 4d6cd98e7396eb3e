/** Score of a trajectory given one of a reference policy (POLAR, arXiv 2507.05197). */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { pairsOf, unitColumn } from '../../preference/dataset.js';
import { at, floats, layers, modelFile, numbersAt, objectiveOf, pairFeeds, someRows, type Fit, type FitContext } from './fit.js';
import { bradleyTerryLoss } from './losses.js';

/** -log sigma(s(reference, same policy) - s(reference, other policy)); s is a network on the product and the squared difference of both embeddings. */
export async function referenceConditionedFit(spec: FitSpecOf<'reference-conditioned'>, { data, parametersOf }: FitContext): Promise<Fit> {
  const { batch, hidden } = spec;
  const pairs = pairsOf(data, 'a reference-conditioned fit');
  const { width } = unitColumn(data, 'embedding');
  const net = (scope: Scope, x: Tensor, reference: Tensor): { output: Tensor; representation: Tensor } => {
    const g = scope.graph;
    return layers(scope, 'score', op.concat(g, [op.mul(g, x, reference), op.square(g, op.sub(g, x, reference))], 1), hidden, 1);
  };
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const side = (name: string): Tensor => net(scope, g.input(`${name}.embedding`, [batch, width]), g.input(`${name}.reference`, [batch, width])).output;
    return { loss: bradleyTerryLoss(g, op.reshape(g, op.sub(g, side('first'), side('second')), [batch]), g.input('label', [batch])), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    ...(spec.initial === null ? {} : { initial: await parametersOf(spec.initial) }),
    feeds: (rows) => ({ ...pairFeeds(data, ['embedding', 'reference'], at(pairs.first, rows), at(pairs.second, rows)), label: floats(numbersAt(pairs.label, rows), [rows.length]) }),
    files: (parameters) => ({
      model: modelFile(
        parameters,
        { embedding: { column: 'embedding', width }, reference: { column: 'reference', width } },
        { score: 'reward of the trajectory given the reference', representation: 'last hidden layer' },
        (scope, inputs) => {
          const { output, representation } = net(scope, inputs['embedding'] as Tensor, inputs['reference'] as Tensor);
          return { score: output, representation };
        },
      ),
    }),
  };
}
