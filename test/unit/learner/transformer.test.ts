/** The transformer against PyTorch: test/reference/transformer_reference.py made the fixtures. */
import { InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';
import { freshTrainerState, LossSession, parameterFeeds, type Objective } from '../../../workers/learner/loss-session.js';
import { Scope } from '../../../workers/learner/networks/scope.js';
import { transformerSpec } from '../../../workers/learner/transformer/specification.js';
import { tokenLogProbs } from '../../../workers/learner/transformer/token-log-probs.js';
import { Transformer } from '../../../workers/learner/transformer/transformer.js';
import { distance, fixtureParameters, integers, numbers, readFixture, TRANSFORMER_FIXTURES, type TransformerFixture } from './transformer-support.js';

/** Mean negative log-probability of the tokens that the mask lets through. */
function likelihood(transformer: Transformer, batch: number, length: number): Objective {
  return {
    parameters: transformer.parameters,
    build: (g, scope) => {
      const features = transformer.features(scope, g.input('tokens', [batch, length], 'int64'));
      const { logProb } = tokenLogProbs(g, transformer.logits(scope, features), g.input('targets', [batch, length], 'int64'));
      const mask = g.input('mask', [batch, length]);
      return { loss: op.neg(g, op.div(g, op.reduceSum(g, op.mul(g, logProb, mask)), op.reduceSum(g, mask))), metrics: {} };
    },
  };
}

describe.each(TRANSFORMER_FIXTURES)('the transformer %s', (name) => {
  const fixture = readFixture<TransformerFixture>(`transformer/${name}.json`);
  const transformer = new Transformer(fixture.spec);
  const parameters = fixtureParameters(transformer);
  const [batch, length] = [fixture.tokens.length, fixture.tokens[0]!.length];

  it('gives the logits of PyTorch', async () => {
    const g = new Graph('case');
    const scope = new Scope(g);
    g.output('logits', transformer.logits(scope, transformer.features(scope, g.input('tokens', [batch, length], 'int64'))));
    const session = await InferenceSession.create(g.build(), { intraOpNumThreads: 1 });
    const { logits } = (await session.run({ tokens: integers(fixture.tokens), ...parameterFeeds(transformer.parameters, parameters) })) as Record<string, OrtTensor>;
    await session.release();
    expect(distance(logits!.data as Float32Array, fixture.logits)).toBeLessThan(1e-5);
  });

  it('makes the step of Adam that PyTorch makes', async () => {
    const session = await LossSession.create(likelihood(transformer, batch, length), fixture.adam);
    const feeds = { tokens: integers(fixture.tokens), targets: integers(fixture.targets), mask: numbers(fixture.mask) };
    const { state, metrics } = await session.step(freshTrainerState(parameters), feeds);
    await session.release();
    expect(metrics['loss']).toBeCloseTo(fixture.loss, 5);
    expect(Math.abs(metrics['gradientNorm']! / fixture.gradientNorm - 1)).toBeLessThan(1e-5);
    for (const { name } of transformer.parameters) {
      // After the first step the first moment is a tenth of the gradient.
      expect(distance(state.first[name]!.map((value) => 10 * value), fixture.clippedGradients[name]!), `gradient of ${name}`).toBeLessThan(1e-5);
      expect(distance(state.parameters[name]!, fixture.next[name]!), name).toBeLessThan(1e-5);
    }
  });
});

describe('a transformer', () => {
  it('does not see what stands behind a token, nor other sequences', async () => {
    const transformer = new Transformer(transformerSpec('tiny', 7, 6));
    const g = new Graph('case');
    const scope = new Scope(g);
    g.output('logits', transformer.logits(scope, transformer.features(scope, g.input('tokens', [2, 5], 'int64'))));
    const session = await InferenceSession.create(g.build(), { intraOpNumThreads: 1 });
    const parameters = parameterFeeds(transformer.parameters, transformer.initialParameters(3));
    const logitsOf = async (tokens: number[][]): Promise<Float32Array> => ((await session.run({ tokens: integers(tokens), ...parameters })) as Record<string, OrtTensor>)['logits']!.data as Float32Array;
    const one = await logitsOf([[1, 2, 3, 4, 5], [6, 5, 4, 3, 2]]);
    const other = await logitsOf([[1, 2, 3, 0, 0], [0, 0, 0, 0, 0]]);
    await session.release();
    expect(one.slice(0, 3 * 7)).toEqual(other.slice(0, 3 * 7));
    expect(one.slice(3 * 7, 4 * 7)).not.toEqual(other.slice(3 * 7, 4 * 7));
  });

  it.each([
    ['a width that the heads cannot share', { width: 30, heads: 4 }],
    ['rotary heads of an odd width', { width: 12, heads: 4 }],
    ['no layers', { layers: 0 }],
  ])('refuses %s', (_, changes) => {
    expect(() => new Transformer(transformerSpec('tiny', 7, 6, changes))).toThrow(/expected/);
  });
});
