/**
 * The loss against numbers from an independent computation in plain Python (loops over four transitions, no graph). The
 * second row is truncated with a value to bootstrap from, the third is not trained on, the last is the border.
 */
import { InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { actorCriticSchema } from '../../../proto/learning.js';
import { Graph, type Tensor } from '../../../workers/learner/graph/graph.js';
import { actorCriticLoss } from '../../../workers/learner/losses/actor-critic.js';

const VALUES = [0.1, -0.2, 0.3, 0.4];
const CASES = [
  {
    correction: 'v-trace',
    expected: { policyLoss: -1.4716987895455318, valueLoss: 1.0110520234247855, entropy: 0.68943895018164, targetMean: 1.3610651452257934, advantageMean: 1.308121223257893, clipFraction: 1, ratioMean: (1.9072163212057627 + 0.6749294037880016 + 1.2298015555784747) / 3 },
  },
  {
    correction: 'gae',
    expected: { policyLoss: -1.5697704683813472, valueLoss: 1.1674282933333335, entropy: 0.68943895018164, targetMean: 1.5292, advantageMean: 1.4292, clipFraction: 1, rewardMean: 1 },
  },
] as const;

async function metricsOf(correction: 'v-trace' | 'gae'): Promise<Record<string, number>> {
  const g = new Graph('case');
  const column = (...values: number[]): Tensor => g.constant(Float32Array.from(values), [4, 1]);
  const spec = actorCriticSchema.parse({ correction, discount: 0.9, lambda: 0.8, rhoMax: 1, cMax: 0.9, clipRatio: 0.2, valueClip: null, valueCoefficient: 0.5, entropyCoefficient: 0.01, advantageWhitening: false });
  const { metrics } = actorCriticLoss(g, spec, { kind: 'discrete', count: 2 }, g.constant(Float32Array.of(0.2, -0.1, 0, 0, 1, -1, 0.5, 0.5), [4, 2]), g.constant(Float32Array.from(VALUES), [4]), {
    action: g.constant(BigInt64Array.of(0n, 1n, 0n, 1n), [4]),
    behaviourLogProb: column(-1.2, -0.3, -0.5, -0.9),
    behaviourValue: column(...VALUES),
    bootstrapValue: column(0, 0.7, 0, 0.6),
    reward: column(1, 0, -0.5, 2),
    done: column(0, 1, 0, 0),
    weight: column(1, 1, 0, 1),
  });
  for (const [name, tensor] of Object.entries(metrics)) g.output(name, tensor);
  const session = await InferenceSession.create(g.build(), { intraOpNumThreads: 1 });
  const results = (await session.run({})) as Record<string, OrtTensor>;
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, (tensor.data as Float32Array)[0]!]));
}

describe('the actor-critic loss', () => {
  it.each(CASES)('with $correction has the parts that were computed apart', async ({ correction, expected }) => {
    const metrics = await metricsOf(correction);
    for (const [name, value] of Object.entries(expected)) expect(metrics[name], name).toBeCloseTo(value, 5);
    const { policyLoss, valueLoss, entropy } = expected;
    expect(metrics['loss']).toBeCloseTo(policyLoss + 0.5 * valueLoss - 0.01 * entropy, 5);
  });
});
