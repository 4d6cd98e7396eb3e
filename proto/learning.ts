/** The policy and how it is improved: `policy` and `learn` of a job. */
import { z } from 'zod';
import { LaurelError } from './errors.js';
import { partName } from './part-name.js';

export const networkPolicySchema = z
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
  .describe('A policy and value network; its inputs follow from the environment.');
export type NetworkPolicySpec = z.output<typeof networkPolicySchema>;

const transformerPolicySchema = z
  .strictObject({
    kind: z.literal('transformer'),
    preset: z.enum(['tiny', 'small', 'medium']).default('small').describe('tiny: 2 layers of width 64; small: 2 of 128; medium: 4 of 256.'),
    tokens: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('character') }).describe('One token for each character.'),
        z
          .strictObject({ kind: z.literal('byte-pair'), merges: z.int().min(1).max(4096).default(128).describe('Pairs joined at most, the most frequent first.') })
          .describe('Frequent pairs of tokens are joined to one (Sennrich et al., arXiv 1508.07909), learnt from texts of the task.'),
      ])
      .prefault({ kind: 'character' })
      .describe('How texts become tokens; made once for a run and stored with it.'),
    temperature: z.number().min(0.05).max(10).default(1).describe('Logits are divided by it, in sampling and in training alike.'),
  })
  .describe('An autoregressive transformer that writes texts, one token after another.');
export type TransformerPolicySpec = z.output<typeof transformerPolicySchema>;

export const policySchema = z.discriminatedUnion('kind', [networkPolicySchema, transformerPolicySchema]).describe('The policy.');
export type PolicySpec = z.output<typeof policySchema>;

/** Of every learner: Adam, the clip before it, and what a batch is. */
const optimiser = {
    learningRate: z.number().positive().max(1).default(0.0005).describe('Step size of Adam.'),
    adamBeta1: z.number().min(0).max(0.9999).default(0.9).describe('Adam, first moment.'),
    adamBeta2: z.number().min(0).max(0.999999).default(0.999).describe('Adam, second moment.'),
    adamEpsilon: z.number().positive().default(0.00001).describe('Adam, floor.'),
    gradientNormMax: z.number().positive().default(1).describe('Bound of the global gradient norm.'),
    batchSegments: z.int().min(1).max(4096).default(4).describe('Segments in one optimiser step.'),
    epochs: z.int().min(1).max(16).default(1).describe('Passes over a batch; each pass is one optimiser step of the same version.'),
};

export const actorCriticSchema = z
  .strictObject({
    kind: z.literal('actor-critic').default('actor-critic'),
    correction: z
      .enum(['v-trace', 'gae', 'grpo', 'rloo'])
      .default('v-trace')
      .describe(
        'Where advantages come from. v-trace: off-policy corrected targets (IMPALA, arXiv 1802.01561); gae: generalised advantages (arXiv 1506.02438). Without value function, for environments whose episodes all have the same length: each step of an episode has the advantage of the whole one within its group, from the undiscounted sum R of its rewards; grpo: (R - mean) / (deviation + 1e-6) (arXiv 2402.03300); rloo: R - mean of the others (arXiv 2402.14740).',
      ),
    groupSize: z.int().min(2).max(1024).nullable().default(null).describe('So many environments beside each other play the same episodes, the group of grpo and rloo. null: all of a shard (grpo, rloo), or each its own (v-trace, gae).'),
    discount: z.number().min(0).max(1).default(0.99).describe('gamma.'),
    lambda: z.number().min(0).max(1).default(0.95).describe('lambda of v-trace or GAE.'),
    rhoMax: z.number().positive().default(1).describe('Bound of the importance ratio in the target.'),
    cMax: z.number().positive().default(1).describe('Bound of the trace ratio.'),
    clipRatio: z.number().positive().max(10).default(0.2).describe('PPO clip (arXiv 1707.06347): the ratio counts within [1-c, 1+c].'),
    valueClip: z.number().positive().nullable().default(1).describe('Bound of the change of a value in one step; null: none.'),
    valueCoefficient: z.number().min(0).default(0.5).describe('Weight of the value loss.'),
    entropyCoefficient: z.number().min(0).default(0.01).describe('Weight of the entropy bonus.'),
    advantageWhitening: z.boolean().default(true).describe('Advantages of a batch to mean 0, deviation 1 (floor 1e-3).'),
    ...optimiser,
  })
  .describe('A policy and value functions, by clipped policy gradient.');
export type ActorCriticSpec = z.output<typeof actorCriticSchema>;

/** Whether advantages come from comparing whole episodes, without a value function. */
export function comparesEpisodes({ correction }: Pick<ActorCriticSpec, 'correction'>): boolean {
  return correction === 'grpo' || correction === 'rloo';
}

const warmStartSchema = z
  .strictObject({
    demonstrations: z.int().min(1).max(100_000).default(512).describe('Seeded demonstrations of the task, drawn once.'),
    steps: z.int().min(1).max(10_000).default(200).describe('Optimiser steps.'),
    batch: z.int().min(1).max(1024).default(32).describe('Demonstrations in a step.'),
    learningRate: z.number().positive().max(1).default(0.003).describe('Step size of Adam in the warm start.'),
  })
  .describe('Version 0 imitates demonstrations (weighted likelihood, all weights 1).');
export type WarmStartSpec = z.output<typeof warmStartSchema>;

