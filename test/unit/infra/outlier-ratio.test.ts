import { describe, expect, it } from 'vitest';
import { outlierEffect } from '../../../infra/systems/outlier-ratio.js';

describe('one outlying ratio', () => {
  it('moves nothing where StableReinforce bounds it, and everything where only the clip does', async () => {
    const [stable, plain] = [await outlierEffect('stable-reinforce', 1e6), await outlierEffect('grpo', 1e6)];
    expect(Number.isFinite(stable.loss)).toBe(true);
    expect(stable.normByMedian).toBeLessThan(2);
    // The gradient of -ratio x advantage is the ratio: 1e6 / 32 tokens against a norm of about 1 / sqrt(32).
    expect(plain.normByMedian).toBeGreaterThan(1e5);
  });

  it('of an ordinary size is seen by both alike', async () => {
    const [stable, plain] = [await outlierEffect('stable-reinforce', 1.1), await outlierEffect('grpo', 1.1)];
    expect(stable.normByMedian).toBeCloseTo(plain.normByMedian, 6);
    expect(stable.loss).toBeCloseTo(plain.loss, 6);
  });
});
