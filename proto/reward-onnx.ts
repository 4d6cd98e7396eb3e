/** A model file that a user brings: the source `onnx`. */
import { z } from 'zod';
import { partName } from './part-name.js';
import { sourceFields, unknownField } from './source-fields.js';

/** A file by its content. Where it lies matters until it is in the store, under its digest. */
export const fileSchema = z.strictObject({
  path: z.string().min(1).max(4_096).describe('Where the file lies, on the machine that submits and on those of reward workers; after the first use it is read from the store.'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .nullable()
    .default(null)
    .describe('Digest of its bytes. `laurel` fills it in when it reads the job file; without `laurel` it has to be written.'),
});
export type FileSpec = z.output<typeof fileSchema>;

const row = z.array(z.number()).min(1).max(1_048_576);

export const onnxSourceSchema = z
  .strictObject({
    kind: z.literal('onnx'),
    ...sourceFields,
    ...unknownField,
    file: fileSchema.describe('The model, an ONNX file without other files.'),
    inputs: z
      .record(z.string().min(1).max(200), z.string().regex(/^(text|observation\.[A-Za-z0-9_-]+|action)$/))
      .describe('For each input of the model: `observation.<tensor>`, `action`, or `text` (its bytes, UTF-8, cut or filled up with 0). The first dimension of an input is the batch, 1 or free.'),
    output: z.string().min(1).max(200).describe('Name of the output that is the reward.'),
    elements: z.array(partName).min(1).max(32).nullable().default(null).describe('The output has so many numbers: a vector with these elements. null: one number.'),
    providers: z.enum(['auto', 'cpu', 'cuda']).default('auto').describe('Execution provider: auto is CUDA where onnxruntime has it and a GPU is there, else the CPU. Values of two providers may differ in their last bits.'),
    golden: z
      .array(z.strictObject({ inputs: z.record(z.string(), row).describe('A row for each input.'), output: row.describe('What the model gives.') }))
      .max(64)
      .default([])
      .describe('Rows whose output is known: compared when the model is loaded. Another provider than the CPU is compared with the CPU besides.'),
    tolerance: z.number().positive().max(1).default(1e-4).describe('Largest difference from a golden output, absolute, or relative where that is more.'),
  })
  .describe('A reward from a model file of your own.');
export type OnnxSource = z.output<typeof onnxSourceSchema>;

export function checkOnnx(source: OnnxSource, path: string, say: (path: string, message: string) => void): void {
  if (source.file.digest === null) say(`${path}.file.digest`, `expected the digest of the file, sha256:...: \`laurel\` fills it in where ${source.file.path} can be read`);
  if (Object.keys(source.inputs).length === 0) say(`${path}.inputs`, 'expected at least one input');
  source.golden.forEach(({ inputs, output }, index) => {
    const missing = Object.keys(source.inputs).filter((name) => !(name in inputs));
    if (missing.length > 0) say(`${path}.golden.${index}.inputs`, `expected a row for ${missing.join(', ')}`);
    const wanted = source.elements?.length ?? 1;
    if (output.length !== wanted) say(`${path}.golden.${index}.output`, `expected ${wanted === 1 ? 'one number' : `${wanted} numbers`}, got ${output.length}`);
  });
}
