import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelSourceSchema } from '../../../proto/reward-sources.js';
import { readHumanLabels } from '../../../workers/annotator/human-labels.js';
import { normalKey } from '../../../workers/annotator/normal-form.js';
import { pairOfKey } from '../../../workers/annotator/pair.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { SourceContexts } from '../../../workers/reward/models/source-contexts.js';
import { compileModelSource } from '../../../workers/reward/sources/model.js';
import { unitLevel } from '../../../workers/reward/units.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { readerOf } from '../../support/small-run.js';
import { annotatorSpec, Bench, segment, temporaryStore } from './support.js';

const GOLD = { kind: 'scripted', rules: [{ pattern: '^\\$ - ', probability: 0.9 }], otherwise: 0.1 };

describe('a normal form', () => {
  it('masks numbers', () => {
    expect(normalKey('digits', '$ - 17 gold pieces. You have 3 darts.')).toBe('$ - # gold pieces. You have # darts.');
    expect(normalKey('raw', '$ - 17 gold pieces.')).toBe('$ - 17 gold pieces.');
  });

  it.each([
    ['You see here a +1 long sword named Sting.', 'You see here *.'],
    ['You see here a scroll labeled FOOBIE BLETCH.', 'You see here *.'],
    ['c - an uncursed potion of healing.', '* - *.'],
    ['f - 2 cursed scrolls of light.', '* - *.'],
    ['You drink the murky potion.', 'You drink *.'],
    ['You kill the newt with your +2 dagger!', 'You kill the newt with *!'],
    ['The jackal eats the tripe ration.', 'The jackal eats *.'],
    ['You see here a worthless glass gem.', 'You see here *.'],
    ['The jackal bites! You drop your pair of iron shoes (being worn).', 'The jackal bites! You drop *.'],
  ])('of items masks what names them: %s', (text, form) => {
    expect(normalKey('items', text)).toBe(form);
  });

  it.each(['You kill the newt!', 'The door opens.', 'You swap places with your little dog.', 'There is a staircase down here.', 'Welcome to experience level #.', 'You hear the rumble of distant thunder...', '$ - # gold pieces.', 'The orc wields nothing.', 'The jackal drops to the floor.'])('of items leaves what is no item: %s', (text) => {
    expect(normalKey('items', text)).toBe(text);
  });

  it('of a form is the form itself, so that it can be looked up again', () => {
    for (const text of ['c - 3 blue potions.', 'You see here a dagger.', '$ - 17 gold pieces.']) for (const form of ['digits', 'items'] as const) expect(normalKey(form, normalKey(form, text))).toBe(normalKey(form, text));
  });
});

describe('an annotator that asks by normal form', () => {
  let store: LocalStore;
  let dispose: () => Promise<void>;
  let bench: Bench;
  beforeEach(async () => {
    ({ store, dispose } = await temporaryStore());
    bench = new Bench(store, annotatorSpec(GOLD, { normalForm: 'digits' }));
  });
  afterEach(async () => {
    await bench.annotator.close();
    await dispose();
  });
  const segments = async () => [await segment(store, 's', [['$ - 5 gold pieces.', '$ - 17 gold pieces.', 'You have 2 darts.', 'You have 9 darts.', 'A wall.']])];

  it('asks once about messages of one form, and rewards find the label by the same form', async () => {
    const result = await bench.annotate(await segments());
    expect(result).toMatchObject({ made: 3, waiting: 0 });
    expect((await bench.logged()).map(({ text }) => text)).toEqual(['A wall.', 'You have # darts.', '$ - # gold pieces.']);
    const texts = ['$ - 5 gold pieces.', '$ - 99 gold pieces.', 'You have 1 darts.', 'A wall.', 'A floor.'];
    const source = modelSourceSchema.parse({ kind: 'model', fit: 'retrieval', annotator: bench.spec });
    const level = unitLevel({ granularity: 'step', units: 5, envReward: new Float32Array(5), rewardNames: ['score'], textIndex: Int32Array.from([0, 1, 2, 3, 4]), texts, textCount: new Int32Array(5).fill(1) });
    const context = await new SourceContexts(store, readerOf(store)).of(source, result.log, null, texts);
    const { value, mask } = compileModelSource('helpful', source).evaluate(level, context) as RewardColumn;
    expect([...value]).toEqual([1, 1, 0, 0, 0]);
    // A number that was never seen is known; another message is not.
    expect([...mask]).toEqual([1, 1, 1, 1, 0]);
  });

  it('is another annotator than one that takes messages as they are, whose name stays', async () => {
    const idOf = async (change: Record<string, unknown>) => (await bench.annotator.openAnnotator({ annotator: annotatorSpec(GOLD, change) })).annotator;
    const ids = [await idOf({}), await idOf({ normalForm: 'raw' }), await idOf({ normalForm: 'digits' }), await idOf({ normalForm: 'items' })];
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it('compares forms where it asks about pairs, and never two messages of one form', async () => {
    const pairs = new Bench(store, annotatorSpec(GOLD, { normalForm: 'digits', mode: 'pairwise', pairs: { perSegment: 64 } }));
    const { log } = await pairs.annotate(await segments());
    const found = (await pairs.logged()).map(({ text }) => text);
    await pairs.annotator.close();
    expect(log.labels).toBe(3);
    expect(found).toHaveLength(3);
  });

  it('keeps what people say under the form too', () => {
    const [one] = readHumanLabels('text,label\n$ - 5 gold pieces.,1\n', 'f', 'me', '', 'pointwise', 'digits');
    expect(Buffer.from(one!.text).toString('latin1')).toBe('$ - # gold pieces.');
    const [pair] = readHumanLabels('text,second,choice\nYou have 2 darts.,$ - 5 gold pieces.,second\n', 'f', 'me', '', 'pairwise', 'digits');
    const { first, second } = pairOfKey(Buffer.from(pair!.text).toString('latin1'));
    expect([first, second].sort()).toEqual(['$ - # gold pieces.', 'You have # darts.']);
    expect(pair!.choice === 'first' ? first : second).toBe('$ - # gold pieces.');
  });
});
