import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentSchemas, type NetHackSpec } from '../../../proto/environments.js';
import { networkPolicySchema } from '../../../proto/learning.js';
import { Network } from '../../../workers/learner/networks/network.js';
import type { PolicyTensor } from '../../../workers/learner/policy-artifact.js';
import { ShardCollector } from '../../../workers/rollout/collector.js';
import { createNetHackGroup } from '../../../workers/rollout/environments/nethack/nethack-group.js';
import { Evaluator } from '../../../workers/rollout/evaluation.js';
import { PolicyInference, PolicySession } from '../../../workers/rollout/policy/inference.js';
import { networkModel } from '../../../workers/rollout/policy/network-model.js';
import { readBoundary } from '../../../workers/rollout/segment-boundary.js';
import { ShardState } from '../../../workers/rollout/shard-state.js';
import { takeApart } from './support/shards.js';

const SIZE = 3;
const IDENTITY = { run: 'n', shard: 1, seed: 11, segmentSteps: 32 };
const policySpec = networkPolicySchema.parse({ preset: 'tiny' });

describe('a shard of NetHack', () => {
  const spec = environmentSchemas.parse({ kind: 'nethack', episodeStepsMax: 90 }) as NetHackSpec;
  const open: { close(): void | Promise<void> }[] = [];
  let session: PolicySession;
  let parameters: PolicyTensor[];

  beforeAll(async () => {
    const group = await createNetHackGroup(spec, SIZE);
    const network = new Network(group.spaces, policySpec);
    const values = network.initialParameters(1);
    parameters = network.parameters.map(({ name, shape }) => ({ name, shape, data: values[name]! }));
    session = await PolicySession.create(networkModel(group.spaces, policySpec, SIZE), SIZE);
    group.close();
  });
  afterAll(async () => {
    for (const one of open) await one.close();
    await session?.release();
  });

  async function createShard() {
    const group = await createNetHackGroup(spec, SIZE);
    open.push(group);
    const inference = new PolicyInference(session, group);
    const policy = session.load(0, parameters);
    inference.usePolicy(policy);
    const collector = new ShardCollector(new ShardState(IDENTITY, group, inference));
    collector.usePolicy(policy);
    return { group, inference, collector };
  }

  it('is rebuilt in the middle of its episodes to the same bytes', async () => {
    const one = await createShard();
    await one.collector.begin();
    const segments: Uint8Array[] = [];
    for (let seq = 0; seq < 6; seq++) segments.push((await one.collector.collect()).bytes);
    const played = segments.map((bytes) => takeApart(bytes));
    // What the test rests on: episodes were cut, messages came, observations changed.
    expect(played.reduce((total, { body }) => total + body.episodes.count, 0)).toBeGreaterThanOrEqual(2 * SIZE);
    expect(new Set(played.flatMap(({ texts }) => texts)).size).toBeGreaterThan(5);
    expect(new Set(played.flatMap(({ end }) => end.observationDigests)).size).toBeGreaterThan(SIZE);
    const other = await createShard();
    for (const seq of [1, 3, 5]) {
      const replayed = await other.collector.rebuild(readBoundary(segments[seq - 1]!));
      expect(replayed).toBe(played[seq - 1]!.end.episodeSteps.reduce((a, b) => a + b, 0));
      for (let next = seq; next < Math.min(6, seq + 2); next++) expect(Buffer.from((await other.collector.collect()).bytes).equals(segments[next]!)).toBe(true);
    }
  });

  it('is evaluated to the same episodes twice', async () => {
    const play = async () => {
      const { group, inference } = await createShard();
      const evaluator = new Evaluator(group, inference, 5, 3);
      await evaluator.begin();
      while (!(await evaluator.play(100)));
      return evaluator.ended;
    };
    const episodes = await play();
    expect(episodes).toHaveLength(5);
    expect(episodes.every((episode) => episode.distinctMessages > 0 && episode.length > 0)).toBe(true);
    expect(await play()).toEqual(episodes);
  });
});
