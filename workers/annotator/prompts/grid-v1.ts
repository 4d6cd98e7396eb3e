/** The grid world: rooms, keys, doors and a goal. */
import type { PointwiseTemplate } from './prompt-template.js';

export const gridV1: PointwiseTemplate = {
  name: 'grid-v1',
  mode: 'pointwise',
  question: 'Grid world. The goal is to {goal}. Is this progress?',
  open: 'Message:',
  close: ' ->',
  words: { helpful: 'Yes', unhelpful: 'No' },
  textCharactersMax: 400,
  examples: [
    { text: 'You bump into a wall.', helpful: false },
    { text: 'You pick up the green key.', helpful: true },
    { text: 'The door is locked.', helpful: false },
    { text: 'You unlock the door with the key.', helpful: true },
    { text: 'You see nothing of interest.', helpful: false },
    { text: 'You walk through the door.', helpful: true },
    { text: 'There is nothing here to pick up.', helpful: false },
    { text: 'You reach the goal!', helpful: true },
  ],
};
