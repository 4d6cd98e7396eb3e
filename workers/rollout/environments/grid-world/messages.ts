/** What the agent is told after an action. The texts say what happened, not what it is worth. */
import { CELL, COLOURS, CELL_COUNT, colourOf, isKey, isLocked, isOpen, type EventKind } from './world.js';

/** Longest message, in bytes. */
export const MESSAGE_BYTES_MAX = 64;

const NOTHING = new Uint8Array(0);

function nameOf(thing: number): string {
  if (thing < CELL.key) return 'thing';
  const colour = COLOURS[colourOf(thing)] as string;
  if (isKey(thing)) return `${colour} key`;
  if (isLocked(thing) || isOpen(thing)) return `${colour} door`;
  return `${colour} ${thing < CELL.box ? 'ball' : 'box'}`;
}

const SENTENCES: Readonly<Record<EventKind, (thing: string) => string>> = {
  none: () => '',
  wall: () => 'You bump into a wall.',
  locked: (thing) => `The ${thing} is locked. You have no key.`,
  'wrong-key': (thing) => `Your key does not fit the ${thing}.`,
  here: (thing) => `You see a ${thing} here.`,
  picked: (thing) => `You pick up the ${thing}.`,
  fixed: (thing) => `The ${thing} is too heavy to lift.`,
  'nothing-here': () => 'There is nothing here to pick up.',
  'hands-full': (thing) => `Your hands are full: you carry the ${thing}.`,
  unlocked: (thing) => `You unlock the ${thing} with the key. It opens.`,
  through: (thing) => `You walk through the ${thing}.`,
  goal: () => 'You reach the goal!',
};

/** Every message, made once: stepping makes no strings. */
const MESSAGES = Object.fromEntries(
  Object.entries(SENTENCES).map(([kind, sentence]) => [
    kind,
    Array.from({ length: CELL_COUNT }, (_, thing) => {
      const text = sentence(nameOf(thing));
      return text === '' ? NOTHING : new Uint8Array(Buffer.from(text, 'latin1'));
    }),
  ]),
) as Record<EventKind, Uint8Array[]>;

/** Latin-1 bytes; empty where nothing is to be said. Shared: not to be changed. */
export function messageOf(kind: EventKind, thing: number): Uint8Array {
  return MESSAGES[kind][thing] as Uint8Array;
}

/** Everything the grid world can say, for tests and for people who label. */
export function allMessages(): string[] {
  return [...new Set(Object.values(MESSAGES).flatMap((list) => list.map((bytes) => Buffer.from(bytes).toString('latin1'))))].filter((text) => text !== '').sort();
}
