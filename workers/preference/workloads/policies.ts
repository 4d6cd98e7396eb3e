/** Trajectories of many policies: which of two is of the same policy as the reference? */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { Draw } from './draw.js';

type PoliciesSpec = DataSpecOf<'policies'>;

const STREAM = { centre: 1, table: 10 } as const;

export function makePolicies(spec: PoliciesSpec, seed: number): Record<string, Dataset> {
  return {
    train: table(spec, seed, 0, 0, spec.policies, spec.pairs),
    ranked: table(spec, seed, 1, spec.policies, spec.newPolicies, spec.triples),
    test: table(spec, seed, 2, spec.policies, spec.newPolicies, spec.testPairs),
  };
}

/** Units 2p and 2p + 1 of a pair p share its reference; one of them is of the reference's policy, in random order. */
function table(spec: PoliciesSpec, seed: number, number: number, policyFrom: number, policies: number, count: number): Dataset {
  const width = spec.features + spec.nuisance;
  const choices = new Draw(seed, STREAM.table + 2 * number);
  const noise = new Draw(seed, STREAM.table + 2 * number + 1);
  const trajectory = (policy: number, index: number): Float32Array =>
    Float32Array.from({ length: width }, (_, part) => (part < spec.features ? centre(seed, policy, part) + spec.spread * noise.normal(index, part) : noise.normal(index, part)));
  const columns = { embedding: new Float32Array(2 * count * width), reference: new Float32Array(2 * count * width), policy: new Float32Array(2 * count) };
  const label = new Float32Array(count);
  for (let pair = 0; pair < count; pair++) {
    const same = choices.below(policies, pair, 0);
    const other = (same + 1 + choices.below(policies - 1, pair, 1)) % policies;
    const firstIsSame = choices.uniform(pair, 2) < 0.5;
    const reference = trajectory(policyFrom + same, 3 * pair);
    label[pair] = firstIsSame ? 1 : 0;
    for (const side of [0, 1]) {
      const policy = policyFrom + ((side === 0) === firstIsSame ? same : other);
      columns.embedding.set(trajectory(policy, 3 * pair + 1 + side), (2 * pair + side) * width);
      columns.reference.set(reference, (2 * pair + side) * width);
      columns.policy[2 * pair + side] = policy;
    }
  }
  const first = Int32Array.from({ length: count }, (_, pair) => 2 * pair);
  return {
    rows: 2 * count,
    units: { embedding: { width, values: columns.embedding }, reference: { width, values: columns.reference }, policy: { width: 1, values: columns.policy } },
    pairs: { count, first, second: first.map((row) => row + 1), label, columns: {} },
    lists: null,
    facts: {},
  };
}

function centre(seed: number, policy: number, part: number): number {
  return new Draw(seed, STREAM.centre).normal(policy, part);
}
