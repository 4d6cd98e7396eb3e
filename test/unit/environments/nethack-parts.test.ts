import { describe, expect, it } from 'vitest';
import type { NetHackSpec } from '../../../proto/environments.js';
import { errorCodeOf } from '../../../proto/errors.js';
import { resolveJob } from '../../../proto/resolve.js';
import { ACTION_COUNT, ACTION_KEYS, ACTION_NAMES } from '../../../workers/rollout/environments/nethack/actions.js';
import { GLYPH_BLANK, GLYPH_ORACLE, MAP_COLUMNS, MAP_SQUARES, STATUS, STATUS_COUNT } from '../../../workers/rollout/environments/nethack/layout.js';
import { CROP_SQUARES, countSeen, Exploration, GLYPH_OUTSIDE, isBesideOracle, writeCrop } from '../../../workers/rollout/environments/nethack/map.js';
import { parseNetHackOptions } from '../../../workers/rollout/environments/nethack/options.js';
import { nethackSpaces } from '../../../workers/rollout/environments/nethack/spaces.js';
import { CONDITION_HALLUCINATING, STATISTIC_COUNT, STATISTIC_NAMES, STATISTIC_SCALES, writeStatistics } from '../../../workers/rollout/environments/nethack/statistics.js';
import { TASKS, type StepFacts, type TaskResult } from '../../../workers/rollout/environments/nethack/tasks.js';

function failure(input: unknown): { code: string | undefined; message: string } {
  try {
    parseNetHackOptions(input);
  } catch (error) {
    return { code: errorCodeOf(error), message: (error as Error).message };
  }
  throw new Error('expected an error');
}

describe('options of a NetHack environment', () => {
  it('have defaults for all but the kind', () => {
    expect(parseNetHackOptions({ kind: 'nethack' })).toEqual({
      kind: 'nethack',
      task: 'score',
      episodeStepsMax: 5000,
      character: 'mon-hum-neu-mal',
      level: 3,
      observations: ['glyphs_crop', 'message', 'statistics'],
    });
  });

  it('are refused with the code and the names that tell what is wrong', () => {
    expect(failure({ kind: 'nethak' })).toEqual({ code: 'LAUREL_ENVIRONMENT_UNKNOWN', message: expect.stringContaining('"nethak"') });
    expect(failure(null).code).toBe('LAUREL_ENVIRONMENT_UNKNOWN');
    expect(failure({ kind: 'nethack', task: 'ascend' })).toEqual({ code: 'LAUREL_ENVIRONMENT_UNKNOWN', message: expect.stringContaining('score, staircase, oracle') });
    expect(failure({ kind: 'nethack', episodeStepsMax: 0 })).toEqual({ code: 'LAUREL_JOB_INVALID', message: expect.stringContaining('environment.episodeStepsMax') });
    expect(failure({ kind: 'nethack', colour: 'red' })).toEqual({ code: 'LAUREL_JOB_INVALID', message: expect.stringContaining('colour') });
  });

  it.each([
    ['xyz-hum-neu-mal', 'roles are arc'],
    ['sam-elf-law-mal', 'races of sam are hum'],
    ['pri-elf-law-mal', 'alignments of pri-elf are cha'],
    ['val-hum-neu-mal', 'genders of val are fem'],
  ])('do not take the character %s, which the game would replace by another', (character, reason) => {
    expect(failure({ kind: 'nethack', character })).toEqual({ code: 'LAUREL_JOB_INVALID', message: expect.stringContaining(reason) });
  });
});

describe('a job with a NetHack environment', () => {
  it('is refused before it starts when the game has no such character', () => {
    const job = { name: 'a', environment: { kind: 'nethack', character: 'val-hum-neu-mal' }, sources: { game: { kind: 'env' } }, combine: { op: 'linear', weights: { game: 1 } }, stop: { versions: 1 } };
    expect(() => resolveJob(job)).toThrow(/environment\.character: .*genders of val are fem/);
    expect(resolveJob({ ...job, environment: { kind: 'nethack', character: 'val-hum-neu-fem' } }).environment).toMatchObject({ character: 'val-hum-neu-fem' });
  });
});

