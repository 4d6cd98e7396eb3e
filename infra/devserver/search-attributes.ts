/** The search attributes of a run, and their registration on a server of one's own. */
import type { Connection } from '@temporalio/client';
import { LaurelError } from '../../proto/errors.js';

/** Name and type as `temporal operator search-attribute create` takes them. */
export const SEARCH_ATTRIBUTES = {
  LaurelState: 'Keyword',
  LaurelTask: 'Keyword',
  LaurelVersion: 'Int',
  LaurelNeedsAttention: 'Bool',
} as const;

/** Numbers of temporal.api.enums.v1.IndexedValueType. */
const VALUE_TYPES = { Keyword: 2, Int: 3, Bool: 5 } as const;

/** How a person registers what is missing, as a command to copy. */
export function registrationCommand(names: readonly (keyof typeof SEARCH_ATTRIBUTES)[], namespace: string): string {
  const pairs = names.map((name) => `--name ${name} --type ${SEARCH_ATTRIBUTES[name]}`).join(' ');
  return `temporal operator search-attribute create --namespace ${namespace} ${pairs}`;
}

export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<(keyof typeof SEARCH_ATTRIBUTES)[]> {
  const present = await connection.operatorService.listSearchAttributes({ namespace });
  const names = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];
  return names.filter((name) => present.customAttributes?.[name] === undefined);
}

/**
 * Registers the missing ones. Without them no run can start: Temporal refuses attributes that it does not know.
 * @returns the names that were added.
 * @throws LaurelError LAUREL_SERVER_UNREACHABLE where this user may not, with the command for one who may.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string, timeoutMs = 20_000): Promise<readonly string[]> {
  let missing: (keyof typeof SEARCH_ATTRIBUTES)[] = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];
  try {
    missing = await missingSearchAttributes(connection, namespace);
    if (missing.length === 0) return [];
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, VALUE_TYPES[SEARCH_ATTRIBUTES[name]]]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    const deadline = Date.now() + timeoutMs;
    while ((await missingSearchAttributes(connection, namespace)).length > 0) {
      if (Date.now() > deadline) throw new Error(`not visible after ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return missing;
  } catch (cause) {
    throw new LaurelError(
      'LAUREL_SERVER_UNREACHABLE',
      `expected the search attributes ${missing.join(', ')} in namespace ${namespace}, and could not register them (${(cause as Error).message}); let someone who may run: ${registrationCommand(missing, namespace)}`,
      { namespace, missing },
      { cause },
    );
  }
}
