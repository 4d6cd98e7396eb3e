/** What a job may say about a NetHack environment, checked further than a schema can. */
import { environmentSchemas, type NetHackSpec } from '../../../../proto/environments.js';
import { LaurelError } from '../../../../proto/errors.js';

export type NetHackTask = NetHackSpec['task'];
export type NetHackObservation = NetHackSpec['observations'][number];

const TASKS: readonly NetHackTask[] = ['score', 'staircase', 'oracle'];
const RACE_ALIGNMENTS: Readonly<Record<string, string>> = { hum: 'law neu cha', elf: 'cha', dwa: 'law', gno: 'neu', orc: 'cha' };
/** Races, alignments and genders of each role. */
const ROLES: Readonly<Record<string, readonly [races: string, alignments: string, genders: string]>> = {
  arc: ['hum dwa gno', 'law neu', 'mal fem'],
  bar: ['hum orc', 'neu cha', 'mal fem'],
  cav: ['hum dwa gno', 'law neu', 'mal fem'],
  hea: ['hum gno', 'neu', 'mal fem'],
  kni: ['hum', 'law', 'mal fem'],
  mon: ['hum', 'law neu cha', 'mal fem'],
  pri: ['hum elf', 'law neu cha', 'mal fem'],
  ran: ['hum elf gno orc', 'neu cha', 'mal fem'],
  rog: ['hum orc', 'cha', 'mal fem'],
  sam: ['hum', 'law', 'mal fem'],
  tou: ['hum', 'neu', 'mal fem'],
  val: ['hum dwa', 'law neu', 'fem'],
  wiz: ['hum elf gno orc', 'neu cha', 'mal fem'],
};

/** Why the game has no such character, or undefined where it has: for another one the game would ask, and then draw one. */
function characterFault(character: string): string | undefined {
  const [role = '', race = '', alignment = '', gender = ''] = character.split('-');
  const allowed = ROLES[role];
  if (allowed === undefined) return `no role ${role}; roles are ${Object.keys(ROLES).join(', ')}`;
  const [races, alignments, genders] = allowed.map((list) => list.split(' ')) as [string[], string[], string[]];
  if (!races.includes(race)) return `${role} cannot be ${race}; races of ${role} are ${races.join(', ')}`;
  const ofBoth = alignments.filter((one) => (RACE_ALIGNMENTS[race] ?? '').includes(one));
  if (!ofBoth.includes(alignment)) return `${role}-${race} cannot be ${alignment}; alignments are ${ofBoth.join(', ')}`;
  if (!genders.includes(gender)) return `${role} cannot be ${gender}; genders are ${genders.join(', ')}`;
  return undefined;
}

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
  if (fault !== undefined) throw new LaurelError('LAUREL_JOB_INVALID', `environment.character: expected a character the game has, got ${options.character}: ${fault}`, { faults: [fault] });
  return options;
}
