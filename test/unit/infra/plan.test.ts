import { describe, expect, it } from 'vitest';
import { backOffMs, countDeaths } from '../../../infra/supervisor/back-off.js';
import { planWorkers } from '../../../infra/supervisor/plan.js';

describe('which workers run', () => {
  it('is one for each pool, and a rollout worker for each core but one', () => {
    expect(planWorkers(2).map((plan) => plan.name)).toEqual(['workflows', 'rollout', 'annotator', 'reward', 'learner']);
    expect(planWorkers(1).filter((plan) => plan.pool === 'rollout')).toHaveLength(1);
    expect(planWorkers(4).filter((plan) => plan.pool === 'rollout').map((plan) => plan.name)).toEqual(['rollout-1', 'rollout-2', 'rollout-3']);
  });

  it('can be some pools only', () => {
    expect(planWorkers(8, ['learner'])).toEqual([{ name: 'learner', pool: 'learner' }]);
  });
});

describe('the back-off', () => {
  const backOff = { firstMs: 500, maxMs: 30_000, resetAfterMs: 60_000 };

  it('doubles up to its bound', () => {
    expect([1, 2, 3, 6, 7, 8, 1000].map((deaths) => backOffMs(deaths, backOff))).toEqual([500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('begins again after a life that was long enough', () => {
    expect(countDeaths(4, 59_999, backOff)).toBe(5);
    expect(countDeaths(4, 60_000, backOff)).toBe(1);
  });
});