describe('spaces of a NetHack environment', () => {
  it('are known from the options alone', () => {
    const spaces = nethackSpaces(parseNetHackOptions({ kind: 'nethack', task: 'oracle', observations: ['message', 'glyphs', 'message'] }));
    expect(Object.keys(spaces.observations)).toEqual(['message', 'glyphs']);
    expect(spaces.observations['glyphs']).toEqual({ type: 'int16', shape: [21, 79], kind: 'glyphs', vocabulary: 5977 });
    expect(spaces.rewards).toEqual(['oracle']);
    expect(spaces.action).toEqual({ kind: 'discrete', count: 28, names: ACTION_NAMES });
  });

  it('have 28 different actions and a name and scale for each statistic', () => {
    expect(ACTION_COUNT).toBe(28);
    expect(new Set(ACTION_KEYS).size).toBe(28);
    expect(new Set(STATISTIC_NAMES).size).toBe(STATISTIC_COUNT);
    expect(STATISTIC_SCALES).toHaveLength(STATISTIC_COUNT);
    expect(STATISTIC_SCALES.every((scale) => scale > 0)).toBe(true);
  });
});

describe('the map', () => {
  const glyphs = Int16Array.from({ length: MAP_SQUARES }, (_, square) => square);

  it('is cropped around the hero', () => {
    const out = new Int16Array(1 + CROP_SQUARES);
    writeCrop(out, 1, glyphs, 40, 10);
    expect(out[0]).toBe(0);
    expect(out[1]).toBe(6 * MAP_COLUMNS + 36);
    expect(out[1 + 40]).toBe(10 * MAP_COLUMNS + 40);
    expect(out[CROP_SQUARES]).toBe(14 * MAP_COLUMNS + 44);
  });

  it('is surrounded by a glyph of its own at each of the four borders', () => {
    const out = new Int16Array(CROP_SQUARES);
    writeCrop(out, 0, glyphs, 0, 0);
    expect([out[0], out[39], out[36], out[40]]).toEqual([GLYPH_OUTSIDE, GLYPH_OUTSIDE, GLYPH_OUTSIDE, 0]);
    expect(out[80]).toBe(4 * MAP_COLUMNS + 4);
    writeCrop(out, 0, glyphs, 78, 20);
    expect([out[0], out[40], out[41], out[80]]).toEqual([16 * MAP_COLUMNS + 74, MAP_SQUARES - 1, GLYPH_OUTSIDE, GLYPH_OUTSIDE]);
    expect(out.filter((glyph) => glyph === GLYPH_OUTSIDE)).toHaveLength(81 - 25);
  });

  it('counts squares that show something, wherever in a word of four they lie', () => {
    const memory = new ArrayBuffer(MAP_SQUARES * 2 + 2);
    const map = new Int16Array(memory, 0, MAP_SQUARES).fill(GLYPH_BLANK);
    const quads = new Float64Array(memory, 0, MAP_SQUARES >> 2);
    expect(countSeen(map, quads)).toBe(0);
    // -1 in four squares is a number that equals nothing, not even itself.
    for (const [square, glyph] of [[0, 1], [5, 1], [10, 1], [15, 1], [20, -1], [21, -1], [22, -1], [23, -1], [MAP_SQUARES - 3, 1], [MAP_SQUARES - 1, 1]] as const) map[square] = glyph;
    expect(countSeen(map, quads)).toBe(10);
  });

  it('adds up levels, and a level does not shrink', () => {
    const exploration = new Exploration();
    exploration.see(0, 1, 100);
    exploration.see(0, 2, 10);
    exploration.see(2, 1, 5);
    exploration.see(0, 1, 60);
    exploration.see(0, 1, 110);
    expect(exploration.total).toBe(125);
  });

  it('shows the Oracle beside the hero, also across its border, but not on the next row', () => {
    const map = new Int16Array(MAP_SQUARES).fill(GLYPH_BLANK);
    map[10 * MAP_COLUMNS + 78] = GLYPH_ORACLE;
    expect(isBesideOracle(map, 77, 9)).toBe(true);
    expect(isBesideOracle(map, 76, 10)).toBe(false);
    expect(isBesideOracle(map, 0, 11)).toBe(false);
  });
});

