import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextCounts } from '../../../workers/rollout/text-counts.js';

describe('counts of texts', () => {
  it('agree with a map of strings, over growth and clearing', () => {
    const text = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom('You see here a dagger.', 'It is solid stone.', '').map((value) => Uint8Array.from(Buffer.from(value))));
    fc.assert(
      fc.property(fc.array(fc.array(text, { maxLength: 300 }), { maxLength: 3 }), (episodes) => {
        const counts = new TextCounts();
        for (const texts of episodes) {
          counts.clear();
          const expected = new Map<string, number>();
          for (const bytes of texts) {
            const key = Buffer.from(bytes).toString('latin1');
            expected.set(key, (expected.get(key) ?? 0) + 1);
            expect(counts.add(bytes)).toBe(expected.get(key));
          }
          const found = Array.from({ length: counts.size }, (_, entry) => [Buffer.from(counts.text(entry)).toString('latin1'), counts.count(entry)]);
          expect(found).toEqual([...expected]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('hold thousands of long texts that differ in one byte', () => {
    const counts = new TextCounts();
    const text = new Uint8Array(200).fill(65);
    for (let round = 1; round <= 2; round++) {
      for (let n = 0; n < 5_000; n++) {
        text[198] = n & 255;
        text[199] = n >> 8;
        expect(counts.add(text)).toBe(round);
      }
    }
    expect(counts.size).toBe(5_000);
  });

  it('keep a copy: the text may be overwritten afterwards', () => {
    const counts = new TextCounts();
    const text = Uint8Array.of(1, 2, 3);
    counts.add(text);
    text.fill(9);
    expect(counts.add(Uint8Array.of(1, 2, 3))).toBe(2);
    expect(counts.add(text)).toBe(1);
  });
});
