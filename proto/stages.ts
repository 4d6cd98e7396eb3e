/** Where stages of an episode end: what units of granularity `segment` are in an environment of steps. */
import { z } from 'zod';

export const stagesSchema = z
  .discriminatedUnion('by', [
    z.strictObject({ by: z.literal('steps'), steps: z.int().min(1).max(100_000).describe('Steps of a stage; the last one of an episode may be shorter.') }).describe('Stages of equal length.'),
    z.strictObject({ by: z.literal('message'), pattern: z.string().min(1).max(1000).describe('Regular expression (RE2): a step whose message it is found in is the last of its stage.') }).describe('Stages that end with a message.'),
  ])
  .describe('Stages of an episode: then sources and `assign` can speak of each `segment`.');
export type StagesSpec = z.output<typeof stagesSchema>;