describe('statistics', () => {
  const write = (values: Partial<Record<keyof typeof STATUS, number>>, internal: number[] = [], promptOpen = false): Record<string, number> => {
    const status = new Int32Array(2 * STATUS_COUNT);
    for (const [name, value] of Object.entries(values)) status[2 * STATUS[name as keyof typeof STATUS]] = value;
    const out = new Float32Array(STATISTIC_COUNT);
    writeStatistics(out, 0, status, Int32Array.from({ length: 9 }, (_, index) => internal[index] ?? 0), promptOpen);
    return Object.fromEntries(STATISTIC_NAMES.map((name, index) => [name, out[index] as number]));
  };

  it('give unbounded numbers as logarithms, small and large', () => {
    expect(write({ gold: 4095 })['gold']).toBeCloseTo(Math.log1p(4095), 5);
    expect(write({ gold: 4096 })['gold']).toBeCloseTo(Math.log1p(4096), 5);
    expect(write({ score: 2_000_000 })['score']).toBeCloseTo(Math.log1p(2_000_000), 5);
  });

  it('keep signs, shares and flags', () => {
    const all = write({ armorClass: -7, alignment: -1, hitPoints: 3, hitPointsMax: 12, conditions: CONDITION_HALLUCINATING | 1 }, [0, 0, 0, 0, 5], true);
    expect(all).toMatchObject({ armorClass: -7, alignment: -1, hitPointShare: 0.25, hallucinating: 1, stone: 1, slime: 0, riding: 0, onStairsDown: 1, promptOpen: 1 });
  });

  it('are finite and within a few units of one after their scale, for a hero as strong as they come', () => {
    const all = write({ column: 78, row: 20, strengthPercent: 125, depth: 50, levelNumber: 50, experienceLevel: 30, score: 2 ** 31 - 1, gold: 1e6, hitPoints: 2000, hitPointsMax: 2000, armorClass: -40, experiencePoints: 1e8, turn: 1e5 });
    for (const [index, name] of STATISTIC_NAMES.entries()) expect(Math.abs(all[name] as number) / (STATISTIC_SCALES[index] as number), name).toBeLessThanOrEqual(4);
  });
});

describe('tasks', () => {
  const options = parseNetHackOptions({ kind: 'nethack', level: 4 });
  const facts: StepFacts = { scoreBefore: 10, scoreAfter: 10, turnBefore: 5, turnAfter: 6, levelNumber: 4, arrivedByStairs: false, besideOracle: false, hallucinating: false };
  const judge = (task: NetHackSpec['task'], change: Partial<StepFacts>): TaskResult => {
    const result = { reward: Number.NaN, success: true };
    TASKS[task].judge({ ...facts, ...change }, options, result);
    return result;
  };

  it('score: the gain, less a hundredth where time stands still', () => {
    expect(judge('score', { scoreAfter: 14 })).toEqual({ reward: 4, success: false });
    expect(judge('score', { turnAfter: 5 })).toEqual({ reward: -0.01, success: false });
  });

  it('staircase: fifty for coming down the stairs to the wanted level, not for being there', () => {
    expect(judge('staircase', { arrivedByStairs: true })).toEqual({ reward: 50, success: true });
    expect(judge('staircase', { arrivedByStairs: true, levelNumber: 3 })).toEqual({ reward: 0, success: false });
    expect(judge('staircase', {})).toEqual({ reward: 0, success: false });
  });

  it('oracle: fifty beside the Oracle with a clear mind', () => {
    expect(judge('oracle', { besideOracle: true })).toEqual({ reward: 50, success: true });
    expect(judge('oracle', { besideOracle: true, hallucinating: true })).toEqual({ reward: 0, success: false });
  });
});
