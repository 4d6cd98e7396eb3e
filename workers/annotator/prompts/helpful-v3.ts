/**
 * As helpful-v2, with four examples of what a run with it was paid for and should not have been, first of all its own death
 * (probability 0.50 of progress there, 0.04 here; docs/limits.md).
 */
import type { PointwiseTemplate } from './prompt-template.js';

export const helpfulV3: PointwiseTemplate = {
  mode: 'pointwise',
  name: 'helpful-v3',
  question: 'NetHack. The goal is to {goal}. Is this progress?',
  open: 'Message: "',
  close: '" ->',
  words: { helpful: 'Yes', unhelpful: 'No' },
  textCharactersMax: 400,
  examples: [
    { text: 'You kill the rat!', helpful: true },
    { text: "You can't move there.", helpful: false },
    { text: '$ - 33 gold pieces.', helpful: true },
    { text: 'Your pony kicks the rat. The rat is killed!', helpful: false },
    { text: 'You go down to dungeon level 2.', helpful: true },
    { text: 'The pony picks up 5 gold pieces.', helpful: false },
    { text: 'Welcome to experience level 5.', helpful: true },
    { text: 'The snake bites!', helpful: false },
    { text: '$ - 6 gold pieces. The snake bites!', helpful: true },
    { text: 'You swap places with your pony.', helpful: false },
    { text: 'You discover a secret door. You hear a noise.', helpful: true },
    { text: 'What do you want to wear? [abc or ?*]', helpful: false },
    { text: 'You destroy the skeleton! The bat bites!', helpful: true },
    { text: 'You die...', helpful: false },
    { text: 'A hole opens under you! You fall through.', helpful: true },
    { text: "You're finally finished.", helpful: false },
    { text: 'You swap places with your pony. $ - a gold piece.', helpful: true },
    { text: 'You miss the bat. The bat bites!', helpful: false },
    { text: 'You kill the newt!', helpful: true },
    { text: 'The pony drops a gold piece.', helpful: false },
    { text: 'You kill the orc! Welcome to experience level 3.', helpful: true },
    { text: 'The bat is killed! You hear a noise.', helpful: false },
    { text: 'The pony eats an apple. $ - 12 gold pieces.', helpful: true },
    { text: 'You read: "Beware of the d?g".', helpful: false },
    { text: 'There is a ladder down here.', helpful: true },
    { text: 'The pony misses the bat.', helpful: false },
    { text: '$ - 2 gold pieces. The pony drops a rock.', helpful: true },
    { text: 'The ghost blocks your way. You feel sick.', helpful: false },
    { text: 'You kill the snake! The pony picks up a candle.', helpful: true },
    { text: 'The stairs are solidly fixed to the floor.', helpful: false },
    { text: 'You feel stronger!', helpful: true },
    { text: 'b - a candle. The pony picks up a gold piece.', helpful: false },
  ],
};
