/** Sources for users who are known by a few comparisons: Hedge over a mixture, weights of prototypes, an inferred latent. */
import type { ScorerSpecOf } from '../../proto/preference-sources.js';
import { LaurelError } from '../../proto/errors.js';
import { ordered } from '../reward/fits/variational.js';
import { gather, pairsOf, unitColumn, unitNumbers, type Dataset } from './dataset.js';
import type { Scoring } from './scoring.js';
import { sigmoid } from './workloads/draw.js';

type AdaptedSpec = ScorerSpecOf<'adapted'>;

/** Steps of the fit of prototype weights. */
const WEIGHT_STEPS = 200;

/** Scores of the units, each for its own user, after a look at the user's comparisons in the context table. */
export async function adaptedScores(scoring: Scoring, spec: AdaptedSpec, data: Dataset): Promise<Float32Array> {
  const source = scoring.options.job.sources[spec.of];
  const fit = source?.kind === 'model' ? source.fit : undefined;
  const context = scoring.table(spec.context);
  const comparisons = comparisonsByUser(context);
  const user = unitNumbers(data, 'user');
  if (fit?.kind === 'variational') return latentScores(scoring, spec, fit, context, comparisons, data, user);
  const { score, prior } = await scoring.outputs(spec.of, data, ['score', 'prior']);
  const seen = await scoring.outputs(spec.of, context, ['score', 'prior']);
  if (!score || !prior || !seen['score']) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected score and prior from the model');
  // An ideal point has a part in front that no weight multiplies.
  const offset = fit?.kind === 'ideal-point' ? 1 : 0;
  const parts = score.width - offset;
  const row = (values: Float32Array, width: number, index: number): Float32Array => values.subarray(index * width, (index + 1) * width);
  const weightsOf = new Map<number, Float64Array>();
  for (const one of new Set(user)) {
    const differences = (comparisons.get(one) ?? []).map(([better, worse]) => {
      const [a, b] = [row(seen['score']!.values, score.width, better), row(seen['score']!.values, score.width, worse)];
      return Float64Array.from(a, (value, index) => value - (b[index] as number));
    });
    const first = user.indexOf(one);
    const start = Float64Array.from(row(prior.values, prior.width, first));
    weightsOf.set(one, adaptWeights(spec, offset, start, differences));
  }
  return Float32Array.from(user, (one, index) => {
    const values = row(score.values, score.width, index);
    const weights = weightsOf.get(one) as Float64Array;
    let sum = offset === 1 ? (values[0] as number) : 0;
    for (let part = 0; part < parts; part++) sum += (weights[part] as number) * (values[offset + part] as number);
    return sum;
  });
}

/** Weights after the comparisons that the specification allows; each difference is preferred minus other, part by part. */
export function adaptWeights({ pairs, rate, chosen }: Pick<AdaptedSpec, 'pairs' | 'rate' | 'chosen'>, offset: 0 | 1, start: Float64Array, differences: readonly Float64Array[]): Float64Array {
  const update = offset === 1 ? fitWeights : hedge;
  const looked: Float64Array[] = [];
  const left = [...differences];
  let weights = start;
  for (let turn = 0; turn < pairs && left.length > 0; turn++) {
    const next = chosen === 'active' ? leastSure(left, weights, offset) : 0;
    looked.push(...left.splice(next, 1));
    if (offset === 0 || chosen === 'active') weights = update(start, looked, rate);
  }
  return looked.length === 0 ? start : update(start, looked, rate);
}

/** Hedge: w_k <- w_k e^(-eta loss_k) / Z with loss_k = -log sigma(difference of component k). */
export function hedge(prior: Float64Array, differences: readonly Float64Array[], rate: number): Float64Array {
  const logs = Array.from(prior, (weight, part) => Math.log(weight) + rate * differences.reduce((sum, difference) => sum + Math.log(sigmoid(difference[part] as number) + 1e-12), 0));
  return normalised(logs);
}

