import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { networkPolicySchema, type NetworkPolicySpec } from '../../../proto/learning.js';
import { CounterRandom } from '../../../proto/philox.js';
import { Graph } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';
import { Network } from '../../../workers/learner/networks/network.js';
import type { PolicyTensor } from '../../../workers/learner/policy-artifact.js';
import { ShardCollector } from '../../../workers/rollout/collector.js';
import type { ActionSpace } from '../../../workers/rollout/environments/environment.js';
import type { LoadedPolicy } from '../../../workers/rollout/policy/group-policy.js';
import { PolicyInference, PolicySession } from '../../../workers/rollout/policy/inference.js';
import { networkModel } from '../../../workers/rollout/policy/network-model.js';
import { createActionSampler } from '../../../workers/rollout/policy/sampling.js';
import { readBoundary } from '../../../workers/rollout/segment-boundary.js';
import { ShardState } from '../../../workers/rollout/shard-state.js';
import { ScriptedWorld, type WorldScript } from './support/scripted-world.js';
import { SHARD, takeApart } from './support/shards.js';

const CONTINUOUS: ActionSpace = { kind: 'continuous', size: 2, low: [-1, -1], high: [1, 1] };

function parametersOf(world: ScriptedWorld, spec: NetworkPolicySpec, seed: number): PolicyTensor[] {
  const network = new Network(world.spaces, spec);
  const values = network.initialParameters(seed);
  return network.parameters.map(({ name, shape }) => ({ name, shape, data: values[name]! }));
}

async function createPolicy(script: WorldScript = {}, policy: Partial<NetworkPolicySpec> = {}, size = 3) {
  const world = new ScriptedWorld(size, script);
  const spec = networkPolicySchema.parse({ preset: 'tiny', ...policy });
  const session = await PolicySession.create(networkModel(world.spaces, spec, size), size);
  const inference = new PolicyInference(session, world);
  const load = (version: number): LoadedPolicy => session.load(version, parametersOf(world, spec, version));
  inference.usePolicy(load(0));
  for (let index = 0; index < size; index++) void world.reset(index, { high: index, low: 7 * index });
  return { world, spec, session, inference, load };
}

describe('inference for a group', () => {
  it('reads the newest observations from the buffers of the group, row by row', async () => {
    const { world, inference, session } = await createPolicy();
    const before = await inference.run();
    const first = [...before.value];
    world.observations.position[3] = 55;
    world.observations.cells[4] = 12;
    const after = await inference.run();
    expect(after.value[1]).not.toBe(first[1]);
    expect([after.value[0], after.value[2]]).toEqual([first[0], first[2]]);
    expect(after.distribution).toHaveLength(3 * 4);
    await session.release();
  });

  it.each(['gru', 'lstm'] as const)('remembers with a %s, forgets one environment where it is told to, and moves on only by advance', async (cell) => {
    const { inference, session } = await createPolicy({}, { cell });
    expect(inference.stateSize).toBe(cell === 'gru' ? 64 : 128);
    const fresh = [...(await inference.run()).value];
    expect([...(await inference.run()).value]).toEqual(fresh);
    inference.advance();
    const second = [...(await inference.run()).value];
    expect(second).not.toEqual(fresh);
    inference.clearState(1);
    const third = (await inference.run()).value;
    expect(third[1]).toBe(fresh[1]);
    expect([third[0], third[2]]).toEqual([second[0], second[2]]);
    const kept = inference.state.slice();
    inference.advance();
    inference.setState(kept);
    expect([...(await inference.run()).value]).toEqual([...third]);
    await session.release();
  });

  it('has no memory where the policy is feed-forward', async () => {
    const { inference, session } = await createPolicy({}, { kind: 'feed-forward' });
    const first = [...(await inference.run()).value];
    inference.advance();
    inference.clearState(0);
    expect(inference.stateSize).toBe(0);
    expect([...(await inference.run()).value]).toEqual(first);
    await session.release();
  });

  it('takes a new version without a new session, and the old one back', async () => {
    const { inference, session, load } = await createPolicy();
    const zero = [...(await inference.run()).value];
    inference.usePolicy(load(1));
    expect([...(await inference.run()).value]).not.toEqual(zero);
    inference.usePolicy(load(0));
    expect([...(await inference.run()).value]).toEqual(zero);
    await session.release();
  });

  it('refuses parameters of another network and bytes that are no model', async () => {
    const { world, spec, session } = await createPolicy();
    const parameters = parametersOf(world, spec, 0);
    expect(() => session.load(1, parameters.slice(1))).toThrow(expect.objectContaining({ code: 'LAUREL_MODEL_INVALID' }));
    const reshaped = parameters.map((one, index) => (index === 0 ? { ...one, shape: [...one.shape, 1] } : one));
    expect(() => session.load(1, reshaped)).toThrow(expect.objectContaining({ code: 'LAUREL_MODEL_INVALID' }));
    const broken = { ...networkModel(world.spaces, spec, 3), bytes: Uint8Array.of(1, 2, 3) };
    await expect(PolicySession.create(broken, 3)).rejects.toMatchObject({ code: 'LAUREL_MODEL_INVALID' });
    await session.release();
  });
});

