/** The policy and how it is improved: `policy` and `learn` of a job. */
import { z } from 'zod';
import { partName } from './part-name.js';

export const policySchema = z
  .strictObject({
    kind: z.enum(['recurrent', 'feed-forward']).default('recurrent').describe('With or without memory.'),
    preset: z.enum(['tiny', 'small', 'medium']).default('small').describe('Size of the network.'),
    encoder: z.enum(['dense', 'convolution']).default('dense').describe('How maps, images and messages are read: by dense layers (fast on few cores), or by convolutions. Statistics and vectors are always dense.'),
    valueHeads: z
      .record(
        partName,
        z.strictObject({
          sources: z.array(partName).min(1).describe('Sources whose weighted sum this value function predicts.'),
          discount: z.number().min(0).max(1).nullable().default(null).describe('gamma of this value function; null: `learn.discount`.'),
        }),
      )
      .refine((heads) => Object.keys(heads).length > 0, { message: 'expected at least one value head, or null' })
      .nullable()
      .default(null)
      .describe('Several value functions, each over some of the sources and with its own discount (as extrinsic and intrinsic value in RND, arXiv 1810.12894, section 2.3); their advantages are added. null: one, over the total.'),
    cell: z.enum(['gru', 'lstm']).default('gru').describe('Memory cell of a recurrent policy.'),
  })
  .describe('The policy and value network; its inputs follow from the environment.');
export type PolicySpec = z.output<typeof policySchema>;

export const learnSchema = z
  .strictObject({
    kind: z.literal('actor-critic').default('actor-critic'),
    correction: z.enum(['v-trace', 'gae']).default('v-trace').describe('Off-policy corrected targets (IMPALA, arXiv 1802.01561) or generalised advantages (arXiv 1506.02438).'),
    discount: z.number().min(0).max(1).default(0.99).describe('gamma.'),
    lambda: z.number().min(0).max(1).default(0.95).describe('lambda of v-trace or GAE.'),
    rhoMax: z.number().positive().default(1).describe('Bound of the importance ratio in the target.'),
    cMax: z.number().positive().default(1).describe('Bound of the trace ratio.'),
    clipRatio: z.number().positive().max(10).default(0.2).describe('PPO clip (arXiv 1707.06347): the ratio counts within [1-c, 1+c].'),
    valueClip: z.number().positive().nullable().default(1).describe('Bound of the change of a value in one step; null: none.'),
    valueCoefficient: z.number().min(0).default(0.5).describe('Weight of the value loss.'),
    entropyCoefficient: z.number().min(0).default(0.01).describe('Weight of the entropy bonus.'),
    advantageWhitening: z.boolean().default(true).describe('Advantages of a batch to mean 0, deviation 1 (floor 1e-3).'),
    learningRate: z.number().positive().max(1).default(0.0005).describe('Step size of Adam.'),
    adamBeta1: z.number().min(0).max(0.9999).default(0.9).describe('Adam, first moment.'),
    adamBeta2: z.number().min(0).max(0.999999).default(0.999).describe('Adam, second moment.'),
    adamEpsilon: z.number().positive().default(0.00001).describe('Adam, floor.'),
    gradientNormMax: z.number().positive().default(1).describe('Bound of the global gradient norm.'),
    batchSegments: z.int().min(1).max(4096).default(4).describe('Segments in one optimiser step.'),
    epochs: z.int().min(1).max(16).default(1).describe('Passes over a batch; each pass is one optimiser step of the same version.'),
  })
  .describe('How the policy is improved.');
export type LearnSpec = z.output<typeof learnSchema>;
