/** Labels that people made, as records of a label log. */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { LaurelError } from '../../proto/errors.js';
import { HUMAN, textOfKey, type LabelRecord } from './label-record.js';

const rowSchema = z.object({
  text: z.string().min(1),
  label: z.coerce.number().min(0).max(1),
  note: z.string().optional(),
});

/**
 * @param content CSV with a header that names `text` and `label`, or JSON Lines with these keys; further columns are left
 * out, `note` is kept in the record's reply. Text is Latin-1, one character for each byte of the message.
 * @throws LaurelError LAUREL_LABELS_INVALID with the number of the row
 */
export function readHumanLabels(content: string, name: string, by: string, askedAt: string): LabelRecord[] {
  return rowsOf(content, name).map((row, index) => {
    const parsed = rowSchema.safeParse(row);
    if (!parsed.success) throw invalid(name, index + 1, z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '));
    const { text, label, note } = parsed.data;
    // eslint-disable-next-line no-control-regex -- the range of Latin-1 itself
    if (!/^[\u0000-\u00ff]*$/.test(text)) throw invalid(name, index + 1, 'a character beyond Latin-1 in the text: messages are bytes');
    return { text: textOfKey(text), label, status: 'ok', reply: JSON.stringify({ by, ...(note === undefined ? {} : { note }) }), model: HUMAN, promptHash: '', tokensIn: 0, tokensOut: 0, latencyMs: 0, attempt: 1, askedAt };
  });
}

function rowsOf(content: string, name: string): unknown[] {
  try {
    if (content.trimStart().startsWith('{')) return content.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown);
    return parse(content, { columns: true, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw invalid(name, null, (error as Error).message);
  }
}

function invalid(name: string, row: number | null, found: string): LaurelError {
  return new LaurelError('LAUREL_LABELS_INVALID', `expected rows with a text and a label from 0 to 1 in ${name}, got${row === null ? '' : ` in row ${row}`}: ${found}; nothing was written`, { name, row });
}
