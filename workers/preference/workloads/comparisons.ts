/** Which pairs of answers are compared, and what a comparison costs to read. Answers are leaves of a tree of prefixes. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { Draw } from './draw.js';

type ComparisonsSpec = DataSpecOf<'comparisons'>;

const STREAM = { pairs: 1 } as const;

/** Column `path`: the number of the segment at each depth. Pair columns: `tokens` that a judge reads, `shared` segments. */
export function makeComparisons(spec: ComparisonsSpec, seed: number): Record<string, Dataset> {
  const { depth, branching, pairs: count } = spec;
  const leaves = branching ** depth;
  const path = new Float32Array(leaves * depth);
  for (let leaf = 0; leaf < leaves; leaf++) for (let level = 0; level < depth; level++) path[leaf * depth + level] = Math.floor(leaf / branching ** (depth - 1 - level)) % branching;
  const draw = new Draw(seed, STREAM.pairs);
  const drawn = Array.from({ length: count }, (_, pair) => (spec.topology === 'tree' ? branched(spec, draw, pair) : independent(leaves, draw, pair)));
  const first = Int32Array.from(drawn, ([a]) => a);
  const second = Int32Array.from(drawn, ([, b]) => b);
  const shared = Float32Array.from(drawn, ([a, b]) => sharedSegments(spec, a, b));
  // A judge reads a common prefix once where the pair is made from one; independent answers are two texts.
  const tokens = shared.map((segments) => spec.segmentTokens * (2 * depth - (spec.topology === 'tree' ? segments : 0)));
  return {
    train: {
      rows: leaves,
      units: { path: { width: depth, values: path } },
      pairs: { count, first, second, label: new Float32Array(count).fill(1), columns: { tokens, shared } },
      lists: null,
      facts: { noise: spec.noise, branching },
    },
  };
}

function independent(leaves: number, draw: Draw, pair: number): [number, number] {
  const a = draw.below(leaves, pair, 0);
  return [a, (a + 1 + draw.below(leaves - 1, pair, 1)) % leaves];
}

/** A prefix of at least one segment, two of its continuations, and the rest of each at random. */
function branched({ depth, branching }: ComparisonsSpec, draw: Draw, pair: number): [number, number] {
  const common = depth === 1 ? 0 : 1 + draw.below(depth - 1, pair, 0);
  const prefix = draw.below(branching ** common, pair, 1);
  const one = draw.below(branching, pair, 2);
  const other = (one + 1 + draw.below(branching - 1, pair, 3)) % branching;
  const rest = branching ** (depth - common - 1);
  return [(prefix * branching + one) * rest + draw.below(rest, pair, 4), (prefix * branching + other) * rest + draw.below(rest, pair, 5)];
}

function sharedSegments({ depth, branching }: ComparisonsSpec, a: number, b: number): number {
  let segments = 0;
  while (segments < depth && Math.floor(a / branching ** (depth - 1 - segments)) === Math.floor(b / branching ** (depth - 1 - segments))) segments++;
  return segments;
}
