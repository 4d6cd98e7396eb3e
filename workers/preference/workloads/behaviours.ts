/** Behaviours with a few features that people look at, hidden in coordinates that they do not. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { dot, Draw } from './draw.js';

type BehavioursSpec = DataSpecOf<'behaviours'>;

const STREAM = { taste: 1, table: 10 } as const;
/** Features that people look at. */
const FEATURES = 2;

export function makeBehaviours(spec: BehavioursSpec, seed: number): Record<string, Dataset> {
  const taste = new Draw(seed, STREAM.taste).unit(FEATURES, 0);
  return {
    triplets: triplets(units(spec, new Draw(seed, STREAM.table), 3 * spec.triplets, taste), spec.triplets),
    train: pairs(units(spec, new Draw(seed, STREAM.table + 1), 2 * spec.pairs, taste), spec.pairs),
    test: pairs(units(spec, new Draw(seed, STREAM.table + 2), 2 * spec.testPairs, taste), spec.testPairs),
  };
}

/** Neither is linear in the coordinates. */
function features(x: Float32Array): Float32Array {
  const [a, b, c, d] = x as unknown as [number, number, number, number];
  return Float32Array.of(Math.tanh(1.5 * a * b), Math.sin(1.5 * c) * Math.cos(d));
}

function units({ coordinates }: BehavioursSpec, draw: Draw, rows: number, taste: Float32Array): Dataset {
  const embedding = new Float32Array(rows * coordinates);
  const columns = { feature1: new Float32Array(rows), feature2: new Float32Array(rows), utility: new Float32Array(rows) };
  for (let row = 0; row < rows; row++) {
    const x = draw.normals(coordinates, row);
    const seen = features(x);
    embedding.set(x, row * coordinates);
    columns.feature1[row] = seen[0] as number;
    columns.feature2[row] = seen[1] as number;
    columns.utility[row] = dot(taste, seen);
  }
  return { rows, units: { embedding: { width: coordinates, values: embedding }, ...Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, { width: 1, values }])) }, pairs: null, lists: null, facts: {} };
}

/** Lists of three: an anchor, the one of two others that is more like it, the other. */
function triplets(data: Dataset, count: number): Dataset {
  const of = (row: number): [number, number] => [(data.units['feature1'] as { values: Float32Array }).values[row] as number, (data.units['feature2'] as { values: Float32Array }).values[row] as number];
  const distance = (a: number, b: number): number => (of(a)[0] - of(b)[0]) ** 2 + (of(a)[1] - of(b)[1]) ** 2;
  const order = Int32Array.from({ length: data.rows }, (_, row) => {
    const anchor = row - (row % 3);
    const nearer = distance(anchor, anchor + 1) <= distance(anchor, anchor + 2);
    return row % 3 === 0 || nearer ? row : anchor + 3 - (row % 3);
  });
  const ordered = Object.fromEntries(Object.entries(data.units).map(([name, { width, values }]) => [name, { width, values: Float32Array.from({ length: values.length }, (_, at) => values[(order[Math.floor(at / width)] as number) * width + (at % width)] as number) }]));
  return { ...data, units: ordered, lists: { start: Int32Array.from({ length: count }, (_, list) => 3 * list), size: new Int32Array(count).fill(3) } };
}

function pairs(data: Dataset, count: number): Dataset {
  const utility = (data.units['utility'] as { values: Float32Array }).values;
  const first = Int32Array.from({ length: count }, (_, pair) => 2 * pair);
  return { ...data, pairs: { count, first, second: first.map((row) => row + 1), label: Float32Array.from(first, (row) => ((utility[row] as number) > (utility[row + 1] as number) ? 1 : 0)), columns: {} } };
}
