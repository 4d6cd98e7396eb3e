/** A mixture of Bradley-Terry models: groups of people who want different things (MiCRo, arXiv 2505.24846). */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { gather, pairsOf, unitColumn } from '../../preference/dataset.js';
import { at, floats, has, layers, modelFile, numbersAt, objectiveOf, pairFeeds, someRows, type Fit, type FitContext } from './fit.js';
import { mixtureLoss } from './losses.js';

/** Weights come from the prompt where the units have one, else they are the same for all. */
export function mixtureFit(spec: FitSpecOf<'mixture'>, { data }: FitContext): Fit {
  const { batch, components } = spec;
  const pairs = pairsOf(data, 'a mixture');
  const { width } = unitColumn(data, 'embedding');
  const prompt = has(data, 'prompt');
  const heads = (scope: Scope, x: Tensor): Tensor => layers(scope, 'reward', x, spec.hidden, components).output;
  const logWeights = (scope: Scope, rows: number, prompts: Tensor | undefined): Tensor => {
    const g = scope.graph;
    const logits = prompts ? layers(scope, 'router', prompts, [], components).output : op.expand(g, scope.parameter('router.logits', [1, components], { kind: 'zeros' }), [rows, components]);
    return op.logSoftmax(g, logits);
  };
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const side = (name: string): Tensor => heads(scope, g.input(`${name}.embedding`, [batch, width]));
    const differences = op.sub(g, side('first'), side('second'));
    const weights = logWeights(scope, batch, prompt && g.input('prompt', [batch, prompt.width]));
    return { loss: mixtureLoss(g, differences, weights, g.input('label', [batch]), spec.entropy), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    feeds(rows) {
      const [first, second] = [at(pairs.first, rows), at(pairs.second, rows)];
      return { ...pairFeeds(data, ['embedding'], first, second), label: floats(numbersAt(pairs.label, rows), [rows.length]), ...(prompt ? { prompt: floats(gather(prompt, first), [rows.length, prompt.width]) } : {}) };
    },
    files: (parameters) => ({
      model: modelFile(
        parameters,
        { embedding: { column: 'embedding', width }, ...(prompt ? { prompt: { column: 'prompt', width: prompt.width } } : {}) },
        { score: 'one reward for each component', prior: 'weight of each component before anything is known of the user' },
        (scope, inputs) => ({ score: heads(scope, inputs['embedding'] as Tensor), prior: op.exp(scope.graph, logWeights(scope, (inputs['embedding'] as Tensor).shape[0] as number, inputs['prompt'])) }),
      ),
    }),
  };
}
