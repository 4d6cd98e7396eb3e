/** A representation from "which of two is more like this one" (SIRL, arXiv 2301.00810). */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import type { Scope } from '../../learner/networks/scope.js';
import { gather, listsOf, unitColumn } from '../../preference/dataset.js';
import { floats, layers, modelFile, objectiveOf, someRows, type Fit, type FitContext } from './fit.js';
import { tripletLoss } from './losses.js';

/** Lists of three units: anchor, the one that is more like it, the other. */
export function tripletFit(spec: FitSpecOf<'triplet'>, { data }: FitContext): Fit {
  const { batch, hidden, width: outputs, margin } = spec;
  const lists = listsOf(data, 'a fit of triplets');
  const embedding = unitColumn(data, 'embedding');
  const { width } = embedding;
  const net = (scope: Scope, x: Tensor): Tensor => layers(scope, 'representation', x, hidden, outputs).output;
  const roles = ['anchor', 'positive', 'negative'] as const;
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const [anchor, positive, negative] = roles.map((role) => net(scope, g.input(role, [batch, width]))) as [Tensor, Tensor, Tensor];
    return { loss: tripletLoss(g, anchor, positive, negative, margin), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(lists.start.length, 'triplets'),
    feeds: (rows) => Object.fromEntries(roles.map((role, index) => [role, floats(gather(embedding, Array.from(rows, (row) => (lists.start[row] as number) + index)), [rows.length, width])])),
    files: (parameters) => ({
      model: modelFile(parameters, { embedding: { column: 'embedding', width } }, { score: 'the representation', representation: 'the representation' }, (scope, inputs) => {
        const made = net(scope, inputs['embedding'] as Tensor);
        return { score: made, representation: made };
      }),
    }),
  };
}