describe('the log-probability of a drawn action', () => {
  it('is that of the log-softmax with which the learner reckons, within float32', async () => {
    const rows = 200;
    const count = 28;
    const random = new CounterRandom(3, 'test');
    const logits = Float32Array.from({ length: rows * count }, (_, index) => 8 * random.normal(index));
    const graph = new Graph('log-softmax');
    graph.output('logProbs', op.logSoftmax(graph, graph.input('logits', [rows, count], 'float32')));
    const session = await InferenceSession.create(graph.build());
    const learner = (await session.run({ logits: new Tensor('float32', logits, [rows, count]) })).logProbs!.data as Float32Array;
    const sampler = createActionSampler({ kind: 'discrete', count }, new CounterRandom(4, 'actionSampling'), 'sample');
    const actions = new Int32Array(rows);
    for (let row = 0; row < rows; row++) {
      const logProb = sampler.draw(logits, row, 0, row, 0, actions);
      const reckoned = learner[row * count + actions[row]!]!;
      expect(Math.abs(logProb - reckoned)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(reckoned)));
    }
    await session.release();
  });
});

describe('a shard played by a real network', () => {
  it.each([
    ['gru', {}, {}],
    ['lstm', {}, { cell: 'lstm' as const }],
    ['no memory, continuous actions', { action: CONTINUOUS }, { kind: 'feed-forward' as const }],
  ])('is rebuilt to the same bytes: %s', async (_name, more: WorldScript, policy: Partial<NetworkPolicySpec>) => {
    const script: WorldScript = { ...more, ending: (_i, _e, step, seed) => (step < 3 + (seed.low % 30) ? 'go' : seed.high % 2 ? 'truncate' : 'terminate') };
    const begin = async () => {
      const made = await createPolicy(script, policy);
      const collector = new ShardCollector(new ShardState(SHARD, made.world, made.inference));
      collector.usePolicy(made.load(0));
      return { ...made, collector };
    };
    const one = await begin();
    await one.collector.begin();
    const segments: Uint8Array[] = [];
    for (let seq = 0; seq < 8; seq++) {
      if (seq === 5) one.collector.usePolicy(one.load(1));
      segments.push((await one.collector.collect()).bytes);
    }
    const other = await begin();
    for (let seq = 1; seq < 8; seq++) {
      await other.collector.rebuild(readBoundary(segments[seq - 1]!));
      other.collector.usePolicy(other.load(seq < 5 ? 0 : 1));
      expect(Buffer.from((await other.collector.collect()).bytes).equals(segments[seq]!)).toBe(true);
    }
    const { numbers } = takeApart(segments[3]!);
    expect(new Set(numbers('value')).size).toBeGreaterThan(10);
    await Promise.all([one.session.release(), other.session.release()]);
  });
});
