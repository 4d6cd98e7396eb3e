import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTokens, TokenCoder } from '../../../workers/text/tokens.js';

const ALPHABET = 'ab c';
const text = fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 40 });

describe('tokens', () => {
  it('of characters are one for each, the end first', () => {
    const table = makeTokens({ kind: 'character' }, ALPHABET, []);
    expect(table).toEqual({ tokens: ['', 'a', 'b', ' ', 'c'], merges: [] });
    expect(new TokenCoder(table).encode('cab')).toEqual([4, 1, 2]);
    expect(() => new TokenCoder(table).encode('x')).toThrow(expect.objectContaining({ code: 'LAUREL_INVARIANT_VIOLATED' }) as Error);
  });

  it('of pairs join what is frequent, the most frequent first', () => {
    // "ab" is there three times, then "ab " (twice) is the most frequent pair of what is left.
    const table = makeTokens({ kind: 'byte-pair', merges: 2 }, ALPHABET, ['ab ab', 'ab c']);
    expect(table.tokens).toEqual(['', 'a', 'b', ' ', 'c', 'ab', 'ab ']);
    expect(table.merges).toEqual([[1, 2], [5, 3]]);
    expect(new TokenCoder(table).encode('ab abb')).toEqual([6, 5, 2]);
  });

  it('give the text back, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), text, fc.integer({ min: 1, max: 12 }), (learnt, said, merges) => {
        const coder = new TokenCoder(makeTokens({ kind: 'byte-pair', merges }, ALPHABET, learnt));
        const tokens = coder.encode(said);
        expect(coder.decode(tokens)).toBe(said);
        expect(tokens.length).toBeLessThanOrEqual(said.length);
      }),
    );
  });
});
