/** Which characters NetHack has. For one that it has not, the game would ask, and then draw another. */

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

/** What is wrong with a character (`mon-hum-neu-mal`: role, race, alignment, gender), or undefined where the game has it. */
export function characterFault(character: string): string | undefined {
  const [role = '', race = '', alignment = '', gender = ''] = character.split('-');
  const allowed = ROLES[role];
  if (allowed === undefined) return `expected a character that the game has, got ${character}: roles are ${Object.keys(ROLES).join(', ')}`;
  const [races, alignments, genders] = allowed.map((list) => list.split(' ')) as [string[], string[], string[]];
  if (!races.includes(race)) return `expected a character that the game has, got ${character}: races of ${role} are ${races.join(', ')}`;
  const ofBoth = alignments.filter((one) => (RACE_ALIGNMENTS[race] ?? '').includes(one));
  if (!ofBoth.includes(alignment)) return `expected a character that the game has, got ${character}: alignments of ${role}-${race} are ${ofBoth.join(', ')}`;
  if (!genders.includes(gender)) return `expected a character that the game has, got ${character}: genders of ${role} are ${genders.join(', ')}`;
  return undefined;
}
