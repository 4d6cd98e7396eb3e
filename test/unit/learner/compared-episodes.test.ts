/** Episodes compared in groups, by hand: two episodes of two steps one after another in each of four columns, groups of two. */
import { InferenceSession, type Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { actorCriticSchema } from '../../../proto/learning.js';
import { comparedEpisodes, type Episodes } from '../../../workers/learner/compared-episodes.js';
import { Graph } from '../../../workers/learner/graph/graph.js';
import { groupedEpisodesLoss } from '../../../workers/learner/losses/grouped-episodes.js';

const GRID = { steps: 4, episodeSteps: 2, groupSize: 2 } as const;
// Rows are steps, columns environments. Returns: first episodes 1 and 4 | 2 and 2, second ones 0 and 1 | 5 and 0.
const batch: Episodes = {
  reward: Float32Array.of(1, 3, 0, 1, /**/ 0, 1, 2, 1, /**/ 0, 0.5, 5, 0, /**/ 0, 0.5, 0, 0),
  done: Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1),
  weight: new Float32Array(16).fill(1),
};

describe('episodes compared in groups', () => {
  it('rloo: each step has the sum of its episode less that of the other one', () => {
    const { advantage, weight, metrics } = comparedEpisodes({ correction: 'rloo' }, batch, GRID);
    const rows = [[-3, 3, 0, 0], [-1, 1, 5, -5]];
    expect([...advantage]).toEqual([...rows[0]!, ...rows[0]!, ...rows[1]!, ...rows[1]!]);
    expect([...weight]).toEqual(new Array(16).fill(1));
    expect(metrics).toEqual({ returnMean: 15 / 8, rewardMean: 15 / 16, equalGroups: 0.25 });
  });

  it('grpo: (R - mean) / deviation, and nothing where all are equal', () => {
    const { advantage } = comparedEpisodes({ correction: 'grpo' }, batch, GRID);
    // Two values are 1 / sqrt 2 deviations (with n - 1) from their mean, whatever they are.
    const [low, high] = [-Math.SQRT1_2, Math.SQRT1_2];
    [low, high, 0, 0, low, high, 0, 0, low, high, high, low, low, high, high, low].forEach((value, row) => expect(advantage[row]).toBeCloseTo(value, 5));
  });

  it('an episode with an unknown reward, or cut in the middle, is not trained on and no measure for others', () => {
    const unknown = comparedEpisodes({ correction: 'rloo' }, { ...batch, weight: batch.weight.map((one, row) => (row === 4 ? 0 : one)) }, { ...GRID, groupSize: 4 });
    // Left of the first episodes: 4, 2, 2.
    expect([...unknown.advantage.slice(0, 4)]).toEqual([0, 2, -1, -1]);
    expect([...unknown.weight.slice(0, 8)]).toEqual([0, 1, 1, 1, 0, 1, 1, 1]);
    const cut = comparedEpisodes({ correction: 'rloo' }, { ...batch, done: batch.done.map((one, row) => (row === 1 ? 1 : one)) }, GRID);
    expect([...cut.weight]).toEqual([1, 0, 1, 1, 1, 0, 1, 1, ...new Array<number>(8).fill(1)]);
    // Alone in its group.
    expect(cut.advantage[0]).toBe(0);
  });
});

describe('the loss of compared episodes', () => {
  it('is the clipped surrogate over what counts, less the entropy bonus', async () => {
    const g = new Graph('case');
    const spec = actorCriticSchema.parse({ correction: 'rloo', clipRatio: 0.2, entropyCoefficient: 0.5 });
    const column = (...values: number[]) => g.constant(Float32Array.from(values), [3, 1]);
    // Two actions of equal probability: each has the log-probability -ln 2.
    const { loss, metrics } = groupedEpisodesLoss(g, spec, { kind: 'discrete', count: 2 }, g.constant(new Float32Array(6), [3, 2]), {
      action: g.constant(BigInt64Array.of(0n, 1n, 0n), [3]),
      // Ratios 1, 1.5 and 0.5.
      behaviourLogProb: column(-Math.LN2, -Math.LN2 - Math.log(1.5), -Math.LN2 - Math.log(0.5)),
      advantage: column(2, 3, -7),
      weight: column(1, 1, 0),
    });
    for (const [name, tensor] of Object.entries({ loss, ...metrics })) g.output(name, tensor);
    const session = await InferenceSession.create(g.build(), { intraOpNumThreads: 1 });
    const results = (await session.run({})) as Record<string, OrtTensor>;
    await session.release();
    const value = (name: string): number => (results[name]!.data as Float32Array)[0]!;
    // -(1 x 2 + 1.2 x 3) / 2.
    expect(value('policyLoss')).toBeCloseTo(-2.8, 5);
    expect(value('entropy')).toBeCloseTo(Math.LN2, 5);
    expect(value('loss')).toBeCloseTo(-2.8 - 0.5 * Math.LN2, 5);
    expect([value('ratioMean'), value('clipFraction'), value('advantageMean')].map((one) => Number(one.toFixed(5)))).toEqual([1.25, 0.5, 2.5]);
  });
});
