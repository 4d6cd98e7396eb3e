/** Texts of one group, each scored by a principle in words (as RewardAnything, arXiv 2506.03637, asks: all at once, names masked). */
import type { ListTemplate } from './list-prompt.js';

export const principleListV1: ListTemplate = {
  name: 'principle-list-v1',
  mode: 'listwise',
  question: 'Texts are judged by this alone: {goal}\nHow well does each of them keep to it?',
  task: 'Task:',
  reasoning: 'First say in one to three sentences how the texts differ in it.',
  scale: 'A score is a whole number from 1 (does not keep to it at all) to 5 (keeps to it fully); texts that keep to it alike have the same score, and the order in which they stand means nothing.',
  textCharactersMax: 4000,
};