/** Of learners of text policies. */
const groups = {
  groupSize: z.int().min(1).max(256).default(8).describe('Completions of each prompt; a segment holds `rollout.environmentsPerShard` prompts.'),
  warmStart: warmStartSchema.nullable().default(null).describe('null: version 0 is random.'),
};

const groupPolicyGradientSchema = z
  .strictObject({
    kind: z.literal('group-policy-gradient'),
    estimator: z
      .enum(['grpo', 'dr-grpo', 'rloo', 'reinforce++', 'stable-reinforce'])
      .default('grpo')
      .describe(
        'Advantage of a completion from the rewards of its group. grpo: (r - mean) / (deviation + 1e-6) (arXiv 2402.03300); dr-grpo: r - mean (arXiv 2503.20783); rloo: r - mean of the others (arXiv 2402.14740); reinforce++: r - klCoefficient * KL, to mean 0 and deviation 1 over the batch (arXiv 2501.03262); stable-reinforce: grpo, to 0 where it is above 3 deviations of the batch, ratios bounded before the exponential (arXiv 2505.02835).',
      ),
    aggregation: z
      .enum(['sequence', 'token', 'constant', 'sequence-ratio'])
      .default('sequence')
      .describe('sequence: mean of the means over each completion (GRPO); token: mean over all tokens (DAPO, arXiv 2503.14476); constant: sum over tokens by the longest length allowed (Dr. GRPO); sequence-ratio: one ratio for each completion, the geometric mean of those of its tokens (GSPO, arXiv 2507.18071).'),
    clipLow: z.number().positive().max(1).default(0.2).describe('The ratio counts down to 1 - clipLow.'),
    clipHigh: z.number().positive().max(10).default(0.2).describe('The ratio counts up to 1 + clipHigh (larger than clipLow: clip-higher of DAPO).'),
    klCoefficient: z.number().min(0).default(0).describe('Weight of the KL to version 0: the k3 estimate in the loss, or within the reward (reinforce++).'),
    resample: z.boolean().default(false).describe('A segment in which every group has one reward throughout teaches nothing: it is filtered and others are collected in its place (dynamic sampling of DAPO; exact with one prompt in a segment). Where no group differs any more the run collects until another stop criterion ends it.'),
    ...groups,
    ...optimiser,
  })
  .describe('A text policy, by rewards compared within groups of completions of one prompt.');
export type GroupPolicyGradientSpec = z.output<typeof groupPolicyGradientSchema>;

const weightedMleSchema = z
  .strictObject({
    kind: z.literal('weighted-mle'),
    weighting: z
      .enum(['all', 'best-of-group', 'above-threshold', 'exponential', 'steerlm2'])
      .default('best-of-group')
      .describe(
        'Weight of the likelihood of each completion. all: 1; best-of-group: 1 for the best of its group, shared where several are (rejection sampling); above-threshold: 1 where the reward is at least `threshold`; exponential: exp(r / temperature) by the sum of its group (reward-weighted regression); steerlm2: the difference of softmax(r + log p0 - log q) and softmax(log p - log q) over the group, with r the log-likelihood of the attributes wanted, p0 version 0, q the policy that wrote it (arXiv 2406.08673).',
      ),
    threshold: z.number().default(0.5).describe('Of above-threshold.'),
    rewardTemperature: z.number().positive().default(1).describe('Of exponential.'),
    ...groups,
    ...optimiser,
  })
  .describe('A text policy, by the weighted likelihood of completions.');
export type WeightedMleSpec = z.output<typeof weightedMleSchema>;

export const learnSchema = z.discriminatedUnion('kind', [actorCriticSchema, groupPolicyGradientSchema, weightedMleSchema]).describe('How the policy is improved.');
export type LearnSpec = z.output<typeof learnSchema>;
/** Learners of policies that write texts. */
export type TextLearnSpec = GroupPolicyGradientSpec | WeightedMleSpec;

/** @throws LaurelError LAUREL_JOB_INVALID where the policy writes texts */
export function networkPolicyOf(policy: PolicySpec): NetworkPolicySpec {
  if (policy.kind === 'transformer') throw new LaurelError('LAUREL_JOB_INVALID', 'expected a policy that acts in an environment (recurrent, feed-forward), got transformer, which writes texts');
  return policy;
}

/** @throws LaurelError LAUREL_JOB_INVALID where the learner is one of texts */
export function actorCriticOf(learn: LearnSpec): ActorCriticSpec {
  if (learn.kind !== 'actor-critic') throw new LaurelError('LAUREL_JOB_INVALID', `expected the learner actor-critic, got ${learn.kind}`);
  return learn;
}

/** @throws LaurelError LAUREL_JOB_INVALID where the policy does not write texts */
export function transformerPolicyOf(policy: PolicySpec): TransformerPolicySpec {
  if (policy.kind !== 'transformer') throw new LaurelError('LAUREL_JOB_INVALID', `expected the policy transformer, got ${policy.kind}`);
  return policy;
}

/** @throws LaurelError LAUREL_JOB_INVALID where the learner is none of texts */
export function textLearnOf(learn: LearnSpec): TextLearnSpec {
  if (learn.kind === 'actor-critic') throw new LaurelError('LAUREL_JOB_INVALID', 'expected a learner of texts (group-policy-gradient, weighted-mle), got actor-critic');
  return learn;
}
