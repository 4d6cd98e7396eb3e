/** Any text, judged by a principle in words; no examples, so a judge that follows an instruction is best. */
import type { PairwiseTemplate, PointwiseTemplate } from './prompt-template.js';

const TEXT_CHARACTERS_MAX = 4000;

export const principleV1: PointwiseTemplate = {
  name: 'principle-v1',
  mode: 'pointwise',
  question: 'A text is judged by this alone: {goal}\nDoes the text keep to it?',
  open: 'Text:',
  close: ' ->',
  words: { helpful: 'Yes', unhelpful: 'No' },
  textCharactersMax: TEXT_CHARACTERS_MAX,
  examples: [],
};

export const principlePairsV1: PairwiseTemplate = {
  name: 'principle-pairs-v1',
  mode: 'pairwise',
  question: 'Two texts are judged by this alone: {goal}\nWhich of them keeps to it better?',
  open: 'A:',
  between: '\nB:',
  close: '\nBetter:',
  words: { first: 'A', second: 'B', tie: 'Same' },
  textCharactersMax: TEXT_CHARACTERS_MAX,
  examples: [],
};
