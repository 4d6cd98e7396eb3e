import { expect, it } from 'vitest';
import { ShardOffers } from '../../../workers/rollout/shard-offers.js';

const cheap = (): number => 100;

it('a worker that plays one shard at a time keeps it', () => {
  let now = 0;
  const offers = new ShardOffers(() => now);
  for (let call = 0; call < 10; call++) {
    const end = offers.begin();
    now += 20_000;
    expect(end(cheap)).toBe(false);
  }
});

it('a worker whose shards wait for each other lets one go, and the next one much later', () => {
  let now = 0;
  const offers = new ShardOffers(() => now);
  const round = (ms: number): boolean[] => {
    const ends = [offers.begin(), offers.begin()];
    now += ms;
    return ends.map((end) => end(cheap));
  };
  expect(round(10_000)).toEqual([false, false]);
  expect(round(6_000)).toEqual([true, false]);
  expect(round(10_000)).toEqual([false, false]);
  expect(round(6_000)).toEqual([true, false]);
});

it('a shard whose episodes take long to replay stays, and the other one goes', () => {
  let now = 0;
  const offers = new ShardOffers(() => now);
  const [long, short] = [offers.begin(), offers.begin()];
  now += 60_000;
  expect(long(() => 20_000)).toBe(false);
  expect(short(cheap)).toBe(true);
});
