/** What scores units in a job without rollouts: its `sources` and `learn`. */
import { z } from 'zod';
import { partName } from './part-name.js';

const training = {
  on: partName.describe('Table that it is fitted on.'),
  steps: z.int().min(1).max(100_000).default(400).describe('Optimiser steps.'),
  batch: z.int().min(1).max(4096).default(128).describe('Rows of a step, drawn with replacement; a pair, a rating or a user each.'),
  learningRate: z.number().positive().max(10).default(0.02).describe('Step size of Adam; it falls to 0 in a straight line over the steps.'),
  weightDecay: z.number().min(0).max(10).default(0).describe('Weight of the squared parameters in the loss (ridge).'),
};
const hidden = z.array(z.int().min(1).max(1024)).max(4).default([]).describe('Widths of hidden layers; none: linear.');

const bradleyTerry = z
  .strictObject({
    kind: z.literal('bradley-terry'),
    ...training,
    hidden,
    features: z.string().min(1).default('embedding').describe('Column of the units that it reads.'),
    ties: z.number().min(1).max(100).default(1).describe('k of Bradley-Terry with ties (Rao and Kupper; arXiv 2501.13918 uses 5): a probability of 0.5 is a tie. 1: without ties, 0.5 is a soft label.'),
    margin: partName.nullable().default(null).describe('Source whose score difference is subtracted from the difference before the sigmoid; null: none.'),
    initial: partName.nullable().default(null).describe('Fit of the same form whose parameters it starts from; null: fresh ones.'),
    resample: z.boolean().default(false).describe('Sees a sample of the table of its own, drawn with replacement (bootstrap).'),
  })
  .describe('Bradley-Terry with hard and soft labels, margin and ties.');
const regression = z.strictObject({ kind: z.literal('regression'), ...training, hidden }).describe('One head for each rating, squared error over the ratings that are there.');
const gate = z
  .strictObject({
    kind: z.literal('gate'),
    ...training,
    hidden: hidden.default([32]),
    heads: partName.describe('Source with several heads; it is frozen.'),
    temperature: z.number().positive().max(1000).default(10).describe('tau of the softmax over the heads (arXiv 2406.12845).'),
    debias: z.boolean().default(true).describe('Subtract so much of the last head (verbosity) from each other that its rank correlation with it is at most 0.03.'),
  })
  .describe('Weights of the heads from the prompt, trained by Bradley-Terry (ArmoRM, arXiv 2406.12845).');
const mixture = z
  .strictObject({
    kind: z.literal('mixture'),
    ...training,
    hidden,
    components: z.int().min(1).max(16).default(2).describe('Reward heads.'),
    entropy: z.number().min(0).max(10).default(0).describe('lambda of the router regulariser sum of a log a.'),
  })
  .describe('Mixture of Bradley-Terry models, weights from the prompt where there is one (MiCRo, arXiv 2505.24846).');
const idealPoint = z
  .strictObject({
    kind: z.literal('ideal-point'),
    ...training,
    prototypes: z.int().min(1).max(32).default(2).describe('Prototypes that a user\'s ideal point is mixed from.'),
    embedding: z.int().min(1).max(64).nullable().default(null).describe('Width of a linear map of the embedding; null: the embedding itself.'),
  })
  .describe('Distance to an ideal point that is a mixture of prototypes, one mixture for each user (PAL, arXiv 2406.08469).');
const variational = z
  .strictObject({
    kind: z.literal('variational'),
    ...training,
    hidden: hidden.default([32]),
    latent: z.int().min(1).max(64).default(2).describe('Width of the latent z.'),
    contextPairs: z.int().min(1).max(256).default(8).describe('Comparisons of a user that z is inferred from.'),
    divergence: z.number().min(0).max(10).default(0.01).describe('Weight of KL(q || N(0, 1)), reached in a straight line over the first half of the steps.'),
  })
  .describe('A latent for each user, inferred from a few comparisons (VPL, arXiv 2408.10075).');
const referenceConditioned = z
  .strictObject({
    kind: z.literal('reference-conditioned'),
    ...training,
    hidden: hidden.default([64]),
    initial: partName.nullable().default(null).describe('Fit of the same form whose parameters it starts from; null: fresh ones.'),
  })
  .describe('Score of a trajectory given one of a reference policy (POLAR, arXiv 2507.05197).');

const triplet = z
  .strictObject({
    kind: z.literal('triplet'),
    ...training,
    hidden: hidden.default([64, 64]),
    width: z.int().min(1).max(64).default(4).describe('Numbers of the representation.'),
    margin: z.number().min(0).max(100).default(1).describe('By how much the squared distance to the less similar one has to be the larger.'),
  })
  .describe('A representation from triplets: anchor, the more similar, the less similar (SIRL, arXiv 2301.00810).');

