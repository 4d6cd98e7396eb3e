/** A tabular policy by weighted likelihood of its own samples: SFT, best of n, RWR, SteerLM 2.0. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { PolicyLearnSpecOf } from '../../../proto/preference-sources.js';
import { CounterRandom } from '../../../proto/philox.js';
import type { Graph } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import { steerLossOf, sampledLikelihoodLoss } from '../../learner/losses/sampled-likelihood.js';
import type { Scope } from '../../learner/networks/scope.js';
import { unitNumbers, type Dataset } from '../../preference/dataset.js';
import { floats, objectiveOf, type Fit, type FitContext } from './fit.js';
import { tableOf, tabularFile, tabularLogProbs, type PolicyTable } from './tabular-policy.js';

type WeightedSpec = PolicyLearnSpecOf<'weighted-mle'>;

/** A row of a batch is a prompt; its samples are drawn from the reference. */
export async function weightedPolicyFit(spec: WeightedSpec, { data, seed, score }: FitContext): Promise<Fit> {
  const { batch, samples } = spec;
  const table = tableOf(data);
  const reward = spec.reward === null ? null : (await score(spec.reward)).values;
  const random = new CounterRandom(seed, 'fit');
  const objective = objectiveOf((g: Graph, scope: Scope) => {
    const flat = op.embedding(g, tabularLogProbs(scope, table, 1), g.input('rows', [batch * samples], 'int64'));
    const logProb = op.reshape(g, flat, [batch, samples]);
    const loss = spec.weights === 'steerlm2' ? steerLossOf(g, logProb, g.input('logSampler', [batch, samples]), g.input('logTarget', [batch, samples])) : sampledLikelihoodLoss(g, logProb, g.input('weight', [batch, samples]));
    return { loss, metrics: { logProb: op.mean(g, g.stop(logProb)) } };
  }, spec.weightDecay);
  const logTarget = spec.weights === 'steerlm2' ? targetOf(spec, data, table, reward as Float32Array) : null;
  return {
    objective,
    rows: table.prompts,
    feeds(prompts, step) {
      const drawn = Int32Array.from({ length: batch * samples }, (_, index) => {
        const row = Math.floor(index / samples);
        return drawAnswer(table, prompts[row] as number, random.uniform(step, row, 5, index % samples));
      });
      const each = (value: (row: number) => number): Float32Array => Float32Array.from(drawn, value);
      const rows = new OrtTensor('int64', BigInt64Array.from(drawn, BigInt), [batch * samples]);
      if (logTarget !== null) return { rows, logSampler: floats(each((row) => table.logReference[row] as number), [batch, samples]), logTarget: floats(each((row) => logTarget[row] as number), [batch, samples]) };
      return { rows, weight: floats(weightsOf(spec, each((row) => reward?.[row] ?? 0), samples), [batch, samples]) };
    },
    files: (parameters) => ({ model: tabularFile(parameters, table, 1) }),
  };
}

/** log P(a | x, y) + log P(y | x): the attribute is normal around what the source says of the answer. */
function targetOf({ deviation }: WeightedSpec, data: Dataset, { logReference }: PolicyTable, attribute: Float32Array): Float32Array {
  const requested = unitNumbers(data, 'requested');
  return logReference.map((log, row) => log - ((requested[row] as number) - (attribute[row] as number)) ** 2 / (2 * deviation ** 2));
}

function drawAnswer({ actions, logReference }: PolicyTable, prompt: number, uniform: number): number {
  let mass = 0;
  for (let action = 0; action < actions; action++) {
    mass += Math.exp(logReference[prompt * actions + action] as number);
    if (uniform < mass) return prompt * actions + action;
  }
  return prompt * actions + actions - 1;
}

/** [B, n] from the rewards of the samples. */
export function weightsOf({ weights, temperature }: Pick<WeightedSpec, 'weights' | 'temperature'>, rewards: Float32Array, samples: number): Float32Array {
  const out = new Float32Array(rewards.length);
  for (let from = 0; from < rewards.length; from += samples) {
    const own = rewards.subarray(from, from + samples);
    const highest = Math.max(...own);
    if (weights === 'best') out[from + own.indexOf(highest)] = 1;
    else if (weights === 'exponential') {
      const raw = own.map((reward) => Math.exp((reward - highest) / temperature));
      const sum = raw.reduce((total, one) => total + one, 0);
      out.set(raw.map((one) => one / sum), from);
    } else out.fill(1 / samples, from, from + samples);
  }
  return out;
}
