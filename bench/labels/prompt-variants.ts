/**
 * The prompts that were tried for NetHack messages, as data: `bench/prompts.ts` measures each on the development part of
 * `examples/labels`. None of their examples is in the set's held-out part.
 */
import { helpfulV1 } from '../../workers/annotator/prompts/helpful-v1.js';
import { helpfulV3 } from '../../workers/annotator/prompts/helpful-v3.js';
import type { PromptExample, PointwiseTemplate } from '../../workers/annotator/prompts/prompt-template.js';

export interface Variant {
  readonly name: string;
  readonly template: Omit<PointwiseTemplate, 'examples'>;
  readonly examples: Readonly<Record<GoalName, readonly PromptExample[]>>;
}

export const GOALS = {
  progress: 'kill monsters, gain levels, find gold and descend deeper into the dungeon',
  gold: 'collect gold',
} as const;
export type GoalName = keyof typeof GOALS;

type Labelled = readonly [text: string, progress: 0 | 1, gold: 0 | 1];

/** Made up in the manner of the game; each kind of message that the first prompts had wrong stands in it. */
const EXAMPLES: readonly Labelled[] = [
  ['You kill the rat!', 1, 0],
  ["You can't move there.", 0, 0],
  ['$ - 33 gold pieces.', 1, 1],
  ['Your pony kicks the rat. The rat is killed!', 0, 0],
  ['You go down to dungeon level 2.', 1, 0],
  ['The pony picks up 5 gold pieces.', 0, 0],
  ['Welcome to experience level 5.', 1, 0],
  ['The snake bites!', 0, 0],
  ['$ - 6 gold pieces. The snake bites!', 1, 1],
  ['You swap places with your pony.', 0, 0],
  ['You discover a secret door. You hear a noise.', 1, 0],
  ['What do you want to wear? [abc or ?*]', 0, 0],
  ['You destroy the skeleton! The bat bites!', 1, 0],
  ['You hear coins falling.', 0, 0],
  ['A hole opens under you! You fall through.', 1, 0],
  ['You see here a candle.', 0, 0],
  ['You swap places with your pony. $ - a gold piece.', 1, 1],
  ['You miss the bat. The bat bites!', 0, 0],
  ['The door swings open.', 1, 0],
  ['The pony drops a gold piece.', 0, 0],
  ['You kill the orc! Welcome to experience level 3.', 1, 0],
  ['The bat is killed! You hear a noise.', 0, 0],
  ['The pony eats an apple. $ - 12 gold pieces.', 1, 1],
  ['You read: "Beware of the d?g".', 0, 0],
  ['There is a ladder down here.', 1, 0],
  ['The pony misses the bat.', 0, 0],
  ['$ - 2 gold pieces. The pony drops a rock.', 1, 1],
  ['The ghost blocks your way. You feel sick.', 0, 0],
  ['You kill the snake! The pony picks up a candle.', 1, 0],
  ['The door is stuck.', 0, 0],
  ['You feel stronger!', 1, 0],
  ['b - a candle. The pony picks up a gold piece.', 0, 0],
];

const pick = (goal: GoalName, from: readonly Labelled[]): PromptExample[] => from.map(([text, progress, gold]) => ({ text, helpful: (goal === 'progress' ? progress : gold) === 1 }));
const both = (from: readonly Labelled[]): Variant['examples'] => ({ progress: pick('progress', from), gold: pick('gold', from) });
/** As many positives as can be, so that few examples still show both words: alternating in the list above. */
const FEW = (count: number): readonly Labelled[] => {
  const [gold, others] = [EXAMPLES.filter(([, , one]) => one === 1), EXAMPLES.filter(([, , one]) => one === 0)];
  const mixed = Array.from({ length: count / 4 }, (_, index) => [others[2 * index], others[2 * index + 1], gold[index % gold.length], others[2 * index + 11]].filter((one) => one !== undefined)).flat();
  return mixed;
};

const { examples: shipped, ...base } = helpfulV1;
const goldOf = (text: string): boolean => text.startsWith('$ - ');
const words = (helpful: string, unhelpful: string): Pick<PointwiseTemplate, 'words'> => ({ words: { helpful, unhelpful } });
const plain = (name: string, change: Partial<PointwiseTemplate>, from: readonly Labelled[]): Variant => ({ name, template: { ...base, ...change, name }, examples: both(from) });

export const VARIANTS: readonly Variant[] = [
  { name: 'helpful-v1: 32 examples, Yes/No', template: base, examples: { progress: shipped, gold: shipped.map(({ text }) => ({ text, helpful: goldOf(text) })) } },
  { name: 'helpful-v3: as helpful-v2, four examples changed', template: helpfulV3, examples: { progress: helpfulV3.examples, gold: helpfulV3.examples.map(({ text }) => ({ text, helpful: goldOf(text) })) } },
  plain('zero-shot, Yes/No', {}, []),
  plain('zero-shot, a sentence on both words', { question: 'Messages of the game NetHack. The goal is to {goal}. Good: the message says that this has just been achieved. Bad: anything else.', ...words('Good', 'Bad') }, []),
  plain('4 examples', {}, FEW(4)),
  plain('8 examples', {}, FEW(8)),
  plain('12 examples', {}, FEW(12)),
  plain('32 examples', {}, EXAMPLES),
  plain('32 examples, Good/Bad', words('Good', 'Bad'), EXAMPLES),
  plain('32 examples, A/B', { question: 'NetHack. The goal is to {goal}. A: this is progress. B: it is not.', ...words('A', 'B') }, EXAMPLES),
  plain('32 examples, True/False', words('True', 'False'), EXAMPLES),
  plain('32 examples, order reversed', {}, [...EXAMPLES].reverse()),
  plain('32 examples, positives first', {}, [...EXAMPLES].sort((a, b) => b[1] - a[1])),
  plain('32 examples, goal as a question', { question: 'NetHack. Did the player just {goal}?' }, EXAMPLES),
  plain('32 examples, no goal at all', { question: 'NetHack. Is this progress?' }, EXAMPLES),
  plain('32 examples, message in quotes', { open: 'Message: "', close: '" ->' }, EXAMPLES),
];
