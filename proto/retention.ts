/** What of a run is kept while it goes on, and what a sweep of its store did. */
import { z } from 'zod';
import type { ArtifactRef } from './references.js';

export const retentionSchema = z
  .strictObject({
    sweepVersions: z.int().min(0).max(1_000_000).default(200).describe('A sweep every this many versions; 0: nothing is removed by itself (`laurel sweep` still can).'),
    checkpoints: z.int().min(1).max(10_000).default(3).describe('The newest checkpoints that are kept, with the segments and rewards of every update since the oldest of them.'),
    checkpointsEvery: z.int().min(0).max(100_000).default(10).describe('Every so-manieth checkpoint is kept for good; 0: none is.'),
    transitions: z.int().min(0).default(1_000_000).describe('The newest trained transitions whose segments and rewards are kept at least, so that `laurel verify` can make them again.'),
  })
  .describe('What is kept of a run; the rest is removed by sweeps while the run goes on. Update records, labels, evaluations and metrics are always kept.');

export type RetentionSpec = z.output<typeof retentionSchema>;

export interface SweepInput {
  readonly run: string;
}
export interface SweepResult {
  readonly objects: number;
  readonly bytes: number;
  /** The record of what was removed and why; null: nothing was. */
  readonly record: ArtifactRef | null;
}
