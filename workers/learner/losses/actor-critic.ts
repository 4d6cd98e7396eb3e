/**
 * The actor-critic loss over T x B transitions. V-trace: Espeholt et al., IMPALA, arXiv 1802.01561, equation 1; GAE:
 * Schulman et al., arXiv 1506.02438, equation 16; clipped ratio: Schulman et al., PPO, arXiv 1707.06347, equation 7.
 */
import type { ActorCriticSpec } from '../../../proto/learning.js';
import type { ActionSpace } from '../../rollout/environments/environment.js';
import type { Graph, Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Loss } from '../loss-session.js';

export interface LossInputs {
  /** int64 [T*B], or f32 [T*B, size]. */
  readonly action: Tensor;
  /** The rest is f32 [T, B]; values and rewards [T, B, H] where there are H > 1 value functions. */
  readonly behaviourLogProb: Tensor;
  readonly behaviourValue: Tensor;
  /** Value of the successor where the next row is not it: truncated rows and the last row; 0 where terminated. */
  readonly bootstrapValue: Tensor;
  readonly reward: Tensor;
  /** 1 where the episode ended at this row. */
  readonly done: Tensor;
  /** 0: not trained on. */
  readonly weight: Tensor;
}

const DEVIATION_FLOOR = 1e-3;

export function actorCriticLoss(g: Graph, spec: ActorCriticSpec, space: ActionSpace, distribution: Tensor, value: Tensor, inputs: LossInputs, discounts: readonly number[] = [spec.discount]): Loss {
  const [steps, batch] = inputs.done.shape as [number, number];
  const grid = (x: Tensor): Tensor => op.reshape(g, x, [steps, batch]);
  const { logProb, entropy } = actionTerms(g, space, distribution, inputs.action);
  const logRatio = op.sub(g, grid(logProb), inputs.behaviourLogProb);
  const ratio = op.exp(g, op.clip(g, logRatio, -20, 20));
  const heads = discounts.map((discount, head) => valueHead(g, spec, discount, g.stop(ratio), grid, headOf(g, head, discounts.length, value, inputs)));
  const total = (part: (head: ValueHead) => Tensor): Tensor => heads.map(part).reduce((sum, one) => op.add(g, sum, one));
  const advantage = total((head) => head.advantage);
  const target = total((head) => head.target);
  const values = total((head) => head.values);

  const weightSum = op.maximum(g, op.reduceSum(g, inputs.weight), g.scalar(1));
  const average = (x: Tensor): Tensor => op.div(g, op.reduceSum(g, op.mul(g, x, inputs.weight)), weightSum);
  const deviation = (x: Tensor): Tensor => {
    const centred = op.sub(g, x, average(x));
    return op.sqrt(g, average(op.mul(g, centred, centred)));
  };
  const used = spec.advantageWhitening ? op.div(g, op.sub(g, advantage, average(advantage)), op.maximum(g, deviation(advantage), g.scalar(DEVIATION_FLOOR))) : advantage;

  const policyLoss = clippedPolicyLoss(g, spec, ratio, used, average);
  const valueLoss = op.mul(g, average(total((head) => head.error)), g.scalar(0.5));
  const entropyMean = average(grid(entropy));
  const loss = op.sub(g, op.add(g, policyLoss, op.mul(g, valueLoss, g.scalar(spec.valueCoefficient))), op.mul(g, entropyMean, g.scalar(spec.entropyCoefficient)));

  const targetDeviation = deviation(target);
  const residual = deviation(op.sub(g, target, g.stop(values)));
  const explained = op.sub(g, g.scalar(1), op.div(g, op.mul(g, residual, residual), op.maximum(g, op.mul(g, targetDeviation, targetDeviation), g.scalar(1e-8))));
  return {
    loss,
    metrics: {
      loss,
      policyLoss,
      valueLoss,
      entropy: entropyMean,
      ...ratioMetrics(g, spec, ratio, logRatio, average),
      valueMean: average(values),
      targetMean: average(target),
      advantageMean: average(advantage),
      rewardMean: average(total((head) => head.reward)),
      explainedVariance: explained,
    },
  };
}

/** The clipped surrogate (PPO, equation 7), and how far ratios are from 1. */
export function clippedPolicyLoss(g: Graph, { clipRatio }: ActorCriticSpec, ratio: Tensor, advantage: Tensor, average: (x: Tensor) => Tensor): Tensor {
  const clipped = op.clip(g, ratio, 1 - clipRatio, 1 + clipRatio);
  return op.neg(g, average(op.minimum(g, op.mul(g, ratio, advantage), op.mul(g, clipped, advantage))));
}

export function ratioMetrics(g: Graph, { clipRatio }: ActorCriticSpec, ratio: Tensor, logRatio: Tensor, average: (x: Tensor) => Tensor): Record<'approximateKl' | 'clipFraction' | 'ratioMean', Tensor> {
  const outside = op.sub(g, g.scalar(1), op.cast(g, op.compare(g, 'LessOrEqual', op.absolute(g, op.sub(g, ratio, g.scalar(1))), g.scalar(clipRatio)), 'float32'));
  return {
    // (r - 1) - log r, Schulman's low-variance estimate of KL(behaviour | policy).
    approximateKl: average(op.sub(g, op.sub(g, ratio, g.scalar(1)), logRatio)),
    clipFraction: average(outside),
    ratioMean: average(ratio),
  };
}

/** Log-probability of what was done, and entropy, of T*B rows. */
export function actionTerms(g: Graph, space: ActionSpace, distribution: Tensor, action: Tensor): { logProb: Tensor; entropy: Tensor } {
  return space.kind === 'discrete' ? categorical(g, distribution, action) : gaussian(g, distribution, action, space.size);
}

