/**
 * As helpful-v2, with four examples changed: three messages that a run with it was paid for and should not have been, first of
 * all its own death (probability 0.50 of progress there, 0.04 here; docs/limits.md), and a kill of the player's own.
 */
import { helpfulV2 } from './helpful-v2.js';
import type { PointwiseTemplate } from './prompt-template.js';

/** What stands in the place of which text; whether it is progress stays. */
const CHANGED: Readonly<Record<string, string>> = {
  'You hear coins falling.': 'You die...',
  'You see here a candle.': "You're finally finished.",
  'The door swings open.': 'You kill the newt!',
  'The door is stuck.': 'The stairs are solidly fixed to the floor.',
};

export const helpfulV3: PointwiseTemplate = {
  ...helpfulV2,
  name: 'helpful-v3',
  examples: helpfulV2.examples.map(({ text, helpful }) => ({ text: CHANGED[text] ?? text, helpful })),
};
