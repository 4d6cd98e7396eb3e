/** The grid world: rooms, keys, doors and a goal. Shows each kind of message in colours that the world does not have. */
import type { PointwiseTemplate } from './prompt-template.js';

export const gridV2: PointwiseTemplate = {
  name: 'grid-v2',
  mode: 'pointwise',
  question: 'Grid world. The goal is to {goal}. Is this progress?',
  open: 'Message:',
  close: ' ->',
  words: { helpful: 'Yes', unhelpful: 'No' },
  textCharactersMax: 400,
  examples: [
    { text: 'The white door is locked.', helpful: false },
    { text: 'You see an orange box here.', helpful: false },
    { text: 'You walk through the white door.', helpful: true },
    { text: 'The white box is too heavy to lift.', helpful: false },
    { text: 'You unlock the orange door with the key. It opens.', helpful: true },
    { text: 'You bump into the wall again.', helpful: false },
    { text: 'You walk through the orange door.', helpful: true },
    { text: 'You bump into a pillar.', helpful: false },
    { text: 'You pick up the orange key.', helpful: true },
    { text: 'You unlock the white door with the key. It opens.', helpful: true },
    { text: 'You see a white ball here.', helpful: false },
    { text: 'You reach the exit!', helpful: true },
    { text: 'You come to the goal.', helpful: true },
    { text: 'Your key does not fit the white door.', helpful: false },
    { text: 'The orange door is locked. You have no key.', helpful: false },
    { text: 'You pick up the white key.', helpful: true },
    { text: 'There is nothing here.', helpful: false },
    { text: 'Your hands are full: you carry the white key.', helpful: false },
    { text: 'Your hands are full: you carry the orange key.', helpful: false },
  ],
};
