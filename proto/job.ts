/**
 * The job file: one strict JSON object. Parsed by the CLI, by the workflow and by `laurel schema` with this one schema.
 * Defaults are resolved once; the resolved job is stored and carried, so that a later version of a default never
 * changes a run that has begun.
 */
import { z } from 'zod';
import { environmentSchemas } from './environments.js';
import { comparesEpisodes, learnSchema, policySchema } from './learning.js';
import { partName } from './part-name.js';
import { combineSchema } from './reward-combine.js';
import { shapeSchema } from './reward-shapes.js';
import { retentionSchema } from './retention.js';
import { stagesSchema } from './stages.js';
import { sourceSchema } from './reward-sources.js';

export const rolloutSchema = z
  .strictObject({
    shards: z.int().min(1).max(1000).default(2).describe('Groups of environments, each played by one call at a time.'),
    environmentsPerShard: z.int().min(1).max(1024).default(16).describe('Environments stepped together; for texts: prompts in a segment.'),
    segmentSteps: z.int().min(1).max(1024).default(32).describe('Steps of each environment in a segment; not used for texts, see `learn.groupSize`.'),
  })
  .describe('Who plays how much.');

export const scheduleSchema = z
  .strictObject({
    mode: z.enum(['async', 'lockstep']).default('async').describe('async: loops overlap; lockstep: in rounds, two runs give the same digests.'),
    policyLagMax: z.int().min(0).max(10_000).default(16).describe('A segment whose policy is older than this many versions is never trained on.'),
    collectMs: z.int().min(0).max(600_000).default(4_000).describe('Aim for the length of a collect call; the number of segments in a call adapts to it (async).'),
    segmentsPerCall: z.int().min(1).max(1024).nullable().default(null).describe('Segments in a collect call; null: adapted in async, enough for one batch in lockstep.'),
    batchesPerCall: z.int().min(1).max(64).default(8).describe('Optimiser batches in one update call at most; each is a version with its own record.'),
    checkpointVersions: z.int().min(1).max(100_000).default(20).describe('A checkpoint every this many versions; between them recovery repeats the logged updates.'),
    historyEventsMax: z.int().min(100).max(40_000).default(4_000).describe('The workflow continues as a new run at the latest after this many history events.'),
    watchMs: z.int().min(1_000).max(86_400_000).default(60_000).describe('Without progress for this long the run says why: what is under way, and which pools have no workers.'),
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
    stages: stagesSchema.optional(),
    shape: z.array(shapeSchema).max(64).default([]).describe('What is done to a source, a named term or the total, in order.'),
    combine: combineSchema.describe('How the sources become one reward.'),
    learn: learnSchema.prefault({}),
    rollout: rolloutSchema.prefault({}),
    schedule: scheduleSchema.prefault({}),
    evaluate: evaluateSchema.prefault({}),
    stop: stopSchema,
    retention: retentionSchema.prefault({}),
    seed: z.int().min(0).default(0).describe('Seed of everything drawn in this run.'),
  })
  .describe('A training run of Laurel.');

/** A job as a person writes it. */
export type JobInput = z.input<typeof jobSchema>;
/** A job with all defaults in place. */
export type Job = z.output<typeof jobSchema>;

/** Rows of a segment for each of its environments: steps, or the completions of a prompt. */
export function rowsPerEnvironment(job: Pick<Job, 'learn' | 'rollout'>): number {
  return job.learn.kind === 'actor-critic' ? job.rollout.segmentSteps : job.learn.groupSize;
}

/** Environments beside each other that play the same episodes. */
export function environmentsPerGroup({ learn, rollout }: Pick<Job, 'learn' | 'rollout'>): number {
  if (learn.kind !== 'actor-critic') return 1;
  return learn.groupSize ?? (comparesEpisodes(learn) ? rollout.environmentsPerShard : 1);
}
