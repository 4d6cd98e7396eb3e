import { describe, expect, it } from 'vitest';
import { CounterRandom, philox4x32 } from '../../../proto/philox.js';

function words(key: [number, number], counter: [number, number, number, number]): string[] {
  const out = new Uint32Array(4);
  philox4x32(...key, ...counter, out);
  return [...out].map((word) => word.toString(16).padStart(8, '0'));
}

describe('philox4x32-10', () => {
  // Known answers published with the Random123 library (kat_vectors, philox 4x32 10).
  it.each([
    { key: [0, 0], counter: [0, 0, 0, 0], expected: ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8'] },
    { key: [0xffffffff, 0xffffffff], counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], expected: ['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd'] },
    { key: [0xa4093822, 0x299f31d0], counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], expected: ['d16cfe09', '94fdcceb', '5001e420', '24126ea1'] },
  ])('gives the published words for counter $counter', ({ key, counter, expected }) => {
    expect(words(key as [number, number], counter as [number, number, number, number])).toEqual(expected);
  });
});

describe('CounterRandom', () => {
  it('draws the same number for the same counter, whatever was drawn before', () => {
    const a = new CounterRandom(7, 'actionSampling');
    const b = new CounterRandom(7, 'actionSampling');
    b.uniform(99);
    expect(b.uniform(3, 1, 4, 1)).toBe(a.uniform(3, 1, 4, 1));
  });

  it('keeps purposes and seeds apart, also above 32 bits', () => {
    const draws = [new CounterRandom(7, 'actionSampling'), new CounterRandom(7, 'episodeSeed'), new CounterRandom(8, 'actionSampling'), new CounterRandom(7 + 2 ** 40, 'actionSampling')].map((random) => random.uniform(1));
    expect(new Set(draws).size).toBe(4);
  });

  it('is uniform on [0, 1) and normal with mean 0 and deviation 1', () => {
    const random = new CounterRandom(1, 'test');
    const count = 20_000;
    let sum = 0;
    let normals = 0;
    let squares = 0;
    for (let index = 0; index < count; index++) {
      const uniform = random.uniform(index);
      expect(uniform).toBeGreaterThanOrEqual(0);
      expect(uniform).toBeLessThan(1);
      sum += uniform;
      const normal = random.normal(index, 1);
      normals += normal;
      squares += normal * normal;
    }
    // Five standard errors.
    expect(Math.abs(sum / count - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / count));
    expect(Math.abs(normals / count)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(squares / count - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  });
});
