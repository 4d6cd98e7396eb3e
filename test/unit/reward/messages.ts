/** Messages of a small made-up game, and what is helpful in it by a rule that a network can learn from characters. */
import { CounterRandom } from '../../../proto/philox.js';
import type { LabelRecord } from '../../../workers/annotator/label-record.js';

const WHO = ['newt', 'jackal', 'kobold', 'sewer rat', 'grid bug', 'goblin', 'acid blob', 'gnome lord', 'hill orc', 'giant ant', 'floating eye', 'lichen', 'fox', 'homunculus', 'rock piercer'];
const THINGS = ['dagger', 'scroll', 'food ration', 'apple', 'candle', 'ring mail', 'large box', 'wand', 'potion', 'iron chain'];
const PLACES = ['door', 'wall', 'altar', 'fountain', 'corridor', 'boulder', 'stairs', 'sink', 'grave', 'throne'];
const HELPFUL = [(a: string) => `You kill the ${a}!`, (a: string, n: number) => `The ${a} dies. You see ${n} gold pieces.`, (a: string, n: number) => `You find ${n} gold pieces under the ${a}.`];
const OTHER = [(a: string) => `You see here a ${a}.`, (a: string, n: number) => `The ${a} misses you ${n} times.`, (a: string) => `You bump into the ${a}.`, (a: string, n: number) => `There are ${n} ${a}s in your way.`];

export interface Told {
  readonly text: string;
  readonly helpful: boolean;
}

/** `count` distinct messages, a third of them helpful; a pure function of the seed. */
export function messages(count: number, seed = 1): Told[] {
  const random = new CounterRandom(seed, 'test');
  const nouns = [...WHO, ...THINGS, ...PLACES];
  const told = new Map<string, Told>();
  for (let draw = 0; told.size < count; draw++) {
    const [kind, form, noun, number] = random.at(draw) as unknown as [number, number, number, number];
    const helpful = kind % 3 === 0;
    const forms = helpful ? HELPFUL : OTHER;
    const text = forms[form % forms.length]!(nouns[noun % nouns.length]!, 2 + (number % 40));
    if (!told.has(text)) told.set(text, { text, helpful });
  }
  return [...told.values()];
}

export function labelled(text: string, label: number): LabelRecord {
  return { text: Buffer.from(text, 'latin1'), label, status: 'ok', reply: 'yes', model: 'm', promptHash: 'p', tokensIn: 1, tokensOut: 1, latencyMs: 1, attempt: 1, askedAt: '2026-01-01T00:00:00.000Z' };
}
