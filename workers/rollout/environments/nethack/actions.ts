/** The 28 actions: moves, long moves and a few commands, each as the key that the game reads. */

const control = (letter: string): number => letter.charCodeAt(0) & 0x1f;
const meta = (letter: string): number => letter.charCodeAt(0) | 0x80;
const plain = (letter: string): number => letter.charCodeAt(0);

/** Name and key of each action, in the order of the action ids. */
const TABLE = [
  ['more', control('m')],
  ['north', plain('k')],
  ['east', plain('l')],
  ['south', plain('j')],
  ['west', plain('h')],
  ['north-east', plain('u')],
  ['south-east', plain('n')],
  ['south-west', plain('b')],
  ['north-west', plain('y')],
  ['far-north', plain('K')],
  ['far-east', plain('L')],
  ['far-south', plain('J')],
  ['far-west', plain('H')],
  ['far-north-east', plain('U')],
  ['far-south-east', plain('N')],
  ['far-south-west', plain('B')],
  ['far-north-west', plain('Y')],
  ['up', plain('<')],
  ['down', plain('>')],
  ['wait', plain('.')],
  ['kick', control('d')],
  ['eat', plain('e')],
  ['search', plain('s')],
  ['cast', plain('Z')],
  ['quaff', plain('q')],
  ['pray', meta('p')],
  ['pickup', plain(',')],
  ['pay', plain('p')],
] as const;

export type ActionName = (typeof TABLE)[number][0];

export const ACTION_NAMES: readonly ActionName[] = TABLE.map(([name]) => name);
export const ACTION_KEYS: Uint8Array = Uint8Array.from(TABLE, ([, key]) => key);
export const ACTION_COUNT = TABLE.length;

/** Id of an action by its name. */
export function actionId(name: ActionName): number {
  return ACTION_NAMES.indexOf(name);
}

export const KEY = {
  escape: 27,
  space: 32,
  enter: 13,
  yes: plain('y'),
  no: plain('n'),
  firstItem: plain('a'),
  selectAll: plain('.'),
  /** The extended command that raises a skill. */
  enhance: meta('e'),
} as const;