const adversarial = z
  .strictObject({ kind: z.literal('adversarial'), ...training, batch: z.literal(1).default(1).describe('The whole table in every step.') })
  .describe('A reward from the behaviour of an expert: a discriminator between the expert and the policy that is optimal for the reward (AIRL, arXiv 1710.11248).');

export const fitSchema = z.discriminatedUnion('kind', [bradleyTerry, regression, gate, mixture, idealPoint, variational, referenceConditioned, triplet, adversarial]);
export type FitSpec = z.output<typeof fitSchema>;
export type FitSpecOf<Kind extends FitSpec['kind']> = Extract<FitSpec, { kind: Kind }>;

export const scorerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('model'), fit: fitSchema }).describe('A reward model fitted by this job.'),
  z.strictObject({ kind: z.literal('column'), column: z.string().min(1).describe('Name of a column of one number.') }).describe('A number that stands in the table.'),
  z
    .strictObject({
      kind: z.literal('confidence'),
      rationale: z.string().min(1).default('rationale').describe('Column with the log-probability of each token of the rationale, nats.'),
      answer: z.string().min(1).default('answer').describe('Column with those of the answer.'),
    })
    .describe('What the policy itself thought of a trace: mean log-probability of the rationale plus the sum over the answer (arXiv 2510.11457).'),
  z
    .strictObject({
      kind: z.literal('likeness'),
      of: z.string().min(1).default('embedding').describe('Column.'),
      to: z.string().min(1).describe('Column of the same width: the goal.'),
      form: z.enum(['cosine', 'projection']).default('cosine').describe('As of the source `embedding` of a training run: cosine, or 1 - |a p(s - g) + (1 - a)(s - g)|^2 / 2 of unit vectors, p being the projection on the line from the baseline to the goal (arXiv 2310.12921).'),
      baseline: z.string().min(1).nullable().default(null).describe('Column of the same width: where that line begins (projection).'),
      alpha: z.number().min(0).max(1).default(0).describe('a: how much of the difference is projected (projection).'),
    })
    .describe('How like two vectors of a unit are.'),
  z
    .strictObject({
      kind: z.literal('judge'),
      rule: z.enum(['first', 'best', 'random']).describe('first: always the one that is shown first; best: the better one by the column, seen with noise; random: no matter what is shown.'),
      column: z.string().default('gold').describe('Column of the true score.'),
      noise: z.number().min(0).max(1000).default(0).describe('Deviation of the noise with which a score is seen, drawn once for each unit.'),
    })
    .describe('A scripted judge.'),
  z
    .strictObject({
      kind: z.literal('listwise-judge'),
      principle: z.string().min(1).max(2000).describe('What is wanted, in words: names of columns after "prefer" and "avoid".'),
      noise: z.number().min(0).max(1000).default(0).describe('Deviation of the noise with which an answer is seen, drawn once for each unit.'),
      order: z.int().min(0).max(1_000_000).default(0).describe('Which order candidates are shown in; another number, another order.'),
    })
    .describe('A scripted judge who reads a principle, sees a list under masked names in a drawn order and scores each from 1 to 5 (after RewardAnything, arXiv 2506.03637). The table must have lists.'),
  z
    .strictObject({
      kind: z.literal('rubric-judge'),
      rubrics: partName.nullable().describe('Table that {"op": "rubrics"} made; what its rubrics say most often of a topic is what is judged by. null: by all criteria and rules alike.'),
      size: z.int().min(1).max(8).default(2).describe('Principles that are looked at.'),
      noise: z.number().min(0).max(10).default(0.3).describe('Deviation of the noise with which a criterion is seen.'),
    })
    .describe('A scripted judge of answers of the workload criteria, by rubrics: a broken hard rule is a veto.'),
  z
    .strictObject({
      kind: z.literal('combine'),
      op: z.enum(['linear', 'mean', 'min', 'mean-minus-deviation']).describe('Weighted sum, or an ensemble of equals.'),
      of: z.record(partName, z.number()).describe('Sources and their weights; an ensemble does not look at the weights.'),
      standardise: z.boolean().default(false).describe('Each source to mean 0, deviation 1 over the table before it is combined.'),
      kappa: z.number().min(0).max(100).default(1).describe('Deviations that are subtracted (mean-minus-deviation).'),
    })
    .describe('Several sources as one.'),
  z
    .strictObject({
      kind: z.literal('head'),
      of: partName.describe('Source with several heads.'),
      output: z.enum(['score', 'debiased', 'weights']).default('score').describe('Which output of its model file; a gate has all three, every other source has score.'),
      index: z.int().min(0).max(63).describe('Which head, from 0.'),
    })
    .describe('One head of a source.'),
  z
    .strictObject({
      kind: z.literal('adapted'),
      of: partName.describe('Source of a fit of kind mixture, ideal-point or variational.'),
      context: partName.describe('Table with comparisons of the users.'),
      pairs: z.int().min(0).max(256).default(8).describe('Comparisons of each user that are looked at.'),
      rate: z.number().positive().max(100).default(1).describe('Step size: eta of Hedge (mixture), or of the fit of the weights (ideal-point).'),
      chosen: z.enum(['in-order', 'active']).default('in-order').describe('Which comparisons of the table: the first ones, or in each turn the one whose answer the source is least sure of.'),
    })
    .describe('A source for a user who is known by a few comparisons only.'),
]);
export type ScorerSpec = z.output<typeof scorerSchema>;
export type ScorerSpecOf<Kind extends ScorerSpec['kind']> = Extract<ScorerSpec, { kind: Kind }>;

