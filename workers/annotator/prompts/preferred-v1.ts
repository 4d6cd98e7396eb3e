/** NetHack: which of two messages shows more progress. */
import type { PairwiseTemplate } from './prompt-template.js';

export const preferredV1: PairwiseTemplate = {
  name: 'preferred-v1',
  mode: 'pairwise',
  question: 'NetHack. The goal is to {goal}. Which of two messages shows more progress?',
  open: 'A:',
  between: '\nB:',
  close: '\nMore progress:',
  words: { first: 'A', second: 'B', tie: 'Same' },
  textCharactersMax: 256,
  examples: [
    { first: 'You kill the rat!', second: "You can't move there.", preferred: 'first' },
    { first: 'The door stays shut.', second: 'Welcome to experience level 3.', preferred: 'second' },
    { first: 'Nothing happens.', second: 'You see here a candle.', preferred: 'tie' },
    { first: 'You swap places with your pony.', second: '$ - 33 gold pieces.', preferred: 'second' },
    { first: 'You go down to dungeon level 2.', second: 'The arrow misses you.', preferred: 'first' },
    { first: 'The snake bites!', second: 'The door swings open.', preferred: 'second' },
    { first: 'You discover a secret door.', second: 'A pony is in your way.', preferred: 'first' },
    { first: 'Your foot hurts.', second: 'You feel sick.', preferred: 'tie' },
    { first: 'You destroy the skeleton!', second: 'Unknown key.', preferred: 'first' },
    { first: 'You cannot drink that!', second: 'There is a ladder down here.', preferred: 'second' },
  ],
};
