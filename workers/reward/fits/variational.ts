/** A latent for each user, inferred from a few comparisons (VPL, arXiv 2408.10075). */
import type { FitSpecOf } from '../../../proto/preference-sources.js';
import { CounterRandom } from '../../../proto/philox.js';
import type { Graph, Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import { dense, type Scope } from '../../learner/networks/scope.js';
import { gather, pairsOf, unitColumn, unitNumbers } from '../../preference/dataset.js';
import { at, floats, layers, modelFile, objectiveOf, someRows, type Fit, type FitContext } from './fit.js';
import { bradleyTerryLoss, normalDivergence } from './losses.js';

/** Bound of the log variance. */
const LOG_VARIANCE_MAX = 1;
/** Comparisons of a user whose labels are predicted in a step. */
const TARGETS = 8;

/**
 * Each comparison of the context goes through an encoder, the mean of what comes out gives mean and log variance of z;
 * z = mean + deviation x noise, scaled to length sqrt(d); loss: Bradley-Terry of r(x, z) on further comparisons of the
 * same user, and beta KL(q || N(0, 1)). The paper's encoder has attention; a mean over comparisons stands for it here.
 */
export function variationalFit(spec: FitSpecOf<'variational'>, { data, seed }: FitContext): Fit {
  const { batch, contextPairs, latent } = spec;
  const pairs = pairsOf(data, 'a variational fit');
  const embedding = unitColumn(data, 'embedding');
  const { width } = embedding;
  const of = pairsByUser(pairs.count, (pair) => unitNumbers(data, 'user')[pairs.first[pair] as number] as number);
  const reward = (scope: Scope, x: Tensor, z: Tensor): Tensor => layers(scope, 'reward', op.concat(scope.graph, [x, z], 1), spec.hidden, 1).output;
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const { mean, logVariance } = encode(scope, spec, g.input('context.first', [batch * contextPairs, width]), g.input('context.second', [batch * contextPairs, width]), batch);
    const noise = g.input('noise', [batch, latent]);
    const z = scaled(g, op.add(g, mean, op.mul(g, op.exp(g, op.mul(g, logVariance, g.scalar(0.5))), noise)));
    const repeated = op.reshape(g, op.expand(g, op.reshape(g, z, [batch, 1, latent]), [batch, TARGETS, latent]), [batch * TARGETS, latent]);
    const side = (name: string): Tensor => reward(scope, g.input(`${name}.embedding`, [batch * TARGETS, width]), repeated);
    const difference = op.reshape(g, op.sub(g, side('first'), side('second')), [batch * TARGETS]);
    const divergence = normalDivergence(g, mean, logVariance);
    const fit = bradleyTerryLoss(g, difference, g.input('label', [batch * TARGETS]));
    return { loss: op.add(g, fit, op.mul(g, divergence, g.input('beta', []))), metrics: { divergence, fit } };
  }, spec.weightDecay);
  const random = new CounterRandom(seed, 'fit');
  return {
    objective,
    rows: someRows(of.length, 'users with comparisons'),
    feeds(rows, step) {
      const context: number[] = [];
      const targets: number[] = [];
      rows.forEach((user, index) => {
        const own = of[user] as readonly number[];
        const drawn = (part: number, count: number): number[] => Array.from({ length: count }, (_, nth) => own[Math.min(own.length - 1, Math.floor(random.uniform(step, index, part, nth) * own.length))] as number);
        context.push(...drawn(2, contextPairs));
        targets.push(...drawn(3, TARGETS));
      });
      const [preferred, other] = ordered(pairs, context);
      const [first, second] = [at(pairs.first, targets), at(pairs.second, targets)];
      const units = (chosen: Int32Array) => floats(gather(embedding, chosen), [chosen.length, width]);
      return {
        'context.first': units(preferred),
        'context.second': units(other),
        'first.embedding': units(first),
        'second.embedding': units(second),
        label: floats(Float32Array.from(targets, (pair) => pairs.label[pair] as number), [targets.length]),
        noise: floats(Float32Array.from({ length: batch * latent }, (_, index) => random.normal(step, index, 4)), [batch, latent]),
        beta: floats(Float32Array.of(spec.divergence * Math.min(1, (2 * step) / spec.steps)), []),
      };
    },
    files: (parameters) => ({
      model: modelFile(parameters, { embedding: { column: 'embedding', width }, z: { column: 'z', width: latent } }, { score: 'reward of the answer for the latent' }, (scope, inputs) => ({ score: reward(scope, inputs['embedding'] as Tensor, inputs['z'] as Tensor) })),
      encoder: modelFile(
        parameters,
        { preferred: { column: 'embedding', width }, other: { column: 'embedding', width } },
        { z: 'latent of the user, the mean', logVariance: 'how sure it is' },
        (scope, inputs) => {
          const { mean, logVariance } = encode(scope, spec, inputs['preferred'] as Tensor, inputs['other'] as Tensor, 1);
          return { z: scaled(scope.graph, mean), logVariance };
        },
        {},
        contextPairs,
      ),
    }),
  };
}

function encode(scope: Scope, { hidden, latent, contextPairs }: FitSpecOf<'variational'>, preferred: Tensor, other: Tensor, users: number): { mean: Tensor; logVariance: Tensor } {
  const g = scope.graph;
  const { representation } = layers(scope, 'encoder', op.concat(g, [preferred, other, op.sub(g, preferred, other)], 1), hidden.length === 0 ? [32] : hidden, 1);
  const pooled = op.mean(g, op.reshape(g, representation, [users, contextPairs, representation.shape[1] as number]), [1]);
  return { mean: dense(scope, 'encoder.mean', pooled, latent, 1), logVariance: op.clip(g, dense(scope, 'encoder.variance', pooled, latent, 0.1), -LOG_VARIANCE_MAX, LOG_VARIANCE_MAX) };
}

/** To length sqrt(d). */
function scaled(g: Graph, z: Tensor): Tensor {
  const width = z.shape[1] as number;
  const length = op.sqrt(g, op.add(g, op.reduceSum(g, op.square(g, z), [1], true), g.scalar(1e-8)));
  return op.mul(g, op.div(g, z, length), g.scalar(Math.sqrt(width)));
}

/** Unit rows of pairs with the preferred one first. */
export function ordered({ first, second, label }: { readonly first: Int32Array; readonly second: Int32Array; readonly label: Float32Array }, chosen: readonly number[]): [Int32Array, Int32Array] {
  const firstWins = (pair: number): boolean => (label[pair] as number) >= 0.5;
  return [Int32Array.from(chosen, (pair) => (firstWins(pair) ? first[pair] : second[pair]) as number), Int32Array.from(chosen, (pair) => (firstWins(pair) ? second[pair] : first[pair]) as number)];
}

/** Pairs of each user that has some, users in rising order. */
export function pairsByUser(count: number, userOf: (pair: number) => number): readonly (readonly number[])[] {
  const found = new Map<number, number[]>();
  for (let pair = 0; pair < count; pair++) {
    const user = userOf(pair);
    const list = found.get(user);
    if (list) list.push(pair);
    else found.set(user, [pair]);
  }
  return [...found].sort(([a], [b]) => a - b).map(([, list]) => list);
}
