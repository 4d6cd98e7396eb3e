/** A small policy that learns from preferences: a number for each answer of each prompt, or one for each feature. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { PolicyLearnSpecOf } from '../../../proto/preference-sources.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import { dpoLoss, dynamicBeta, ipoLoss, modpoLoss, multiHeadDpoLoss } from '../../learner/losses/preference.js';
import type { Scope } from '../../learner/networks/scope.js';
import { gather, pairsOf, unitColumn, unitNumbers, type Pairs } from '../../preference/dataset.js';
import { at, floats, modelFile, numbersAt, objectiveOf, someRows, type Fit, type FitContext } from './fit.js';
import { tabularLogProbs, tabularFile, tableOf } from './tabular-policy.js';

type PreferenceSpec = PolicyLearnSpecOf<'preference'>;

export async function preferencePolicyFit(spec: PreferenceSpec, context: FitContext): Promise<Fit> {
  const { data } = context;
  const pairs = pairsOf(data, 'learning from preferences');
  const extra = await extraFeeds(spec, context, pairs);
  return spec.policy === 'tabular' ? tabular(spec, context, pairs, extra) : logLinear(spec, context, pairs, extra);
}

/** Feeds besides the difference of log-ratios and the label: margin, beta or objective of each pair. */
type Extra = (rows: Int32Array) => Record<string, OrtTensor>;

async function extraFeeds(spec: PreferenceSpec, { data, score }: FitContext, pairs: Pairs): Promise<Extra> {
  const difference = (values: ArrayLike<number>, pair: number): number => (values[pairs.first[pair] as number] as number) - (values[pairs.second[pair] as number] as number);
  if (spec.loss === 'modpo') {
    const weights = spec.weights ?? [];
    const rewards = weights.map((_, index) => unitNumbers(data, `r${index + 1}`));
    const margin = (pair: number): number => weights.reduce((sum, weight, index) => (index === 0 ? 0 : sum + weight * difference(rewards[index] as Float32Array, pair)), 0);
    return (rows) => ({ margin: floats(Float32Array.from(rows, margin), [rows.length]) });
  }
  if (spec.loss === 'dynamic-beta') {
    const { values } = await score(spec.margin as string);
    // The margin of the preferred over the other, whichever stands first.
    const margin = (pair: number): number => difference(values, pair) * ((pairs.label[pair] as number) >= 0.5 ? 1 : -1);
    return (rows) => ({ beta: floats(Float32Array.from(rows, (pair) => dynamicBeta(margin(pair), spec.beta, spec.growth.w, spec.growth.k)), [rows.length]) });
  }
  if (spec.loss === 'mah-dpo') {
    const objective = pairs.columns['objective'] as Float32Array;
    const heads = headsOf(spec, pairs);
    return (rows) => ({ own: floats(Float32Array.from({ length: rows.length * heads }, (_, index) => (objective[rows[Math.floor(index / heads)] as number] === index % heads ? 1 : 0)), [rows.length, heads]) });
  }
  return () => ({});
}

function headsOf(spec: PreferenceSpec, pairs: Pairs): number {
  return spec.loss === 'mah-dpo' ? Math.max(...(pairs.columns['objective'] ?? [0])) + 1 : 1;
}

/** The loss on differences of log-ratios, [B] or [B, H]. */
function lossOf(g: Graph, spec: PreferenceSpec, difference: Tensor): Tensor {
  const rows = spec.batch;
  const label = g.input('label', [rows]);
  const single = (): Tensor => op.reshape(g, difference, [rows]);
  switch (spec.loss) {
    case 'dpo':
      return dpoLoss(g, single(), label, spec.beta);
    case 'ipo':
      return ipoLoss(g, single(), label, spec.beta);
    case 'modpo':
      return modpoLoss(g, single(), label, g.input('margin', [rows]), spec.beta, spec.weights?.[0] ?? 1);
    case 'dynamic-beta':
      return dpoLoss(g, single(), label, g.input('beta', [rows]));
    case 'mah-dpo':
      return multiHeadDpoLoss(g, difference, label, g.input('own', [rows, difference.shape[1] as number]), spec.beta);
    default: {
      const never: never = spec.loss;
      throw new TypeError(`unknown loss ${JSON.stringify(never)}`);
    }
  }
}

function tabular(spec: PreferenceSpec, { data }: FitContext, pairs: Pairs, extra: Extra): Fit {
  const table = tableOf(data);
  const heads = headsOf(spec, pairs);
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const ratios = op.sub(g, tabularLogProbs(scope, table, heads), g.constant(repeatColumn(table.logReference, heads), [table.rows, heads]));
    const side = (name: string): Tensor => op.embedding(g, ratios, g.input(name, [spec.batch], 'int64'));
    const difference = op.sub(g, side('first'), side('second'));
    return { loss: lossOf(g, spec, difference), metrics: { difference: op.mean(g, op.absolute(g, g.stop(difference))) } };
  }, spec.weightDecay);
  const ids = (rows: Int32Array): OrtTensor => new OrtTensor('int64', BigInt64Array.from(rows, BigInt), [rows.length]);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    feeds: (rows) => ({ first: ids(at(pairs.first, rows)), second: ids(at(pairs.second, rows)), label: floats(numbersAt(pairs.label, rows), [rows.length]), ...extra(rows) }),
    files: (parameters) => ({ model: tabularFile(parameters, table, heads) }),
  };
}

/** log pi(y) = w . x(y) + log pi_ref(y) - log Z: within a pair Z is the same, and the difference of log-ratios is w . (x+ - x-). */
function logLinear(spec: PreferenceSpec, { data }: FitContext, pairs: Pairs, extra: Extra): Fit {
  const embedding = unitColumn(data, 'embedding');
  const { width } = embedding;
  const weight = (scope: Scope): Tensor => scope.parameter('policy.weight', [width, 1], { kind: 'zeros' });
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const difference = op.matmul(g, g.input('difference', [spec.batch, width]), weight(scope));
    return { loss: lossOf(g, spec, difference), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    feeds(rows) {
      const other = gather(embedding, at(pairs.second, rows));
      const difference = gather(embedding, at(pairs.first, rows)).map((value, index) => value - (other[index] as number));
      return { difference: floats(difference, [rows.length, width]), label: floats(numbersAt(pairs.label, rows), [rows.length]), ...extra(rows) };
    },
    files: (parameters) => ({
      model: modelFile(parameters, { embedding: { column: 'embedding', width } }, { score: 'log-ratio of policy and reference, up to a number that is the same for all answers of a prompt' }, (scope, inputs) => ({ score: op.matmul(scope.graph, inputs['embedding'] as Tensor, weight(scope)) })),
    }),
  };
}

function repeatColumn(values: Float32Array, times: number): Float32Array {
  return Float32Array.from({ length: values.length * times }, (_, index) => values[Math.floor(index / times)] as number);
}
