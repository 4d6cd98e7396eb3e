import { afterEach, describe, expect, it } from 'vitest';
import { characterFault } from '../../../proto/nethack-characters.js';
import { createStepOutcome } from '../../../workers/rollout/environments/environment.js';
import { STATISTIC_NAMES } from '../../../workers/rollout/environments/nethack/statistics.js';
import { closeGroups, drawActions, isPlayable, openGroup, type Playing } from './nethack-support.js';

/** A way down: seed and recorded actions to level 2 (13 actions) and on to level 3. */
const STAIRS = { seed: { high: 7, low: 11 }, toLevel2: 'CFBBBBCBCCFBS', onToLevel3: 'BFFBBBBBBCCCCCCEEEEEEEDIEEEEEEBBBBCFHEEBBCHHEEDDDDDCCBBCBBIEEEEEDDCCDDDDCCHDCCCDCCCCBCCCCCCCCCCCCCCCCCCCGS' } as const;
/** A Valkyrie's way to the Oracle on level 7. */
const ORACLE = {
  seed: { high: 7, low: 447 },
  actions:
    'BBEEEEEEEEEEBFHHDCEEBHCFFIEIEEDDEEEDEDEBEDEBEDEBEHSBBBFBCCBCCBCCCCBBIEEIISEIIEDDEEEDDDEDDCCCCCCEEEEEHDDDDEHEIIEBBBCBCCCCEEEHHHDHEEEEEEHSFFFBBBCBCCCCBBBSEEIEBBBBBEIGGDGCCCBBBBCCCBCCCCCCCSCFFFBBEBEBBDDGGDGCGGCCCCCCCCCEEEEEEEEEIBCCCCCCCCCCCCCCCCCGSEEEDEEEEHEEEDDDEBBBBBBBBBBBCCCCBCCCCCCCCCCDHHHHEHEEEHEEHHHGDDEFBIIBBIIIHD',
} as const;
/** A falling rock trap beside the first stairs. */
const DEATH = { seed: { high: 3, low: 250 }, actions: 'NHN' } as const;

const statistic = (playing: Playing, name: string): number => (playing.group.observations['statistics'] as Float32Array)[STATISTIC_NAMES.indexOf(name)] as number;

afterEach(closeGroups);