/** Softmax weights of the prototypes by gradient ascent on the likelihood of the comparisons; differences hold the part without weight first. */
function fitWeights(prior: Float64Array, differences: readonly Float64Array[], rate: number): Float64Array {
  const logits = Array.from(prior, (weight) => Math.log(weight));
  for (let step = 0; step < WEIGHT_STEPS; step++) {
    const weights = normalised(logits);
    const gradient = new Float64Array(logits.length);
    for (const difference of differences) {
      const total = (difference[0] as number) + weights.reduce((sum, weight, part) => sum + weight * (difference[part + 1] as number), 0);
      const pull = 1 - sigmoid(total);
      weights.forEach((weight, part) => {
        const centred = (difference[part + 1] as number) - (total - (difference[0] as number));
        gradient[part] = (gradient[part] as number) + pull * weight * centred;
      });
    }
    logits.forEach((logit, part) => (logits[part] = logit + (rate / differences.length) * (gradient[part] as number)));
  }
  return normalised(logits);
}

function normalised(logs: readonly number[]): Float64Array {
  const highest = Math.max(...logs);
  const raw = logs.map((log) => Math.exp(log - highest));
  const sum = raw.reduce((total, one) => total + one, 0);
  return Float64Array.from(raw, (one) => one / sum);
}

/**
 * The comparison about which the components differ most: variance of their opinions under the weights. What the user
 * said is not looked at: a difference counts with either sign.
 */
function leastSure(differences: readonly Float64Array[], weights: Float64Array, offset: number): number {
  const spread = differences.map((difference) => {
    const opinions = Array.from(weights, (_, part) => sigmoid((offset === 1 ? (difference[0] as number) : 0) + (difference[offset + part] as number)));
    const middle = opinions.reduce((sum, opinion, part) => sum + opinion * (weights[part] as number), 0);
    return opinions.reduce((sum, opinion, part) => sum + (weights[part] as number) * (opinion - middle) ** 2, 0);
  });
  return spread.indexOf(Math.max(...spread));
}

/** Unit rows [preferred, other] of each user's comparisons, in the order of the table. */
function comparisonsByUser(context: Dataset): Map<number, [number, number][]> {
  const pairs = pairsOf(context, 'the context of users');
  const user = unitNumbers(context, 'user');
  const found = new Map<number, [number, number][]>();
  for (let pair = 0; pair < pairs.count; pair++) {
    const [better, worse] = ordered(pairs, [pair]).map((rows) => rows[0] as number) as [number, number];
    const of = user[better] as number;
    found.set(of, [...(found.get(of) ?? []), [better, worse]]);
  }
  return found;
}

async function latentScores(scoring: Scoring, spec: AdaptedSpec, fit: { readonly contextPairs: number; readonly latent: number }, context: Dataset, comparisons: ReadonlyMap<number, readonly [number, number][]>, data: Dataset, user: Float32Array): Promise<Float32Array> {
  if (spec.pairs !== fit.contextPairs) throw new LaurelError('LAUREL_JOB_INVALID', `expected ${fit.contextPairs} pairs, as many as ${spec.of} was trained with, got ${spec.pairs}`);
  const encoder = await scoring.file(spec.of, 'encoder');
  const embedding = unitColumn(context, 'embedding');
  const z = new Float32Array(data.rows * fit.latent);
  for (const one of new Set(user)) {
    const own = (comparisons.get(one) ?? []).slice(0, spec.pairs);
    if (own.length < spec.pairs) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected ${spec.pairs} comparisons of user ${one} in ${spec.context}, got ${own.length}`);
    const columns = { preferred: gather(embedding, own.map(([better]) => better)), other: gather(embedding, own.map(([, worse]) => worse)) };
    const out = await encoder.run(spec.pairs, (name) => ({ width: embedding.width, values: columns[name as keyof typeof columns] }), ['z']);
    user.forEach((of, row) => {
      if (of === one) z.set((out['z']?.values ?? new Float32Array(0)).subarray(0, fit.latent), row * fit.latent);
    });
  }
  const { score } = await scoring.outputs(spec.of, data, ['score'], { z: { width: fit.latent, values: z } });
  return score?.values ?? new Float32Array(0);
}
