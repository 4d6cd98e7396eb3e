/** Lists of answers with one right one, pairs of the same, and pools for best-of-n. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { dot, Draw } from './draw.js';

type ListsSpec = DataSpecOf<'lists'>;

const STREAM = { gold: 1, lists: 10, pairs: 11, pools: 12, order: 13 } as const;

export function makeLists(spec: ListsSpec, seed: number): Record<string, Dataset> {
  const gold = new Draw(seed, STREAM.gold).unit(spec.features, 0);
  const order = new Draw(seed, STREAM.order);
  const pairs = groups(spec, new Draw(seed, STREAM.pairs), gold, spec.pairs, 2, (pair) => order.below(2, pair, 1));
  const { start } = pairs.lists!;
  const correct = pairs.units['correct']!.values;
  return {
    lists: groups(spec, new Draw(seed, STREAM.lists), gold, spec.lists, spec.size, (list) => order.below(spec.size, list, 0)),
    pairs: { ...pairs, pairs: { count: spec.pairs, first: start, second: start.map((row) => row + 1), label: Float32Array.from(start, (row) => correct[row] as number), columns: {} } },
    pools: groups(spec, new Draw(seed, STREAM.pools), gold, spec.pools, spec.poolSize, () => -1),
  };
}

/** `right`: which answer of a list is the right one; -1: none. */
function groups({ features, advantage }: ListsSpec, draw: Draw, gold: Float32Array, count: number, size: number, right: (list: number) => number): Dataset {
  const rows = count * size;
  const embedding = new Float32Array(rows * features);
  const scores = new Float32Array(rows);
  const correct = new Float32Array(rows);
  for (let list = 0; list < count; list++) {
    const chosen = right(list);
    for (let item = 0; item < size; item++) {
      const row = list * size + item;
      const answer = draw.normals(features, row).map((value, part) => value + (item === chosen ? advantage * (gold[part] as number) : 0));
      embedding.set(answer, row * features);
      scores[row] = dot(gold, answer);
      correct[row] = item === chosen ? 1 : 0;
    }
  }
  return {
    rows,
    units: { embedding: { width: features, values: embedding }, gold: { width: 1, values: scores }, correct: { width: 1, values: correct } },
    pairs: null,
    lists: { start: Int32Array.from({ length: count }, (_, list) => list * size), size: new Int32Array(count).fill(size) },
    facts: {},
  };
}
