import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../../proto/philox.js';
import { sourceSchema } from '../../../proto/reward-sources.js';
import { cosine, WordVectors } from '../../../workers/reward/models/bag-of-words.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { compileSource } from '../../../workers/reward/sources/registry.js';
import { completions, steps, type Step } from './level.js';

const columnOf = (source: unknown, level: ReturnType<typeof steps>): RewardColumn => compileSource('n', sourceSchema.parse(source)).evaluate(level, {}) as RewardColumn;
const novelty = (bonus: Record<string, unknown>, rows: readonly Step[]): RewardColumn => columnOf({ kind: 'novelty', bonus: { of: 'observation.position', ...bonus } }, steps(rows));
const at = (...points: [number, number][]): Step[] => points.map((observation) => ({ observation }));

describe('novelty, by hand', () => {
  it('counts what has been seen in the episode', () => {
    const rows = [...at([1, 1], [1, 1], [2, 1], [1, 1]), ...at([1, 1]).map((row) => ({ ...row, episode: 1, position: 0 }))];
    [1, 1 / Math.sqrt(2), 1, 1 / Math.sqrt(3), 1].forEach((value, index) => expect(novelty({ kind: 'count' }, rows).value[index]).toBeCloseTo(value, 6));
    const texts = columnOf({ kind: 'novelty', bonus: { kind: 'count', of: 'text', exponent: 1 } }, steps([{ text: 'a', count: 4, position: 9 }, { text: null, position: 10 }]));
    expect([...texts.value]).toEqual([0.25, 0]);
  });

  it('is the mean distance to the nearest steps before', () => {
    // 0: nothing before. (3,4): 5 from the first. (0,4): 4 and 3. (0,0): 0, 4 (of 0, 5, 4).
    const { value } = novelty({ kind: 'nearest', neighbours: 2 }, at([0, 0], [3, 4], [0, 4], [0, 0]));
    [0, 5, 3.5, 2].forEach((expected, index) => expect(value[index]).toBeCloseTo(expected, 6));
  });

  it('distillation: the error before the step is learned, from its definition', () => {
    const rows = at([1, 0], [1, 0], [0, 1], [1, 0]);
    const [width, rate] = [4, 0.5];
    const random = new CounterRandom(3, 'fit');
    const weights = Array.from({ length: width }, (_, unit) => Array.from({ length: 3 }, (_unused, input) => 2 * random.uniform(17, unit * 3 + input) - 1));
    const predictor = weights.map((row) => row.map(() => 0));
    const expected = rows.map(({ observation }) => {
      const x = [...(observation as number[]), 1];
      const errors = weights.map((row, unit) => {
        const sum = (of: number[]): number => of.reduce((total, weight, input) => total + weight * (x[input] as number), 0);
        const error = Math.tanh(sum(row)) - sum(predictor[unit]!);
        x.forEach((value, input) => (predictor[unit]![input]! += (rate * error * value) / (1 + x.reduce((total, one) => total + one * one, 0))));
        return error * error;
      });
      return errors.reduce((total, error) => total + error, 0) / width;
    });
    const { value } = novelty({ kind: 'distillation', width, rate, seed: 3, standardise: false }, rows);
    expected.forEach((one, index) => expect(value[index]).toBeCloseTo(one, 6));
    // What has been seen surprises less.
    expect(value[1]).toBeLessThan(value[0]!);
  });

  it('an episode whose beginning is missing is unknown', () => {
    expect([...novelty({ kind: 'nearest' }, [{ observation: [0, 0], position: 5 }, { observation: [1, 0], position: 0, episode: 1 }]).mask]).toEqual([0, 1]);
  });

  it('gives the steps of an episode the same bonus whatever other episodes stand beside it', () => {
    const point = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 }));
    fc.assert(
      fc.property(fc.array(fc.array(point, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }), fc.constantFrom('count', 'nearest', 'distillation'), (episodes, kind) => {
        const rows = episodes.flatMap((points, episode) => points.map((observation, position): Step => ({ observation, episode, position })));
        const together = novelty({ kind }, rows).value;
        const alone = episodes.flatMap((points) => [...novelty({ kind }, points.map((observation, position) => ({ observation, position }))).value]);
        expect([...together]).toEqual(alone);
      }),
    );
  });
});

describe('likeness to a goal', () => {
  it('is the cosine of numbers, or of words, and 0 where it is not above the threshold', () => {
    const numbers = columnOf({ kind: 'embedding', of: 'observation.position', goal: [1, 1] }, steps(at([2, 2], [1, -1], [-1, -1], [3, 0])));
    [1, 0, -1, Math.SQRT1_2].forEach((value, index) => expect(numbers.value[index]).toBeCloseTo(value, 6));
    const words = new WordVectors(256);
    const level = completions([{ text: 'you killed the newt', truth: 'kill a newt' }, { text: 'nothing', truth: 'kill a newt' }, { text: 'x' }]);
    const found = columnOf({ kind: 'embedding', goal: { path: 'truth' }, threshold: 0.2 }, level);
    expect(found.value[0]).toBeCloseTo(cosine(words.sum('you killed the newt'), words.sum('kill a newt')), 6);
    expect([...found.value.slice(1)]).toEqual([0, 0]);
    expect([...found.mask]).toEqual([1, 1, 0]);
  });

  it('projects on the line from the baseline to the goal, by hand', () => {
    const value = (alpha: number, state: [number, number]): number => columnOf({ kind: 'embedding', of: 'observation.position', goal: [1, 0], baseline: [0, 1], form: 'projection', alpha }, steps(at(state))).value[0] as number;
    // s = (-1, 0), g = (1, 0): s - g = (-2, 0). Without projection: 1 - 4 / 2.
    expect(value(0, [-1, 0])).toBeCloseTo(-1, 6);
    // The line is (1, -1) / sqrt 2; along it: -2 / sqrt 2, so (-1, 1), of squared length 2: 1 - 2 / 2.
    expect(value(1, [-1, 0])).toBeCloseTo(0, 6);
    // Half of both: (-1.5, .5), 2.5 / 2.
    expect(value(0.5, [-1, 0])).toBeCloseTo(-0.25, 6);
    expect(value(0.5, [5, 0])).toBeCloseTo(1, 6);
  });
});
