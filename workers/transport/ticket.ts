/**
 * Tickets of artefacts. A plain key asks for the first Arrow stream of a file, so that any Flight client can read it;
 * `key#1` for the second (the boundary of a segment). JSON asks for more: `{"key", "whole": true}` for all bytes of the
 * file, `{"key", "columns": [...]}` for some columns of its first table.
 */
import { LaurelError } from '../../proto/errors.js';

export interface ArtifactTicket {
  readonly key: string;
  /** Which stream of the file, from 0; absent with `whole`. */
  readonly stream: number;
  readonly whole: boolean;
  readonly columns: readonly string[] | undefined;
}

export function wholeTicket(key: string): Uint8Array {
  return Buffer.from(JSON.stringify({ key, whole: true }));
}

export function columnsTicket(key: string, columns: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify({ key, columns }));
}

/** @throws LaurelError LAUREL_KEY_INVALID */
export function parseTicket(ticket: Uint8Array): ArtifactTicket {
  const text = Buffer.from(ticket).toString('utf8');
  if (!text.startsWith('{')) {
    const [key = '', stream = '0'] = text.split('#');
    return { key: checkedKey(key), stream: Number(stream) || 0, whole: false, columns: undefined };
  }
  let parsed: { key?: unknown; whole?: unknown; columns?: unknown };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw new LaurelError('LAUREL_KEY_INVALID', `expected a ticket of a key or JSON, got ${JSON.stringify(text.slice(0, 200))}`, {}, { cause });
  }
  const columns = Array.isArray(parsed.columns) ? parsed.columns.map(String) : undefined;
  return { key: checkedKey(typeof parsed.key === 'string' ? parsed.key : ''), stream: 0, whole: parsed.whole === true, columns };
}

/** Only tables of runs and label logs are served. */
function checkedKey(key: string): string {
  if (!/^(runs|labels)\/.*\.arrow$/.test(key)) throw new LaurelError('LAUREL_KEY_INVALID', `expected the key of a table (runs/… or labels/…, ending in .arrow), got ${JSON.stringify(key.slice(0, 200))}`);
  return key;
}
