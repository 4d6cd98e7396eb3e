import { describe, expect, it } from 'vitest';
import { GOAL_NAMES, GOAL_PRESETS, type GoalPreset } from '../../../proto/goals.js';
import { annotatorSchema } from '../../../proto/judges.js';
import { promptOf } from '../../../workers/annotator/prompts/registry.js';
import { helpfulV2 } from '../../../workers/annotator/prompts/helpful-v2.js';

const annotator = (change: Record<string, unknown>) => annotatorSchema.parse({ judge: { kind: 'scripted' }, prompt: 'helpful-v2', ...change });

describe('a goal', () => {
  it.each(GOAL_NAMES)('by the name %s becomes its words, and examples whose labels fit it', (preset) => {
    const spec = annotator({ goal: { preset } });
    const { text, examples } = GOAL_PRESETS[preset] as GoalPreset;
    expect(spec.goal).toBe(text);
    expect(spec.examples).toEqual(examples);
    const prompt = promptOf(spec);
    expect(prompt.prefix).toContain(`The goal is to ${text}.`);
    for (const example of examples ?? (helpfulV2.examples as NonNullable<GoalPreset['examples']>)) expect(prompt.prefix).toContain(`Message: "${` ${example.text}`}" -> ${example.helpful ? 'Yes' : 'No'}`);
  });

  it('labels a message by what is wanted: a kill is progress for combat and not for gold, and the other way round', () => {
    const labelOf = (preset: 'combat' | 'gold' | 'descent', text: string) => annotator({ goal: { preset } }).examples?.find((one) => one.text === text)?.helpful;
    expect([labelOf('combat', 'You kill the rat!'), labelOf('gold', 'You kill the rat!')]).toEqual([true, false]);
    expect([labelOf('combat', '$ - 33 gold pieces.'), labelOf('gold', '$ - 33 gold pieces.')]).toEqual([false, true]);
    expect([labelOf('descent', 'You go down to dungeon level 2.'), labelOf('combat', 'You go down to dungeon level 2.')]).toEqual([true, false]);
    for (const preset of ['combat', 'gold', 'descent'] as const) expect(labelOf(preset, 'Your pony kicks the rat. The rat is killed!')).toBe(false);
  });

  it('in free words is taken as it is, and examples of the job win over those of a preset', () => {
    expect(annotator({ goal: 'find the Oracle' })).toMatchObject({ goal: 'find the Oracle' });
    expect(annotator({ goal: 'find the Oracle' }).examples).toBeUndefined();
    const own = [{ text: 'Hello.', helpful: true }];
    expect(annotator({ goal: { preset: 'gold' }, examples: own })).toMatchObject({ goal: 'collect gold', examples: own });
    expect(annotator({ goal: { preset: 'gold' }, mode: 'pairwise', prompt: null }).examples).toBeUndefined();
    expect(() => annotator({ goal: { preset: 'glod' } })).toThrow();
  });

  it('resolved once is resolved for good: the words of a preset give the same annotator again', () => {
    const spec = annotator({ goal: { preset: 'combat' } });
    expect(annotatorSchema.parse(spec)).toEqual(spec);
    expect(promptOf(annotatorSchema.parse(spec)).hash).toBe(promptOf(spec).hash);
  });
});
