/** What a job may say about a NetHack environment, checked further than a schema can. */
import { environmentSchemas, type NetHackSpec } from '../../../../proto/environments.js';
import { LaurelError } from '../../../../proto/errors.js';
import { characterFault } from '../../../../proto/nethack-characters.js';

export type NetHackTask = NetHackSpec['task'];
export type NetHackObservation = NetHackSpec['observations'][number];

const TASKS: readonly NetHackTask[] = ['score', 'staircase', 'oracle'];
/**
 * Options with all defaults in place.
 * @throws LaurelError LAUREL_ENVIRONMENT_UNKNOWN for another kind or a task that does not exist, LAUREL_JOB_INVALID for any other fault.
 */
export function parseNetHackOptions(input: unknown): NetHackSpec {
  const { kind, task } = (input ?? {}) as { kind?: unknown; task?: unknown };
  if (kind !== 'nethack') throw new LaurelError('LAUREL_ENVIRONMENT_UNKNOWN', `expected environment kind "nethack", got ${JSON.stringify(kind)}; name the kind in the job's environment`);
  if (task !== undefined && !TASKS.includes(task as NetHackTask)) {
    throw new LaurelError('LAUREL_ENVIRONMENT_UNKNOWN', `expected a NetHack task of ${TASKS.join(', ')}, got ${JSON.stringify(task)}; correct environment.task`);
  }
  const parsed = environmentSchemas.safeParse(input);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `environment${['', ...issue.path].join('.')}: ${issue.message}`);
    throw new LaurelError('LAUREL_JOB_INVALID', `the NetHack environment has ${faults.length} fault(s): ${faults.join('; ')}`, { faults });
  }
  const options = parsed.data as NetHackSpec;
  const fault = characterFault(options.character);
  if (fault !== undefined) throw new LaurelError('LAUREL_JOB_INVALID', `environment.character: ${fault}`, { faults: [fault] });
  return options;
}
