/** The workflow `evaluationRun`: plays a version of a policy on fixed seeds. Durable, and needs no learner. */
import { ApplicationFailure } from '@temporalio/workflow';
import { z } from 'zod';
import type { EvaluationRef } from '../proto/references.js';
import { rollout } from './run-context.js';

const artifactSchema = z.strictObject({
  key: z.string(),
  digest: z.string(),
  bytes: z.number(),
  rows: z.number(),
  schemaVersion: z.number(),
  endpoints: z.array(z.string()).default([]),
});

const evaluationInputSchema = z.strictObject({
  run: z.string().min(1).describe('Run whose policy is played.'),
  policy: z.strictObject({ version: z.int().min(0), artifact: artifactSchema }).describe('Reference of the policy, as in updates/<version>.json.'),
  suite: z.string().regex(/^[a-z0-9-]+$/).default('separate').describe('Name of the evaluation; part of its store key.'),
  episodes: z.int().min(1).max(10_000).default(32).describe('Episodes to play.'),
  seed: z.int().min(0).default(1_000_003).describe('Seed of the episodes.'),
  environments: z.int().min(1).max(1024).default(16).describe('Environments stepped together.'),
});

export async function evaluationRun(input: unknown): Promise<EvaluationRef> {
  const parsed = evaluationInputSchema.safeParse(input);
  if (!parsed.success) throw ApplicationFailure.create({ type: 'LAUREL_JOB_INVALID', message: z.prettifyError(parsed.error), nonRetryable: true });
  const { version } = parsed.data.policy;
  return rollout.evaluate.executeWithOptions({ summary: `version ${version} · ${parsed.data.episodes} episodes` }, [parsed.data]);
}