/** What one value function adds to the loss; all [T, B]. */
interface ValueHead {
  readonly values: Tensor;
  readonly reward: Tensor;
  readonly advantage: Tensor;
  readonly target: Tensor;
  /** Squared error of the values, clipped where the job asks for it. */
  readonly error: Tensor;
}

/** The columns of one value function. */
function headOf(g: Graph, head: number, count: number, value: Tensor, inputs: LossInputs): { value: Tensor; inputs: LossInputs } {
  if (count === 1) return { value, inputs };
  const grid = (x: Tensor): Tensor => op.reshape(g, op.slice(g, x, 2, head, head + 1), inputs.done.shape);
  return {
    value: op.slice(g, value, 1, head, head + 1),
    inputs: { ...inputs, behaviourValue: grid(inputs.behaviourValue), bootstrapValue: grid(inputs.bootstrapValue), reward: grid(inputs.reward) },
  };
}

function valueHead(g: Graph, spec: ActorCriticSpec, discount: number, ratio: Tensor, grid: (x: Tensor) => Tensor, { value, inputs }: { value: Tensor; inputs: LossInputs }): ValueHead {
  const values = grid(value);
  const { advantage, target } = targets(g, { ...spec, discount }, g.stop(values), ratio, inputs, inputs.done.shape[0] as number);
  const squared = (x: Tensor): Tensor => op.mul(g, op.sub(g, x, target), op.sub(g, x, target));
  const plain = squared(values);
  const error =
    spec.valueClip === null
      ? plain
      : op.maximum(g, plain, squared(op.add(g, inputs.behaviourValue, op.clip(g, op.sub(g, values, inputs.behaviourValue), -spec.valueClip, spec.valueClip))));
  return { values, reward: inputs.reward, advantage, target, error };
}

/** Advantages and value targets [T, B], without gradient. */
function targets(g: Graph, spec: ActorCriticSpec, currentValues: Tensor, ratio: Tensor, inputs: LossInputs, steps: number): { advantage: Tensor; target: Tensor } {
  const offPolicy = spec.correction === 'v-trace';
  const row = (x: Tensor, step: number): Tensor => g.stop(op.slice(g, x, 0, step, step + 1));
  const values = offPolicy ? currentValues : inputs.behaviourValue;
  const gamma = g.scalar(spec.discount);
  const advantages: Tensor[] = [];
  const corrected: Tensor[] = [];
  // vs(t+1) and V(t+1) of the row after; behind the last row there is none.
  let nextCorrected: Tensor | null = null;
  let nextValue: Tensor | null = null;
  for (let step = steps - 1; step >= 0; step--) {
    const value = row(values, step);
    const reward = row(inputs.reward, step);
    const bootstrap = row(inputs.bootstrapValue, step);
    const goesOn = op.sub(g, g.scalar(1), row(inputs.done, step));
    const rho = offPolicy ? op.minimum(g, row(ratio, step), g.scalar(spec.rhoMax)) : g.scalar(1);
    const trace = offPolicy ? op.mul(g, op.minimum(g, row(ratio, step), g.scalar(spec.cMax)), g.scalar(spec.lambda)) : g.scalar(spec.lambda);
    const successorValue = nextValue === null ? bootstrap : op.choose(g, goesOn, nextValue, bootstrap);
    const delta = op.mul(g, rho, op.sub(g, op.add(g, reward, op.mul(g, gamma, successorValue)), value));
    const carried = nextCorrected === null || nextValue === null ? null : op.mul(g, op.mul(g, gamma, op.mul(g, trace, goesOn)), op.sub(g, nextCorrected, nextValue));
    const difference = carried === null ? delta : op.add(g, delta, carried);
    const own = op.add(g, value, difference);
    const successorCorrected = nextCorrected === null ? bootstrap : op.choose(g, goesOn, nextCorrected, bootstrap);
    advantages.unshift(offPolicy ? op.mul(g, rho, op.sub(g, op.add(g, reward, op.mul(g, gamma, successorCorrected)), value)) : difference);
    corrected.unshift(own);
    nextCorrected = own;
    nextValue = value;
  }
  return { advantage: g.stop(op.concat(g, advantages, 0)), target: g.stop(op.concat(g, corrected, 0)) };
}

function categorical(g: Graph, logits: Tensor, action: Tensor): { logProb: Tensor; entropy: Tensor } {
  const logProbs = op.logSoftmax(g, logits);
  return { logProb: op.pick(g, logProbs, action), entropy: op.neg(g, op.reduceSum(g, op.mul(g, op.exp(g, logProbs), logProbs), [1])) };
}

/** Diagonal normal: the first `size` numbers are means, the rest logarithms of deviations. */
function gaussian(g: Graph, parameters: Tensor, action: Tensor, size: number): { logProb: Tensor; entropy: Tensor } {
  const mean = op.slice(g, parameters, 1, 0, size);
  const logDeviation = op.slice(g, parameters, 1, size, 2 * size);
  const scaled = op.div(g, op.sub(g, action, mean), op.exp(g, logDeviation));
  const half = op.mul(g, op.mul(g, scaled, scaled), g.scalar(0.5));
  const constant = 0.5 * Math.log(2 * Math.PI);
  const each = op.neg(g, op.add(g, op.add(g, half, logDeviation), g.scalar(constant)));
  return { logProb: op.reduceSum(g, each, [1]), entropy: op.reduceSum(g, op.add(g, logDeviation, g.scalar(0.5 + constant)), [1]) };
}
