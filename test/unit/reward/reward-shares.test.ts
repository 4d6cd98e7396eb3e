import { describe, expect, it } from 'vitest';
import { apartWarning, PaymentCounter, PAYMENTS_MIN, shareWarning } from '../../../workers/reward/quality/reward-shares.js';

function counter(paid: Readonly<Record<string, readonly number[]>>, unknown = 0): PaymentCounter {
  const payments = new PaymentCounter();
  for (const [key, values] of Object.entries(paid)) for (const value of values) payments.add({ key, value, known: true });
  for (let index = 0; index < unknown; index++) payments.add({ key: 'never asked', value: 0, known: false });
  return payments;
}

describe('what messages pay', () => {
  it('is summed by message, shares of what is paid in all, unknown ones apart', () => {
    const shares = counter({ kill: [1, 1 / 8], gold: [1, 0.5], wall: [0, 0, 0], trap: [-2] }, 4).shares(2);
    expect(shares).toEqual({
      observations: 12,
      known: 8,
      paid: 2.625,
      paying: 2,
      top: [
        { key: 'gold', paid: 1.5, count: 2, share: 1.5 / 2.625 },
        { key: 'kill', paid: 1.125, count: 2, share: 1.125 / 2.625 },
      ],
    });
    expect(counter({}).shares(5)).toEqual({ observations: 0, known: 0, paid: 0, paying: 0, top: [] });
  });

  it('warns where one message pays more than the named share, and only of enough payments', () => {
    const ones = (count: number): number[] => new Array<number>(count).fill(1);
    const many = counter({ door: ones(60), kill: ones(40) }).shares(10);
    expect(shareWarning('helpful', many, 0.5)).toEqual({ kind: 'one-message', source: 'helpful', key: 'door', share: 0.6, shareMax: 0.5 });
    expect(shareWarning('helpful', many, 0.6)).toBeUndefined();
    expect(shareWarning('helpful', counter({ door: ones(PAYMENTS_MIN - 1) }).shares(10), 0.5)).toBeUndefined();
    expect(shareWarning('helpful', counter({ door: ones(PAYMENTS_MIN) }).shares(10), 0.5)).toMatchObject({ share: 1 });
  });

  it('warns where the learned reward rises and the evaluation falls, each beyond its noise', () => {
    const rising = Array.from({ length: 100 }, (_, index) => 0.01 * index + (index % 2 === 0 ? 0.02 : -0.02));
    const level = rising.map((_, index) => (index % 2 === 0 ? 0.1 : -0.1));
    const fell = [{ mean: 20, halfWidth: 3 }, { mean: 18, halfWidth: 3 }, { mean: 5, halfWidth: 2 }];
    const warning = apartWarning('helpful', rising, 'return.score', fell);
    expect(warning).toMatchObject({ kind: 'apart-from-evaluation', metric: 'return.score', evaluation: [fell[0], fell[2]] });
    // Means of the first and the last twenty: .095 and .895.
    if (warning?.kind === 'apart-from-evaluation') for (const [index, value] of [0.095, 0.895].entries()) expect(warning.reward[index]).toBeCloseTo(value, 9);
    expect(apartWarning('helpful', level, 'return.score', fell)).toBeUndefined();
    expect(apartWarning('helpful', rising, 'return.score', [fell[0]!, { mean: 16, halfWidth: 2 }])).toBeUndefined();
    expect(apartWarning('helpful', rising, 'return.score', [fell[0]!])).toBeUndefined();
    expect(apartWarning('helpful', [1, 2], 'return.score', fell)).toBeUndefined();
  });
});
