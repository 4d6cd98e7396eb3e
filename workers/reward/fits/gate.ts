/** Weights of frozen heads from the prompt (ArmoRM, arXiv 2406.12845). */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import type { Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { gather, pairsOf, unitColumn } from '../../preference/dataset.js';
import { spearman } from '../../preference/statistics.js';
import { at, floats, layers, modelFile, numbersAt, objectiveOf, someRows, type Fit, type FitContext, type Scores } from './fit.js';
import { bradleyTerryLoss } from './losses.js';

/** Rank correlation with verbosity that debiasing leaves at most, and the grid on which the factor is looked for. */
const CORRELATION_MAX = 0.03;
const GRID_STEP = 0.01;
const GRID_MAX = 5;

/** The frozen heads come in as a column that the reader of the model file fills with the scores of `heads`. */
export const HEADS_COLUMN = 'heads';

/**
 * r'_k = r_k - lambda_k r_verbosity; R = sum_k g_k r'_k with g = softmax(MLP(prompt) / temperature) x s and a learned s;
 * the loss is Bradley-Terry on R. The released code gates the raw heads; this gates the debiased ones, as the paper says.
 */
export async function gateFit(spec: FitSpecOf<'gate'>, { data, score }: FitContext): Promise<Fit> {
  const pairs = pairsOf(data, 'a gate');
  const prompt = unitColumn(data, 'prompt');
  const heads = await score(spec.heads);
  const factors = spec.debias ? debiasFactors(heads) : new Float32Array(heads.width);
  const debiased = subtractLast(heads, factors);
  const weights = (scope: Scope, prompts: Tensor): Tensor => {
    const g = scope.graph;
    const { output } = layers(scope, 'gate', prompts, spec.hidden, heads.width);
    const scale = scope.parameter('gate.scale', [1], { kind: 'ones' });
    return op.mul(g, op.softmax(g, op.mul(g, output, g.scalar(1 / spec.temperature))), op.reshape(g, scale, [1, 1]));
  };
  const objective = objectiveOf((g, scope) => {
    const gated = weights(scope, g.input('prompt', [spec.batch, prompt.width]));
    const difference = op.reduceSum(g, op.mul(g, gated, g.input('difference', [spec.batch, heads.width])), [1]);
    return { loss: bradleyTerryLoss(g, difference, g.input('label', [spec.batch])), metrics: {} };
  }, spec.weightDecay);
  return {
    objective,
    rows: someRows(pairs.count, 'pairs'),
    feeds(rows) {
      const [first, second] = [at(pairs.first, rows), at(pairs.second, rows)];
      const ofSecond = gather(debiased, second);
      const difference = gather(debiased, first).map((value, index) => value - (ofSecond[index] as number));
      return { prompt: floats(gather(prompt, first), [rows.length, prompt.width]), difference: floats(difference, [rows.length, heads.width]), label: floats(numbersAt(pairs.label, rows), [rows.length]) };
    },
    files: (parameters) => ({
      model: modelFile(
        parameters,
        { prompt: { column: 'prompt', width: prompt.width }, heads: { column: HEADS_COLUMN, width: heads.width } },
        { score: 'gated reward', weights: 'weight of each head', debiased: 'heads without verbosity' },
        (scope, inputs) => {
          const g = scope.graph;
          const raw = inputs['heads'] as Tensor;
          const last = op.slice(g, raw, 1, heads.width - 1, heads.width);
          const clean = op.sub(g, raw, op.mul(g, last, g.constant(factors, [1, heads.width])));
          const gated = weights(scope, inputs['prompt'] as Tensor);
          return { score: op.reduceSum(g, op.mul(g, gated, clean), [1], true), weights: gated, debiased: clean };
        },
        { headsFrom: spec.heads, debiasFactors: [...factors] },
      ),
    }),
  };
}

/** Smallest factor of the grid for each head whose rank correlation with the last is at most 0.03; 0 for the last itself. */
export function debiasFactors(heads: Scores): Float32Array {
  const rows = heads.values.length / heads.width;
  const column = (head: number): Float32Array => Float32Array.from({ length: rows }, (_, row) => heads.values[row * heads.width + head] as number);
  const verbosity = column(heads.width - 1);
  return Float32Array.from({ length: heads.width }, (_, head) => {
    if (head === heads.width - 1) return 0;
    const values = column(head);
    // The correlation falls as the factor grows, so the border is found by halving.
    const low = (factor: number): boolean => spearman(values.map((value, row) => value - factor * (verbosity[row] as number)), verbosity) <= CORRELATION_MAX;
    let [from, to] = [0, Math.round(GRID_MAX / GRID_STEP)];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (low(middle * GRID_STEP)) to = middle;
      else from = middle + 1;
    }
    return from * GRID_STEP;
  });
}

function subtractLast(heads: Scores, factors: Float32Array): Scores {
  const { width, values } = heads;
  return { width, values: values.map((value, index) => value - (factors[index % width] as number) * (values[index - (index % width) + width - 1] as number)) };
}
