/** Likeness to a goal with goal-baseline regularisation (VLM-RM, arXiv 2310.12921), and the pictures it is tried on. */
import { describe, expect, it } from 'vitest';
import type { LaurelError } from '../../../proto/errors.js';
import { modelJobSchema } from '../../../proto/preference-job.js';
import { resolveAnyJob, type JobIssue } from '../../../proto/resolve.js';
import { projected } from '../../../workers/reward/goal-projection.js';
import { likeness, projection } from '../../../workers/preference/scoring.js';
import { embedded, makePictures, PICTURE_FEATURES, rendered } from '../../../workers/preference/workloads/pictures.js';

const column = (width: number, ...values: number[]) => ({ width, values: Float32Array.from(values) });

describe('the regularised likeness', () => {
  it('is what comes out by hand, row by row', () => {
    // s = (0, 1, 0), g = (1, 0, 0), b = (0, 0, 1): the line is (1, 0, -1) / sqrt 2, s - g = (-1, 1, 0).
    const states = column(3, 0, 1, 0, /* as long as it likes */ 0, 7, 0, 2, 0, 0);
    const goals = column(3, 1, 0, 0, 3, 0, 0, 1, 0, 0);
    const baselines = column(3, 0, 0, 1, 0, 0, 5, 0, 0, 1);
    // Along the line: -1 / sqrt 2, of square 1/2; the rest has the square 2 - 1/2.
    const at = (alpha: number): number[] => [...projection(states, goals, baselines, alpha)];
    const expected = (alpha: number): number => 1 - 0.5 / 2 - ((1 - alpha) ** 2 * 1.5) / 2;
    for (const alpha of [0, 0.25, 0.5, 1]) [expected(alpha), expected(alpha), 1].forEach((value, row) => expect(at(alpha)[row]).toBeCloseTo(value, 6));
    expect(expected(0)).toBe(0);
    expect(expected(1)).toBe(0.75);
  });

  it('without strength is the cosine, whatever the baseline', () => {
    const [states, goals] = [column(2, 1, 2, -3, 1, 0, 0), column(2, 2, 1, 1, 4, 1, 0)];
    const plain = likeness(states, goals);
    projection(states, goals, column(2, 0, 1, -1, 0, 5, 5), 0).forEach((value, row) => expect(value).toBeCloseTo(row === 2 ? 0.5 : plain[row]!, 6));
    // A vector of zeros has no direction: 1 - |g|^2 / 2.
    expect(plain[2]).toBe(0);
    expect(projected([0, 0], [1, 0], undefined, 0)).toBe(0.5);
  });

  it('wants columns of one width', () => {
    expect(() => projection(column(2, 1, 2), column(2, 1, 2), column(1, 1), 0.5)).toThrow(/expected columns of one width, got 2 and 2 and 1/);
  });

  it.each([
    [{ form: 'projection', alpha: 0.5 }, 'sources.near.baseline', 'expected a column of baselines'],
    [{ alpha: 0.5 }, 'sources.near.form', 'expected projection'],
    [{ baseline: 'baseline' }, 'sources.near.form', 'expected projection'],
  ])('is refused with %j', (fields, path, message) => {
    const job = { name: 'x', data: { kind: 'pictures' }, sources: { near: { kind: 'likeness', to: 'goal', ...fields }, gold: { kind: 'column', column: 'gold' } }, evaluate: { near: { kind: 'correlation', of: 'near', on: 'states', with: 'gold' } } };
    let issues: readonly JobIssue[] = [];
    try {
      resolveAnyJob(job);
    } catch (error) {
      issues = (error as LaurelError).details['issues'] as JobIssue[];
    }
    expect(issues).toMatchObject([{ path, message: expect.stringContaining(message) as string }]);
  });
});

describe('the pictures of a pole', () => {
  const dark = { foot: [0.5, 0.5], length: 0.4, width: 0.05, light: [0, 0, 0] } as const;
  const sums = (picture: Float32Array, side: number, part: (x: number, y: number) => boolean): number => picture.reduce((sum, value, at) => sum + (part(at % side, Math.floor(at / side)) ? value : 0), 0);

  it('show it above its foot where it is upright, below where it hangs, and beside it in between', () => {
    const side = 16;
    const [up, down, right] = [0, Math.PI, Math.PI / 2].map((angle) => rendered({ ...dark, angle }, side)) as [Float32Array, Float32Array, Float32Array];
    const above = (picture: Float32Array): number => sums(picture, side, (_, y) => y < side / 2) / sums(picture, side, () => true);
    expect(above(up)).toBeGreaterThan(0.8);
    expect(above(down)).toBeLessThan(0.2);
    expect(above(right)).toBeCloseTo(0.5, 5);
    expect(sums(right, side, (x) => x >= side / 2) / sums(right, side, () => true)).toBeGreaterThan(0.8);
    // What is far from the pole is the background: light, more to the right, less downwards.
    const lit = rendered({ ...dark, angle: 0, light: [0.4, 0.2, -0.2] }, side);
    expect(lit[side * (side - 1)]).toBeCloseTo(0.4 + 0.2 * (0.5 / side - 0.5) - 0.2 * (0.5 - 0.5 / side), 5);
  });

  it('are embedded by edges and light of each cell, together of length 1', () => {
    // Dark left of the middle, bright right of it: edges at the border alone, light in the two right columns of cells.
    const side = 8;
    const split = Float32Array.from({ length: side * side }, (_, at) => (at % side < 4 ? 0.5 : 0.75));
    const vector = embedded(split, side);
    expect(vector.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo(1, 5);
    // Cells are 2 x 2. Pixels 3 and 4 of a row see a difference of a quarter, the border row is not looked at.
    const raw = [0, 0.125, 0.125, 0, 0, 0.25, 0.25, 0].map((value) => value / 2);
    const light = [0, 0, 0.125, 0.0625, 0, 0, 0.25, 0.125];
    const ratio = vector[5]! / raw[5]!;
    raw.forEach((value, cell) => expect(vector[cell]).toBeCloseTo(value * ratio, 5));
    light.forEach((value, cell) => expect(vector[16 + cell]).toBeCloseTo(value * ratio, 5));
  });

  it('come with the truth, and with one embedding for each text', () => {
    const spec = modelJobSchema.parse({ name: 'x', data: { kind: 'pictures', units: 50 } }).data as Parameters<typeof makePictures>[0];
    const { states } = makePictures(spec, 4);
    for (const [name, width] of [['embedding', PICTURE_FEATURES], ['goal', PICTURE_FEATURES], ['baseline', PICTURE_FEATURES], ['angle', 1], ['gold', 1]] as const) expect(states!.units[name]).toMatchObject({ width, values: { length: 50 * width } });
    expect([...states!.units['goal']!.values.slice(0, PICTURE_FEATURES)]).toEqual([...states!.units['goal']!.values.slice(-PICTURE_FEATURES)]);
    states!.units['angle']!.values.forEach((angle, row) => expect(states!.units['gold']!.values[row]).toBeCloseTo((1 + Math.cos(angle)) / 2, 6));
    expect(makePictures(spec, 4)).toEqual(makePictures(spec, 4));
  });
});
