/** Losses over completions and advantages within groups, against TRL and PyTorch: test/reference/text/make_fixtures.py. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { learnSchema, type GroupPolicyGradientSpec } from '../../../proto/learning.js';
import { Graph, type Tensor } from '../../../workers/learner/graph/graph.js';
import { groupPolicyGradientLoss } from '../../../workers/learner/losses/group-policy-gradient.js';
import { weightedLikelihoodLoss } from '../../../workers/learner/losses/weighted-likelihood.js';
import { advantagesOf, isEqualGroup } from '../../../workers/learner/text/advantages.js';
import { bestOfGroup, exponential, steerLm2 } from '../../../workers/learner/text/likelihood-weights.js';
import { distance, readFixture } from '../learner/transformer-support.js';

interface Fixture {
  readonly inputs: { readonly logProb: number[][]; readonly behaviourLogProb: number[][]; readonly referenceLogProb: number[][]; readonly mask: number[][]; readonly advantage: number[]; readonly completionTokensMax: number };
  readonly losses: Readonly<Record<string, Partial<GroupPolicyGradientSpec> & { readonly loss: number; readonly gradient: number[][] }>>;
  readonly likelihoods: Readonly<Record<string, { readonly weights: number[]; readonly loss: number; readonly gradient: number[][] }>>;
  readonly advantages: Readonly<Record<string, { readonly rewards: number[]; readonly group: number; readonly penalties?: number[]; readonly advantages: number[] }>>;
}

const fixture = readFixture<Fixture>('text/losses.json');
const { inputs } = fixture;
const [rows, tokens] = [inputs.mask.length, inputs.mask[0]!.length];

/** Loss, and its gradient by the log-probabilities, of a graph over given arrays. */
async function run(build: (g: Graph, logProb: Tensor) => Tensor): Promise<{ loss: number; gradient: Float32Array }> {
  const g = new Graph('case');
  const logProb = g.parameter('log_prob', [rows, tokens]);
  const loss = build(g, logProb);
  g.output('loss', loss);
  g.output('gradient', g.gradients(loss, [logProb])[0]!);
  const session = await InferenceSession.create(g.build(), { intraOpNumThreads: 1 });
  const results = await session.run({ log_prob: new OrtTensor('float32', Float32Array.from(inputs.logProb.flat()), [rows, tokens]) });
  await session.release();
  return { loss: (results['loss']!.data as Float32Array)[0]!, gradient: results['gradient']!.data as Float32Array };
}

function relative(a: ArrayLike<number>, b: readonly number[]): number {
  return distance(a, b) / Math.max(1, ...b.map(Math.abs));
}

const grid = (g: Graph, values: readonly (readonly number[])[]): Tensor => g.constant(Float32Array.from(values.flat()), [rows, tokens]);
const column = (g: Graph, values: readonly number[]): Tensor => g.constant(Float32Array.from(values), [rows]);

describe('the group policy gradient', () => {
  it.each(Object.entries(fixture.losses))('has the loss and the gradient of TRL: %s', async (_name, { loss, gradient, ...changes }) => {
    const spec = { ...(learnSchema.parse({ kind: 'group-policy-gradient' }) as GroupPolicyGradientSpec), ...changes };
    const ours = await run((g, logProb) => {
      const referenceLogProb = spec.klCoefficient > 0 ? grid(g, inputs.referenceLogProb) : null;
      const given = { logProb, entropy: grid(g, inputs.mask), behaviourLogProb: grid(g, inputs.behaviourLogProb), referenceLogProb, advantage: column(g, inputs.advantage), mask: grid(g, inputs.mask), weight: column(g, inputs.advantage.map(() => 1)) };
      return groupPolicyGradientLoss(g, spec, inputs.completionTokensMax, given).loss;
    });
    expect(Math.abs(ours.loss - loss) / Math.max(1, Math.abs(loss))).toBeLessThan(1e-5);
    expect(relative(ours.gradient, gradient.flat())).toBeLessThan(1e-5);
  });

  it('does not see a completion of weight 0', async () => {
    const spec = learnSchema.parse({ kind: 'group-policy-gradient', aggregation: 'token' }) as GroupPolicyGradientSpec;
    const lossOf = async (advantage: readonly number[]): Promise<Float32Array> => {
      const weight = [1, 1, 0, 1, 1, 1];
      const { gradient } = await run((g, logProb) => groupPolicyGradientLoss(g, spec, 8, { logProb, entropy: grid(g, inputs.mask), behaviourLogProb: grid(g, inputs.behaviourLogProb), referenceLogProb: null, advantage: column(g, advantage), mask: grid(g, inputs.mask), weight: column(g, weight) }).loss);
      return gradient;
    };
    const one = await lossOf(inputs.advantage);
    const other = await lossOf(inputs.advantage.map((value, row) => (row === 2 ? 100 : value)));
    expect(distance(other, [...one])).toBe(0);
    expect([...one.slice(2 * tokens, 3 * tokens)].every((value) => value === 0)).toBe(true);
  });

  it('bounds what one outlying ratio of 1e6 does where StableReinforce is asked for, and without it does not', () => {
    const most = (name: string): number => Math.max(...fixture.losses[name]!.gradient.flat().map(Math.abs));
    // A ratio beyond the bound has no gradient; the plain clip lets it through where the advantage is negative.
    expect(most('StableReinforce')).toBeLessThan(1);
    expect(most('grpo')).toBeGreaterThan(1e4);
  });
});