const preference = z
  .strictObject({
    kind: z.literal('preference'),
    loss: z.enum(['dpo', 'ipo', 'modpo', 'mah-dpo', 'dynamic-beta']).default('dpo').describe('DPO (arXiv 2305.18290), IPO (2310.12036), with a margin from other objectives (2310.03708), a head for each objective (2510.01167), or with a beta that grows with a reward margin (2502.10391).'),
    policy: z.enum(['tabular', 'log-linear']).default('tabular').describe('A number for each answer of each prompt, or one for each feature of the answer.'),
    ...training,
    beta: z.number().positive().max(1000).default(0.1).describe('beta.'),
    weights: z.array(z.number().min(0)).max(16).nullable().default(null).describe('Weights of the objectives r1, r2, ... (modpo, where the first is above 0); null: none.'),
    margin: partName.nullable().default(null).describe('Source whose score difference sets beta (dynamic-beta).'),
    growth: z.strictObject({ w: z.number().min(0).max(1000).default(0.5).describe('w.'), k: z.number().positive().max(1000).default(1).describe('k.') }).prefault({}).describe('beta_i = max(0.001, beta (1 + w (1 - e^(-k margin)))).'),
  })
  .describe('Learning from preferences.');
const weightedMle = z
  .strictObject({
    kind: z.literal('weighted-mle'),
    weights: z.enum(['sft', 'best', 'exponential', 'steerlm2']).default('sft').describe('1 for each answer, 1 for the best of the samples, exp(reward / temperature) over its sum, or SteerLM 2.0 (arXiv 2406.08673).'),
    policy: z.literal('tabular').default('tabular').describe('A number for each answer of each prompt.'),
    ...training,
    samples: z.int().min(1).max(256).default(10).describe('Answers drawn for a prompt in each step.'),
    reward: partName.nullable().default(null).describe('Source of the reward (best, exponential) or of the attribute (steerlm2).'),
    temperature: z.number().positive().max(1000).default(1).describe('Temperature of the exponential weights.'),
    deviation: z.number().positive().max(100).default(0.7).describe('How exact the attribute is, as a normal distribution (steerlm2).'),
  })
  .describe('Weighted likelihood of sampled answers.');

const constrained = z
  .strictObject({
    kind: z.literal('constrained'),
    policy: z.enum(['tabular', 'tilted']).default('tabular').describe('A number for each answer of each prompt, or one for each reward: reference x exp(sum of w r), the family of the optimum.'),
    on: training.on,
    steps: training.steps,
    batch: z.literal(1).default(1).describe('The whole table in every step: expectations are exact.'),
    learningRate: training.learningRate,
    weightDecay: training.weightDecay,
    rewards: z.array(z.string().min(1)).min(1).max(16).describe('Columns of the proxy rewards.'),
    multiplier: z.enum(['sigmoid', 'tanh', 'none']).default('tanh').describe('lambda of mu: in (0, 1), or in (-1, 1) so that it can also push back; none: the plain sum of all rewards, no thresholds.'),
    thresholds: z.array(z.number()).max(16).default([]).describe('Value at which each proxy reward is held, in its own units.'),
    multiplierRate: z.number().positive().max(10).default(0.1).describe('Step size of mu against that of the policy: multipliers have to be the slower ones.'),
    divergence: z.number().min(0).max(1000).default(0.1).describe('Weight of the divergence from the reference where the multiplier is none.'),
  })
  .describe('Rewards held at thresholds by learned multipliers, against divergence from the reference (constrained RLHF, arXiv 2310.04373).');

export const policyLearnSchema = z.discriminatedUnion('kind', [preference, weightedMle, constrained]);
export type PolicyLearnSpec = z.output<typeof policyLearnSchema>;
export type PolicyLearnSpecOf<Kind extends PolicyLearnSpec['kind']> = Extract<PolicyLearnSpec, { kind: Kind }>;
