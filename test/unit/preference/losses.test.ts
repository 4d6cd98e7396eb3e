/** Every loss and its gradient against PyTorch (test/reference/preference/make_preference_fixtures.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';
import { constrainedLoss } from '../../../workers/learner/losses/constrained.js';
import { dpoLoss, dynamicBeta, ipoLoss, modpoLoss, multiHeadDpoLoss } from '../../../workers/learner/losses/preference.js';
import { sampledLikelihoodLoss, steerLossOf } from '../../../workers/learner/losses/sampled-likelihood.js';
import { adversarialLoss, bradleyTerryLoss, maskedRegressionLoss, mixtureLoss, normalDivergence, tripletLoss } from '../../../workers/reward/fits/losses.js';

interface Case {
  readonly name: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, { readonly shape: number[]; readonly values: number[] }>>;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
}

const { cases } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'preference', 'losses.json'), 'utf8')) as { cases: Case[] };
const TOLERANCE = 1e-5;

type Inputs = Readonly<Record<string, Tensor>>;

function lossOf(g: Graph, { name, settings, inputs }: Case, tensors: Inputs): Tensor {
  const t = (key: string): Tensor => tensors[key] as Tensor;
  const n = (key: string): number => settings[key] as number;
  switch (name.split(' ')[0]) {
    case 'bradleyTerry':
      return bradleyTerryLoss(g, t('difference'), t('probability'));
    case 'bradleyTerryTies':
      return bradleyTerryLoss(g, t('difference'), t('probability'), n('k'));
    case 'regression':
      return maskedRegressionLoss(g, t('predicted'), t('rating'), t('mask'));
    case 'mixture':
      return mixtureLoss(g, t('differences'), op.logSoftmax(g, t('logits')), t('probability'), n('entropy'));
    case 'divergence':
      return normalDivergence(g, t('mean'), t('log_variance'));
    case 'dpo':
      return dpoLoss(g, t('difference'), t('probability'), n('beta'));
    case 'ipo':
      return ipoLoss(g, t('difference'), t('probability'), n('beta'));
    case 'modpo':
      return modpoLoss(g, t('difference'), t('probability'), t('margin'), n('beta'), n('first_weight'));
    case 'multiHead':
      return multiHeadDpoLoss(g, t('differences'), t('probability'), t('own'), n('beta'));
    case 'dynamic': {
      const betas = inputs['margin']!.values.map((margin) => dynamicBeta(margin, n('beta'), n('w'), n('k')));
      return dpoLoss(g, t('difference'), t('probability'), g.constant(Float32Array.from(betas), [betas.length]));
    }
    case 'steer':
      return steerLossOf(g, t('log_prob'), t('log_sampler'), t('log_target'));
    case 'constrained': {
      const returns = [0, 1].map((index) => op.reshape(g, op.slice(g, t('returns'), 0, index, index + 1), []));
      return constrainedLoss(g, { returns, divergence: op.reshape(g, t('divergence'), []), mu: t('mu'), multiplier: 'tanh', thresholds: [n('theta'), n('theta')], divergenceWeight: 0 });
    }
    case 'triplet':
      return tripletLoss(g, t('anchor'), t('positive'), t('negative'), n('margin'));
    case 'adversarial':
      return adversarialLoss(g, t('f'), t('log_policy'), t('expert'), t('policy'));
    case 'likelihood':
      return sampledLikelihoodLoss(g, t('log_prob'), t('weight'));
    default:
      throw new Error(`no loss for the case ${name}`);
  }
}

describe('a loss gives what PyTorch gives, and its gradient too', () => {
  it.each(cases)('$name', async (one) => {
    const g = new Graph('loss');
    // Only what PyTorch differentiated is a parameter here; labels and masks are inputs.
    const tensors = Object.fromEntries(Object.entries(one.inputs).map(([key, { shape }]) => [key, key in one.gradients ? g.parameter(key, shape) : g.input(key, shape)]));
    const loss = lossOf(g, one, tensors);
    const tracked = Object.keys(one.gradients).filter((key) => tensors[key]?.tracked === true);
    const gradients = g.gradients(loss, tracked.map((key) => tensors[key] as Tensor));
    g.output('loss', loss);
    tracked.forEach((key, index) => g.output(`gradient.${key}`, gradients[index] as Tensor));
    const session = await InferenceSession.create(g.build());
    const feeds = Object.fromEntries(Object.entries(one.inputs).map(([key, { shape, values }]) => [key, new OrtTensor('float32', Float32Array.from(values), shape)]));
    const results = await session.run(feeds);
    const near = (found: number, wanted: number): void => expect(Math.abs(found - wanted)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(wanted)));
    near((results['loss'] as OrtTensor).data[0] as number, one.loss);
    expect(tracked.length).toBeGreaterThan(0);
    for (const key of tracked) one.gradients[key]!.forEach((wanted, index) => near((results[`gradient.${key}`] as OrtTensor).data[index] as number, wanted));
    await session.release();
  });

  it('covers every loss of this kind', () => {
    expect(cases).toHaveLength(18);
  });
});
