/** What one outlying importance ratio does to the gradient of a group policy gradient: the real loss on drawn batches. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { learnSchema, type GroupPolicyGradientSpec } from '../../proto/learning.js';
import { CounterRandom } from '../../proto/philox.js';
import { Graph, type Tensor as GraphTensor } from '../../workers/learner/graph/graph.js';
import { groupPolicyGradientLoss } from '../../workers/learner/losses/group-policy-gradient.js';
import { Draws } from '../../workers/text/draws.js';

const [ROWS, TOKENS] = [8, 4];
const BATCHES = 33;

export interface OutlierEffect {
  readonly loss: number;
  /** Norm of the gradient by the log-probabilities, divided by the median over batches without the outlier. */
  readonly normByMedian: number;
}

/**
 * @param ratio of the policy to the one that wrote, for one token of a completion with a negative advantage: the side that
 * the clip leaves open
 */
export async function outlierEffect(estimator: GroupPolicyGradientSpec['estimator'], ratio: number): Promise<OutlierEffect> {
  const norms: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) norms.push((await gradientOf(estimator, batch, null)).norm);
  const median = norms.sort((a, b) => a - b)[(BATCHES - 1) / 2] as number;
  const { loss, norm } = await gradientOf(estimator, 0, ratio);
  return { loss, normByMedian: norm / median };
}

async function gradientOf(estimator: GroupPolicyGradientSpec['estimator'], batch: number, ratio: number | null): Promise<{ readonly loss: number; readonly norm: number }> {
  const draws = new Draws(new CounterRandom(42, 'tokenSampling'), batch);
  const logProbs = Float32Array.from({ length: ROWS * TOKENS }, () => -2 * draws.uniform());
  const behaviour = logProbs.map((value) => value + 0.2 * (draws.uniform() - 0.5));
  // Half of the group was better than its mean, half was worse; the first row is one of the worse.
  const advantages = Float32Array.from({ length: ROWS }, (_, row) => (row % 2 === 0 ? -1 : 1));
  if (ratio !== null) behaviour[0] = (logProbs[0] as number) - Math.log(ratio);
  const g = new Graph('outlier');
  const logProb = g.parameter('log_prob', [ROWS, TOKENS]);
  const given = (shape: readonly number[], values: Float32Array): GraphTensor => g.constant(values, [...shape]);
  const { loss } = groupPolicyGradientLoss(g, learnSchema.parse({ kind: 'group-policy-gradient', estimator }) as GroupPolicyGradientSpec, TOKENS, {
    logProb,
    entropy: given([ROWS, TOKENS], new Float32Array(ROWS * TOKENS)),
    behaviourLogProb: given([ROWS, TOKENS], behaviour),
    referenceLogProb: null,
    advantage: given([ROWS], advantages),
    mask: given([ROWS, TOKENS], new Float32Array(ROWS * TOKENS).fill(1)),
    weight: given([ROWS], new Float32Array(ROWS).fill(1)),
  });
  g.output('loss', loss);
  g.output('gradient', g.gradients(loss, [logProb])[0] as GraphTensor);
  const session = await InferenceSession.create(g.build(), { executionProviders: ['cpu'], intraOpNumThreads: 1 });
  try {
    const results = await session.run({ log_prob: new Tensor('float32', logProbs, [ROWS, TOKENS]) });
    const gradient = results['gradient']?.data as Float32Array;
    return { loss: (results['loss']?.data as Float32Array)[0] as number, norm: Math.hypot(...gradient) };
  } finally {
    await session.release();
  }
}
