/**
 * The job file of a run without rollouts: reward models are fitted and policies learned on stored tables, or what is
 * there is only evaluated. Told from a training job by its shape: it has `data` and no `environment`.
 */
import { z } from 'zod';
import { partName } from './part-name.js';
import { curateSchema, dataSchema } from './preference-data.js';
import { modelEvaluationSchema } from './preference-evaluate.js';
import { policyLearnSchema, scorerSchema } from './preference-sources.js';

export const modelScheduleSchema = z
  .strictObject({
    stepsPerCall: z.int().min(1).max(100_000).default(1_000).describe('Optimiser steps of one call; each call ends with a checkpoint.'),
    historyEventsMax: z.int().min(100).max(40_000).default(4_000).describe('The workflow continues as a new run at the latest after this many history events.'),
  })
  .describe('How the work is cut into calls.');

export const modelJobSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/).describe('Letters, digits and dashes; part of the run id.'),
    data: dataSchema,
    curate: z.record(partName, curateSchema).default({}).describe('Further tables, made from others, by name.'),
    sources: z.record(partName, scorerSchema).default({}).describe('What scores units, by name.'),
    learn: z.record(partName, policyLearnSchema).default({}).describe('Policies that are learned, by name; none: the job fits or evaluates only.'),
    evaluate: z.record(partName, modelEvaluationSchema).default({}).describe('Evaluations by name.'),
    schedule: modelScheduleSchema.prefault({}),
    seed: z.int().min(0).default(0).describe('Seed of everything drawn in this run.'),
  })
  .describe('A run of Laurel without rollouts.');

/** A job as a person writes it. */
export type ModelJobInput = z.input<typeof modelJobSchema>;
/** A job with all defaults in place. */
export type ModelJob = z.output<typeof modelJobSchema>;

/** Whether a parsed job file means a run without rollouts. */
export function isModelJobInput(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'data' in input && !('environment' in input);
}
