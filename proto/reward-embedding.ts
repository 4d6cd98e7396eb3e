/** Likeness to a goal in an embedding space: the source `embedding`. */
import { z } from 'zod';
import { readingSchema } from './readings.js';
import { fileSchema } from './reward-onnx.js';
import { sourceFields, unknownField } from './source-fields.js';

const place = z.union([z.string().min(1).max(2_000), z.array(z.number()).min(1).max(65_536), z.strictObject({ path: readingSchema.describe('A text of the unit: `prompt`, `truth.answer`.') })]);

export const embeddingSourceSchema = z
  .strictObject({
    kind: z.literal('embedding'),
    ...sourceFields,
    ...unknownField,
    of: z
      .string()
      .regex(/^(text|observation\.[A-Za-z0-9_-]+|action)$/)
      .default('text')
      .describe('What is embedded: `text` (sum of word vectors), or a column of numbers as it is.'),
    dimensions: z.int().min(16).max(4096).default(256).describe('Numbers of the vector of a text.'),
    encoder: z
      .strictObject({
        file: fileSchema.describe('The model, an ONNX file without other files.'),
        input: z.string().min(1).max(200).describe('Name of its input: the column of numbers, or the bytes of the text (UTF-8, cut or filled up with 0).'),
        output: z.string().min(1).max(200).describe('Name of the output that is the embedding.'),
        providers: z.enum(['auto', 'cpu', 'cuda']).default('auto').describe('As of the source `onnx`.'),
      })
      .nullable()
      .default(null)
      .describe('A model that makes the vectors, of the unit and of goal and baseline where these are texts; numbers given for them are embeddings already. null: word vectors, or the numbers themselves.'),
    goal: place.describe('What it should be like: a text, numbers, or a path to a text of the unit.'),
    form: z.enum(['cosine', 'projection']).default('cosine').describe('cosine, from -1 to 1; projection: 1 - |a p(s - g) + (1 - a)(s - g)|^2 / 2 of unit vectors, p being the projection on the line from `baseline` to the goal (arXiv 2310.12921).'),
    baseline: place.nullable().default(null).describe('Where that line begins (projection).'),
    alpha: z.number().min(0).max(1).default(0).describe('a: how much of the difference is projected (projection).'),
    threshold: z.number().nullable().default(null).describe('A value that is not above it is 0; null: none.'),
  })
  .describe('Likeness to a goal. Word vectors are made of letters (as the fit `bag-of-words`): they know shared parts of words, not meaning.');
export type EmbeddingSource = z.output<typeof embeddingSourceSchema>;

/** Of the cosine, and of 1 - d^2 / 2 where two unit vectors are d apart, which is at most 2. */
export function embeddingRange({ threshold }: EmbeddingSource): readonly [number, number] {
  return threshold !== null && threshold >= 0 ? [0, 1] : [-1, 1];
}

export function checkEmbedding(source: EmbeddingSource, path: string, say: (path: string, message: string) => void, texts: boolean): void {
  if (source.form === 'projection' && source.alpha > 0 && source.baseline === null) say(`${path}.baseline`, 'expected a baseline: a projection (alpha above 0) is on the line from it to the goal');
  if (source.encoder !== null && source.encoder.file.digest === null) say(`${path}.encoder.file.digest`, `expected the digest of the file, sha256:...: \`laurel\` fills it in where ${source.encoder.file.path} can be read`);
  for (const [field, value] of [['goal', source.goal], ['baseline', source.baseline]] as const) {
    if (value === null) continue;
    if (source.encoder === null ? Array.isArray(value) !== (source.of !== 'text') : !Array.isArray(value) && source.of !== 'text') say(`${path}.${field}`, source.of === 'text' ? 'expected a text or a path, got numbers: texts are compared with texts' : `expected numbers: ${source.of} is compared with numbers`);
    if (!texts && typeof value === 'object' && !Array.isArray(value)) say(`${path}.${field}.path`, 'expected a text: only an environment of kind text has prompts and ground truth');
  }
}
