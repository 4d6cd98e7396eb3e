/**
 * The job file: one strict JSON object. Parsed by the CLI, by the workflow and by `laurel schema` with this one schema.
 * Defaults are resolved once; the resolved job is stored and carried, so that a later version of a default never
 * changes a run that has begun.
 */
import { z } from 'zod';
import { environmentSchemas } from './environments.js';
import { annotatorSchema } from './judges.js';

const partName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);

const envSource = z
  .strictObject({
    kind: z.literal('env'),
    component: z.string().optional().describe('Name of the environment reward component; default: the first.'),
    scale: z.number().default(1).describe('Factor applied before the clip.'),
    clip: z.number().positive().nullable().default(10).describe('Absolute bound of the value; null: none.'),
  })
  .describe('The reward of the environment itself.');

const modelSource = z
  .strictObject({
    kind: z.literal('model'),
    fit: z.literal('retrieval').describe('retrieval: a table of labelled messages, exact match; an unknown message is masked.'),
    annotator: annotatorSchema,
    unknown: z
      .enum(['omit', 'wait', 'drop'])
      .default('omit')
      .describe('A message without a label: adds nothing (omit), holds its segment back up to a bound (wait), or takes the transition out of training (drop).'),
    waitMs: z.int().min(0).max(3_600_000).default(30_000).describe('Bound of `wait`.'),
  })
  .describe('A reward learned from the answers of an annotator.');

const ruleSource = z
  .strictObject({
    kind: z.literal('rule'),
    rules: z
      .array(
        z.strictObject({
          match: z.enum(['exact', 'regex']).describe('exact: the whole message; regex: found anywhere in it.'),
          pattern: z.string().min(1).max(1000).describe('The message or the regular expression.'),
          value: z.number().describe('Value of the reward.'),
        }),
      )
      .min(1)
      .max(1000)
      .describe('The first rule that matches gives the value.'),
    otherwise: z.number().default(0).describe('Value where no rule matches.'),
  })
  .describe('A reward from rules on the message that follows the action.');

export const sourceSchema = z.discriminatedUnion('kind', [envSource, modelSource, ruleSource]);
export type SourceSpec = z.output<typeof sourceSchema>;
export type ModelSourceSpec = Extract<SourceSpec, { kind: 'model' }>;

export const shapeSchema = z.discriminatedUnion('op', [
  z
    .strictObject({
      op: z.literal('episodic-count-decay'),
      on: partName.describe('Name of the source.'),
      exponent: z.number().min(0).max(20).default(3).describe('beta in r * N^-beta; N counts the exact message within its episode, this time included.'),
    })
    .describe('r * N^-beta (ONI, arXiv 2410.23022).'),
]);
export type ShapeSpec = z.output<typeof shapeSchema>;

export const combineSchema = z.discriminatedUnion('op', [
  z
    .strictObject({
      op: z.literal('linear'),
      weights: z.record(partName, z.number()).describe('Weight of each source by name; a source that is not named has weight 0.'),
    })
    .describe('Weighted sum.'),
]);
export type CombineSpec = z.output<typeof combineSchema>;

export const policySchema = z
  .strictObject({
    kind: z.enum(['recurrent', 'feed-forward']).default('recurrent').describe('With or without memory.'),
    preset: z.enum(['tiny', 'small', 'medium']).default('small').describe('Size of the network.'),
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

export const rolloutSchema = z
  .strictObject({
    shards: z.int().min(1).max(1000).default(2).describe('Groups of environments, each played by one call at a time.'),
    environmentsPerShard: z.int().min(1).max(1024).default(16).describe('Environments stepped together.'),
    segmentSteps: z.int().min(1).max(1024).default(32).describe('Steps of each environment in a segment.'),
  })
  .describe('Who plays how much.');

export const scheduleSchema = z
  .strictObject({
    mode: z.enum(['async', 'lockstep']).default('async').describe('async: loops overlap; lockstep: in rounds, two runs give the same digests.'),
    policyLagMax: z.int().min(0).max(10_000).default(8).describe('A segment whose policy is older than this many versions is never trained on.'),
    collectMs: z.int().min(0).max(600_000).default(4_000).describe('Aim for the length of a collect call; the number of segments in a call adapts to it (async).'),
    segmentsPerCall: z.int().min(1).max(1024).nullable().default(null).describe('Segments in a collect call; null: adapted in async, enough for one batch in lockstep.'),
    batchesPerCall: z.int().min(1).max(64).default(4).describe('Optimiser batches in one update call at most; each is a version with its own record.'),
    checkpointVersions: z.int().min(1).max(100_000).default(20).describe('A checkpoint every this many versions; between them recovery repeats the logged updates.'),
    historyEventsMax: z.int().min(100).max(40_000).default(4_000).describe('The workflow continues as a new run at the latest after this many history events.'),
    evaluateVersions: z.int().min(0).max(1_000_000).default(0).describe('An evaluation every this many versions; 0: only at the end.'),
  })
  .describe('How the loops run beside each other.');

export const evaluateSchema = z
  .strictObject({
    episodes: z.int().min(0).max(10_000).default(32).describe('Episodes of the final evaluation; 0: none.'),
    untrained: z.boolean().default(false).describe('Evaluate version 0 too, on the same seeds.'),
    seed: z.int().min(0).default(1_000_003).describe('Seed of the evaluation episodes, apart from those of training.'),
    environments: z.int().min(1).max(1024).default(16).describe('Environments stepped together.'),
  })
  .describe('How the policy is judged at the end.');

export const stopSchema = z
  .strictObject({
    transitions: z.int().min(1).optional().describe('Trained transitions.'),
    versions: z.int().min(1).optional().describe('Policy versions.'),
    runMs: z.int().min(1000).optional().describe('Time since the start of the run.'),
  })
  .refine((stop) => stop.transitions !== undefined || stop.versions !== undefined || stop.runMs !== undefined, {
    message: 'expected at least one of transitions, versions, runMs',
  })
  .describe('The run ends when the first of these is reached.');

export type StopSpec = z.output<typeof stopSchema>;

export const jobSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/).describe('Letters, digits and dashes; part of the run id.'),
    environment: environmentSchemas,
    policy: policySchema.prefault({}),
    sources: z.record(partName, sourceSchema).describe('Where rewards come from, by name.'),
    shape: z.array(shapeSchema).max(64).default([]).describe('What is done to a source before it is combined, in order.'),
    combine: combineSchema.describe('How the sources become one reward.'),
    learn: learnSchema.prefault({}),
    rollout: rolloutSchema.prefault({}),
    schedule: scheduleSchema.prefault({}),
    evaluate: evaluateSchema.prefault({}),
    stop: stopSchema,
    seed: z.int().min(0).default(0).describe('Seed of everything drawn in this run.'),
  })
  .describe('A training run of Laurel.');

/** A job as a person writes it. */
export type JobInput = z.input<typeof jobSchema>;
/** A job with all defaults in place. */
export type Job = z.output<typeof jobSchema>;
