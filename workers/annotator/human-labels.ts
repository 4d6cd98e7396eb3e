/** Labels that people made, as records of a label log. */
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { LaurelError } from '../../proto/errors.js';
import { PAIR_CHOICES, type AnnotatorMode, type NormalForm, type PairChoice } from '../../proto/judges.js';
import { ANSWER_VALUES } from './judges/label-words.js';
import { HUMAN, type LabelRecord } from './label-record.js';
import { normalKey } from './normal-form.js';
import { pairOf, pairText } from './pair.js';
import { textKey, textOfKey } from './text-key.js';

const messageRow = z.object({ text: z.string().min(1), label: z.coerce.number().min(0).max(1), note: z.string().nullish() });
const pairRow = z.object({ text: z.string().min(1), second: z.string().min(1), choice: z.enum(PAIR_CHOICES), note: z.string().nullish() });

type Row = { readonly text: Uint8Array; readonly label: number; readonly choice: PairChoice | null; readonly note: string | null | undefined };

/**
 * @param content CSV with a header that names `text` and `label` (pairwise: `text`, `second` and `choice`, which is
 * first, second or tie), or JSON Lines with these keys; further columns are left out, `note` is kept in the record's
 * reply. Text is Latin-1, one character for each byte of the message; the label is kept under its normal form.
 * @throws LaurelError LAUREL_LABELS_INVALID with the number of the row
 */
export function readHumanLabels(content: string, name: string, by: string, askedAt: string, mode: AnnotatorMode = 'pointwise', form: NormalForm = 'raw'): LabelRecord[] {
  return humanRecords(rowsOf(content, name), name, by, askedAt, mode, form);
}

/** As `readHumanLabels`, of rows that are parsed. */
export function humanRecords(rows: readonly unknown[], name: string, by: string, askedAt: string, mode: AnnotatorMode = 'pointwise', form: NormalForm = 'raw'): LabelRecord[] {
  return rows.map((row, index) => {
    const { text, label, choice, note } = mode === 'pairwise' ? readPair(row, name, index, form) : readMessage(row, name, index, form);
    const pair = mode === 'pairwise' ? { mode, choice } : {};
    return { ...pair, text, label, status: 'ok', reply: JSON.stringify({ by, ...(note == null ? {} : { note }) }), model: HUMAN, promptHash: '', tokensIn: 0, tokensOut: 0, latencyMs: 0, attempt: 1, askedAt };
  });
}

function readMessage(row: unknown, name: string, index: number, form: NormalForm): Row {
  const parsed = messageRow.safeParse(row);
  if (!parsed.success) throw invalid(name, index + 1, 'a text and a label from 0 to 1', z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '));
  const { text, label, note } = parsed.data;
  return { text: bytesOf(text, name, index, form), label, choice: null, note };
}

/** The log has one order for two messages; a choice that was made in the other is turned with them. */
function readPair(row: unknown, name: string, index: number, form: NormalForm): Row {
  const parsed = pairRow.safeParse(row);
  if (!parsed.success) throw invalid(name, index + 1, `text, second and choice (${PAIR_CHOICES.join(', ')})`, z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '));
  const { text, second, choice, note } = parsed.data;
  const question = pairText(bytesOf(text, name, index, form), bytesOf(second, name, index, form));
  const turned = textKey(pairOf(question).first) !== normalKey(form, text);
  const kept = !turned || choice === 'tie' ? choice : choice === 'first' ? 'second' : 'first';
  return { text: question, label: ANSWER_VALUES[kept] as number, choice: kept, note };
}

function bytesOf(text: string, name: string, index: number, form: NormalForm): Uint8Array {
  // eslint-disable-next-line no-control-regex -- the range of Latin-1 itself
  if (!/^[\u0000-\u00ff]*$/.test(text)) throw invalid(name, index + 1, 'a text of Latin-1 characters', 'a character beyond Latin-1: messages are bytes');
  return textOfKey(normalKey(form, text));
}

/** Rows of CSV with a header or of JSON Lines. @throws LaurelError LAUREL_LABELS_INVALID */
export function rowsOf(content: string, name: string): unknown[] {
  try {
    if (content.trimStart().startsWith('{')) return content.split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown);
    return parse(content, { columns: true, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw invalid(name, null, 'CSV or JSON Lines', (error as Error).message);
  }
}

function invalid(name: string, row: number | null, wanted: string, found: string): LaurelError {
  return new LaurelError('LAUREL_LABELS_INVALID', `expected rows with ${wanted} in ${name}, got${row === null ? '' : ` in row ${row}`}: ${found}; nothing was written`, { name, row });
}