describe.runIf(isPlayable)('a group of NetHack games', () => {
  it('shows the first map: greeting, hero in the middle of the crop, statistics of a new monk', async () => {
    const playing = await openGroup();
    playing.start(STAIRS.seed);
    expect(playing.message()).toBe('Hello Agent, welcome to NetHack!  You are a neutral male human Monk.');
    const humanMonk = 333;
    expect((playing.group.observations['glyphs_crop'] as Int16Array)[40]).toBe(humanMonk);
    expect(statistic(playing, 'hitPoints')).toBeCloseTo(Math.log1p(14), 6);
    expect(statistic(playing, 'hitPointShare')).toBe(1);
    expect(statistic(playing, 'depth')).toBe(1);
    expect(statistic(playing, 'turn')).toBeCloseTo(Math.log(2), 6);
  });

  it('begins as every character that a job may name', async () => {
    const words: Readonly<Record<string, string>> = { law: 'lawful', neu: 'neutral', cha: 'chaotic', hum: 'human', elf: 'elven', dwa: 'dwarven', gno: 'gnomish', orc: 'orcish' };
    const roles = 'arc bar cav hea kni mon pri ran rog sam tou val wiz'.split(' ');
    const all = roles.flatMap((role) => ['hum', 'elf', 'dwa', 'gno', 'orc'].flatMap((race) => ['law', 'neu', 'cha'].flatMap((alignment) => ['mal', 'fem'].map((gender) => [role, race, alignment, gender].join('-')))));
    const characters = all.filter((character) => characterFault(character) === undefined);
    expect(characters).toHaveLength(73);
    for (const character of characters) {
      const playing = await openGroup({ character, observations: ['message'] });
      // Where something lies on the first square, that is told last: another dungeon then.
      for (let low = 0; low < 10 && !playing.message().includes('You are a'); low++) playing.start({ high: 7, low });
      const [role, race, alignment] = character.split('-') as [string, string, string];
      const own = `${words[alignment]} (fe)?(male )?${words[race]} ${role}`;
      expect(playing.message().replace(/\s+/g, ' ')).toMatch(new RegExp(`You are a ${own}`, 'i'));
      closeGroups();
    }
  });

  it('fills buffers of exactly the types and shapes that its spaces name', async () => {
    const playing = await openGroup({ observations: ['glyphs', 'statistics', 'message', 'glyphs_crop'] }, 2);
    const { observations, spaces } = playing.group;
    expect(Object.keys(observations)).toEqual(['glyphs', 'statistics', 'message', 'glyphs_crop']);
    const types = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };
    for (const [name, space] of Object.entries(spaces.observations)) {
      expect(observations[name]).toBeInstanceOf(types[space.type]);
      expect(observations[name]?.length).toBe(2 * space.shape.reduce((product, size) => product * size, 1));
    }
    playing.start(STAIRS.seed, 1);
    const glyphs = observations['glyphs'] as Int16Array;
    expect(glyphs.subarray(0, 1659).every((glyph) => glyph === 0)).toBe(true);
    const crop = observations['glyphs_crop'] as Int16Array;
    expect(glyphs[1659 + 15 * 79 + 21]).toBe(crop[81 + 40]);
  });

  it('keeps the message of the descent, though another screen follows, and counts the level as score', async () => {
    const playing = await openGroup({ task: 'score' });
    playing.start(STAIRS.seed);
    const { text, reward } = playing.replay(STAIRS.toLevel2);
    expect(text).toBe('You descend the stairs.');
    expect(playing.message()).toBe(text);
    expect(playing.reward()).toBe(50);
    expect(reward).toBeGreaterThan(49.9);
    expect(playing.outcome.terminated[0]).toBe(0);
    expect(playing.statistic('dungeonLevel')).toBe(2);
  });

  it('pays for the wanted level only, and ends there (staircase)', async () => {
    const playing = await openGroup({ task: 'staircase', level: 3 });
    playing.start(STAIRS.seed);
    expect(playing.replay(STAIRS.toLevel2)).toEqual({ text: 'You descend the stairs.', reward: 0 });
    expect(playing.outcome.terminated[0]).toBe(0);
    expect(playing.replay(STAIRS.onToLevel3)).toEqual({ text: 'You descend the stairs.', reward: 50 });
    expect(playing.outcome.terminated[0]).toBe(1);
    expect(playing.outcome.truncated[0]).toBe(0);
    expect(playing.statistic('success')).toBe(1);
  });

  it('pays beside the Oracle, and ends there (oracle)', async () => {
    const playing = await openGroup({ task: 'oracle', character: 'val-dwa-law-fem' });
    playing.start(ORACLE.seed);
    expect(playing.replay(ORACLE.actions.slice(0, -1)).reward).toBe(0);
    expect(playing.outcome.terminated[0]).toBe(0);
    expect(playing.replay(ORACLE.actions.slice(-1)).reward).toBe(50);
    expect(playing.outcome.terminated[0]).toBe(1);
  });

  it('takes a hundredth for a step in which time stands still (score)', async () => {
    const playing = await openGroup({ character: 'val-hum-neu-fem' });
    playing.start(STAIRS.seed);
    expect(playing.act('pay')).toBe('There appears to be no shopkeeper here to receive your payment.');
    expect(playing.reward()).toBeCloseTo(-0.01, 7);
    playing.act('wait');
    expect(playing.reward()).toBe(0);
  });

  it('keeps the terminal message and the last map of a death, and wants a reset before it goes on', async () => {
    const playing = await openGroup();
    playing.start(DEATH.seed);
    expect(playing.replay(DEATH.actions).text).toBe('You die...');
    expect(playing.outcome.terminated[0]).toBe(1);
    expect(playing.outcome.failed[0]).toBe(0);
    expect(playing.message()).toBe('You die...');
    expect(statistic(playing, 'hitPoints')).toBe(0);
    expect(statistic(playing, 'depth')).toBe(1);
    expect(playing.statistic('exploredSquares')).toBe(64);
    expect(() => playing.act('wait')).toThrow(/reset it before the next step/);
    playing.start(DEATH.seed);
    expect(playing.message()).toContain('welcome to NetHack');
    expect(playing.statistic('turns')).toBe(1);
  });

  it('truncates at the step limit, which is not an end of the game', async () => {
    const playing = await openGroup({ episodeStepsMax: 5 });
    playing.start(STAIRS.seed);
    playing.replay('AAAA');
    expect(playing.outcome.truncated[0]).toBe(0);
    playing.replay('A');
    expect([playing.outcome.truncated[0], playing.outcome.terminated[0]]).toEqual([1, 0]);
    expect(() => playing.act('wait')).toThrow(/reset it/);
  });

  it('steps only the environments it is told to, and leaves the others as they are', async () => {
    const playing = await openGroup({}, 3);
    for (let index = 0; index < 3; index++) playing.start(STAIRS.seed, index);
    const outcome = createStepOutcome(playing.group.spaces, 3);
    outcome.rewards.fill(7);
    const before = Float32Array.from(playing.group.observations['statistics'] as Float32Array);
    playing.group.step(Int32Array.of(19, 19, 19), outcome, [1]);
    expect([...outcome.rewards]).toEqual([7, 0, 7]);
    const after = playing.group.observations['statistics'] as Float32Array;
    const row = before.length / 3;
    expect(after.subarray(0, row)).toEqual(before.subarray(0, row));
    expect(after.subarray(2 * row)).toEqual(before.subarray(2 * row));
    expect(after[row + STATISTIC_NAMES.indexOf('turn')]).toBeCloseTo(Math.log1p(2), 6);
  });

  it('refuses actions that do not exist', async () => {
    const playing = await openGroup();
    playing.start(STAIRS.seed);
    expect(() => playing.act(28)).toThrow(/expected an action from 0 to 27 for environment 0, got 28/);
  });

  it('plays 64 games beside each other, each as if it were alone', async () => {
    const many = await openGroup({ observations: ['message', 'statistics'] }, 64);
    const alone = await openGroup({ observations: ['message', 'statistics'] });
    const draws = Array.from({ length: 64 }, (_, index) => drawActions(index));
    for (let index = 0; index < 64; index++) many.start({ high: 2, low: index }, index);
    const actions = new Int32Array(64);
    const ended = new Set<number>();
    for (let step = 0; step < 40; step++) {
      const running = draws.flatMap((draw, index) => ((actions[index] = draw(step)), ended.has(index) ? [] : [index]));
      many.group.step(actions, many.outcome, running);
      for (const index of running) if (many.outcome.terminated[index] === 1) ended.add(index);
    }
    const statistics = many.group.observations['statistics'] as Float32Array;
    const row = statistics.length / 64;
    for (const index of [0, 31, 63]) {
      alone.start({ high: 2, low: index });
      for (let step = 0; step < 40 && (step === 0 || alone.outcome.terminated[0] !== 1); step++) alone.act((draws[index] as (step: number) => number)(step));
      expect(alone.group.observations['statistics']).toEqual(statistics.slice(index * row, index * row + row));
    }
  }, 60_000);
});
