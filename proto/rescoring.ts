/** What `rescoringRun` is asked: several ways to reward the messages of a run that is stored. */
import { z } from 'zod';
import { partName } from './part-name.js';
import { asksJudge, modeOf } from './reward-fits.js';
import { modelSourceSchema } from './reward-sources.js';

export const rescoringSchema = z.strictObject({
  run: z.string().min(1).describe('Run whose segments are looked at.'),
  segments: z.int().min(1).max(128).default(32).describe('How many of them, drawn.'),
  seed: z.int().min(0).default(1).describe('Seed of the draw.'),
  annotate: z.boolean().default(false).describe('Ask the annotators about the messages of these segments first; else only what is labelled already counts.'),
  variants: z
    .array(z.strictObject({ name: partName.describe('Name in the result.'), source: modelSourceSchema.omit({ kind: true }).describe('A model source as in a job: its fit and its annotator.') }))
    .min(1)
    .max(8)
    .refine((variants) => new Set(variants.map(({ name }) => name)).size === variants.length, { message: 'expected each name once' })
    .refine((variants) => variants.every(({ source }) => !asksJudge(source.fit) || modeOf(source.fit) === source.annotator.mode), { message: 'expected pairwise annotators for fits that learn from comparisons, and pointwise ones for all others' })
    .describe('Ways to reward a message; each is compared with each.'),
});
export type RescoringSpec = z.output<typeof rescoringSchema>;