describe('weighted likelihood', () => {
  it.each(Object.entries(fixture.likelihoods))('has the loss and the gradient of PyTorch: %s', async (_name, { weights, loss, gradient }) => {
    const ours = await run((g, logProb) => weightedLikelihoodLoss(g, { logProb, entropy: grid(g, inputs.mask), mask: grid(g, inputs.mask), weight: column(g, weights) }).loss);
    expect(ours.loss).toBeCloseTo(loss, 5);
    expect(relative(ours.gradient, gradient.flat())).toBeLessThan(1e-5);
  });

  it('weighs by hand-computed numbers', () => {
    expect(bestOfGroup([1, 3, NaN, 3])).toEqual([0, 0.5, 0, 0.5]);
    const [low, high] = exponential([0, Math.log(3)], 1) as [number, number];
    expect([low, high]).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)]);
    // Both completions are as likely under all three policies, so the reward alone decides: softmax(0, ln 3) - (1/2, 1/2).
    const same = { behaviour: -2, reference: -2, current: -2 };
    expect(steerLm2([0, Math.log(3)], [same, same])).toEqual([expect.closeTo(-0.25, 12), expect.closeTo(0.25, 12)]);
  });
});

describe('the weights of SteerLM 2.0', () => {
  it('have their rest where the policy is the prior times the likelihood of the attributes', () => {
    const prior = [0.5, 0.3, 0.2];
    const rewards = [Math.log(0.2), Math.log(0.5), Math.log(0.9)];
    const joint = prior.map((p, index) => p * Math.exp(rewards[index]!));
    const target = joint.map((value) => value / joint.reduce((sum, one) => sum + one));
    let logits = prior.map(Math.log);
    for (let step = 0; step < 400; step++) {
      const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
      const logProbs = logits.map((logit, index) => ({ current: logit - total, reference: Math.log(prior[index]!), behaviour: Math.log(1 / 3) }));
      const weights = steerLm2(rewards, logProbs);
      logits = logits.map((logit, index) => logit + weights[index]!);
    }
    const sum = logits.reduce((all, logit) => all + Math.exp(logit), 0);
    expect(distance(logits.map((logit) => Math.exp(logit) / sum), target)).toBeLessThan(1e-6);
  });
});

describe('advantages', () => {
  it.each(Object.entries(fixture.advantages))('are those of PyTorch: %s', (estimator, { rewards, group, penalties, advantages }) => {
    expect(distance(advantagesOf(estimator as GroupPolicyGradientSpec['estimator'], rewards, group, penalties ?? null), advantages)).toBeLessThan(1e-9);
  });

  it('are 0 in a group of equal rewards, and unknown where the reward is; an unknown reward has no say in the mean', () => {
    expect(advantagesOf('grpo', [2, 2, 2], 3, null)).toEqual([0, 0, 0]);
    expect(advantagesOf('dr-grpo', [1, NaN, 3], 3, null)).toEqual([-1, NaN, 1]);
    expect(advantagesOf('rloo', [5, NaN], 2, null)).toEqual([0, NaN]);
    expect([isEqualGroup([1, NaN, 1]), isEqualGroup([1, 2])]).toEqual([true, false]);
  });
});
