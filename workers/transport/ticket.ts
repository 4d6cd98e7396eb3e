/**
 * Tickets of artefacts. A plain key asks for the first Arrow stream of a file, so that any Flight client can read it;
 * `key#1` for the second (the boundary of a segment). JSON asks for more: `{"keys", "whole": true}` for all bytes of some
 * files, one after another; `{"keys", "columns": [...]}` for some columns of the first table of each, a stream for each.
 * `key` may stand for one key. With `digests`, one for each key, a file that has another digest is not served.
 */
import { LaurelError } from '../../proto/errors.js';

export interface ArtifactTicket {
  /** One at least; several only with `whole` or `columns`. */
  readonly keys: readonly string[];
  readonly digests: readonly string[] | undefined;
  /** Which stream of the file, from 0; without meaning with `whole`. */
  readonly stream: number;
  readonly whole: boolean;
  readonly columns: readonly string[] | undefined;
}

/** What is asked for; columns of more than one file come as one stream each. */
export interface TicketItem {
  readonly key: string;
  readonly digest: string;
}

/** Files that one call may ask for. */
export const KEYS_MAX = 256;

export function wholeTicket(keys: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify({ keys, whole: true }));
}

export function columnsTicket(items: readonly TicketItem[], columns: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify({ keys: items.map(({ key }) => key), digests: items.map(({ digest }) => digest), columns }));
}

/** @throws LaurelError LAUREL_KEY_INVALID */
export function parseTicket(ticket: Uint8Array): ArtifactTicket {
  const text = Buffer.from(ticket).toString('utf8');
  if (!text.startsWith('{')) {
    const [key = '', stream = '0'] = text.split('#');
    return { keys: [checkedKey(key)], digests: undefined, stream: Number(stream) || 0, whole: false, columns: undefined };
  }
  let parsed: { key?: unknown; keys?: unknown; digests?: unknown; whole?: unknown; columns?: unknown };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (cause) {
    throw new LaurelError('LAUREL_KEY_INVALID', `expected a ticket of a key or JSON, got ${JSON.stringify(text.slice(0, 200))}`, {}, { cause });
  }
  const keys = (Array.isArray(parsed.keys) ? parsed.keys : [parsed.key]).map((key) => checkedKey(typeof key === 'string' ? key : ''));
  if (keys.length === 0 || keys.length > KEYS_MAX) throw new LaurelError('LAUREL_KEY_INVALID', `expected 1 to ${KEYS_MAX} keys in a ticket, got ${keys.length}`);
  const digests = Array.isArray(parsed.digests) ? parsed.digests.map(String) : undefined;
  if (digests !== undefined && digests.length !== keys.length) throw new LaurelError('LAUREL_KEY_INVALID', `expected a digest for each of ${keys.length} keys, got ${digests.length}`);
  const columns = Array.isArray(parsed.columns) ? parsed.columns.map(String) : undefined;
  const whole = parsed.whole === true;
  if (keys.length > 1 && !whole && columns === undefined) throw new LaurelError('LAUREL_KEY_INVALID', 'expected `whole` or `columns` in a ticket of several keys');
  return { keys, digests, stream: 0, whole, columns };
}

/** Only tables of runs and label logs are served. */
function checkedKey(key: string): string {
  if (!/^(runs|labels)\/.*\.arrow$/.test(key)) throw new LaurelError('LAUREL_KEY_INVALID', `expected the key of a table (runs/… or labels/…, ending in .arrow), got ${JSON.stringify(key.slice(0, 200))}`);
  return key;
}
