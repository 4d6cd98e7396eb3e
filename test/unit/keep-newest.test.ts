import { expect, it } from 'vitest';
import { keepNewest } from '../../workers/keep-newest.js';

it('forgets what was set longest ago, and an entry that is set again is the newest', () => {
  const entries = new Map<string, number>();
  for (const [key, value] of [['a', 1], ['b', 2], ['a', 3], ['c', 4]] as const) keepNewest(entries, key, value, 2);
  expect([...entries]).toEqual([['a', 3], ['c', 4]]);
});
