/** Synthetic users who compare pairs of embedded answers. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { dot, Draw, sigmoid } from './draw.js';

type UsersSpec = DataSpecOf<'users'>;

/** Streams of draws; the tables have streams of their own above them. */
const STREAM = { taste: 1, user: 2, table: 10 } as const;

export function makeUsers(spec: UsersSpec, seed: number): Record<string, Dataset> {
  const tastes = tastesOf(spec, seed);
  const known = Array.from({ length: spec.users }, (_, user) => user);
  const fresh = Array.from({ length: spec.newUsers }, (_, user) => spec.users + user);
  const cycle = (users: readonly number[], count: number): number[] => Array.from({ length: count }, (_, pair) => users[pair % users.length] as number);
  const each = (users: readonly number[], times: number): number[] => users.flatMap((user) => new Array<number>(times).fill(user));
  const judges = fresh.length > 0 ? fresh : known;
  return {
    train: pairsTable(spec, seed, 0, tastes, cycle(known, spec.pairs), spec.noise),
    context: pairsTable(spec, seed, 1, tastes, each([...known, ...fresh], spec.contextPairs), 0),
    test: pairsTable(spec, seed, 2, tastes, cycle(judges, spec.testPairs), 0),
  };
}

/** Taste of each user: that of the group, and a deviation of the user's own. */
function tastesOf({ features, groups, users, newUsers, spread, opposed }: UsersSpec, seed: number): Float32Array[] {
  const taste = new Draw(seed, STREAM.taste);
  const own = new Draw(seed, STREAM.user);
  const apart = opposed ? [] : orthogonal(Array.from({ length: groups }, (_, group) => taste.unit(features, group)));
  const ofGroup = (group: number): Float32Array => {
    if (!opposed) return apart[group] as Float32Array;
    const direction = taste.unit(features, group >> 1);
    return group % 2 === 0 ? direction : direction.map((value) => -value);
  };
  return Array.from({ length: users + newUsers }, (_, user) => ofGroup(user % groups).map((value, part) => value + spread * own.normal(user, part)));
}

/** Directions at right angles, by Gram and Schmidt; those beyond the number of features stay as they are. */
function orthogonal(directions: readonly Float32Array[]): Float32Array[] {
  const made: Float32Array[] = [];
  for (const direction of directions) {
    if (made.length >= direction.length) made.push(direction);
    else {
      const rest = made.reduce((left, other) => left.map((value, part) => value - dot(other, left) * (other[part] as number)), direction);
      const norm = Math.sqrt(dot(rest, rest));
      made.push(rest.map((value) => value / norm));
    }
  }
  return made;
}

function utility(taste: UsersSpec['taste'], wanted: Float32Array, answer: Float32Array): number {
  if (taste === 'linear') return dot(wanted, answer);
  let distance = 0;
  for (let part = 0; part < answer.length; part++) distance += ((answer[part] as number) - (wanted[part] as number)) ** 2;
  return -distance;
}

/** One pair for each entry of `users`, of two answers that stand in no other pair. */
function pairsTable(spec: UsersSpec, seed: number, table: number, tastes: readonly Float32Array[], users: readonly number[], noise: number): Dataset {
  const { features, groups, temperature } = spec;
  const answers = new Draw(seed, STREAM.table + 3 * table);
  const answered = new Draw(seed, STREAM.table + 3 * table + 1);
  const turned = new Draw(seed, STREAM.table + 3 * table + 2);
  const count = users.length;
  const embedding = new Float32Array(2 * count * features);
  const perUnit = (value: (pair: number) => number): Float32Array => Float32Array.from({ length: 2 * count }, (_, row) => value(row >> 1));
  const label = new Float32Array(count);
  const planted = new Float32Array(count);
  const utilities = new Float32Array(2 * count);
  users.forEach((user, pair) => {
    const wanted = tastes[user] as Float32Array;
    const both = [0, 1].map((side) => {
      const answer = answers.normals(features, 2 * pair + side);
      embedding.set(answer, (2 * pair + side) * features);
      return utility(spec.taste, wanted, answer);
    }) as [number, number];
    utilities.set(both, 2 * pair);
    const difference = both[0] - both[1];
    const first = temperature === 0 ? difference > 0 : answered.uniform(pair) < sigmoid(difference / temperature);
    const wrong = turned.uniform(pair) < noise;
    planted[pair] = wrong ? 1 : 0;
    label[pair] = first !== wrong ? 1 : 0;
  });
  const first = Int32Array.from({ length: count }, (_, pair) => 2 * pair);
  return {
    rows: 2 * count,
    units: {
      embedding: { width: features, values: embedding },
      user: { width: 1, values: perUnit((pair) => users[pair] as number) },
      utility: { width: 1, values: utilities },
      group: { width: 1, values: perUnit((pair) => (users[pair] as number) % groups) },
    },
    pairs: { count, first, second: first.map((row) => row + 1), label, columns: { user: Float32Array.from(users), planted } },
    lists: null,
    facts: {},
  };
}
