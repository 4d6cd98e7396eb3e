/** Labelled sets: what the answers of an annotator are compared with. */
import { z } from 'zod';

export const labelledSchema = z
  .union([
    z.enum(['nethack-progress', 'nethack-combat', 'nethack-gold', 'nethack-descent']),
    z.strictObject({ path: z.string().min(1).describe('CSV with the columns text and label, or JSON Lines with these keys, on the annotator worker; rows whose `part` is `development` are left out.') }),
  ])
  .describe('A labelled set: the name of one of examples/labels, or a file.');
export type LabelledSpec = z.output<typeof labelledSchema>;
