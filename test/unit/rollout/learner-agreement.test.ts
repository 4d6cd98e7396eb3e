import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { networkPolicySchema, type NetworkPolicySpec } from '../../../proto/learning.js';
import { Graph } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';
import { Network } from '../../../workers/learner/networks/network.js';
import { Scope } from '../../../workers/learner/networks/scope.js';
import { ShardCollector } from '../../../workers/rollout/collector.js';
import { PolicyInference, PolicySession } from '../../../workers/rollout/policy/inference.js';
import { networkModel } from '../../../workers/rollout/policy/network-model.js';
import { ShardState } from '../../../workers/rollout/shard-state.js';
import { ScriptedWorld } from './support/scripted-world.js';
import { SHARD, takeApart } from './support/shards.js';

const SIZE = 3;
const STEPS = SHARD.segmentSteps;
const ROWS = SIZE * STEPS;

/** Environment-major values in the learner's order. */
function timeMajor<Values extends Float32Array | Int16Array>(values: Values, width = 1): Values {
  const out = values.slice() as Values;
  for (let index = 0; index < SIZE; index++) {
    for (let step = 0; step < STEPS; step++) {
      out.set(values.subarray((index * STEPS + step) * width, (index * STEPS + step + 1) * width), (step * SIZE + index) * width);
    }
  }
  return out;
}

describe('a segment', () => {
  it.each<Partial<NetworkPolicySpec>>([{ cell: 'gru' }, { cell: 'lstm' }, { kind: 'feed-forward' }])('holds the values and log-probabilities that the network gives over its whole length, with memory from its start: %o', async (policy) => {
    const world = new ScriptedWorld(SIZE, { ending: (_i, _e, step, seed) => (step < 3 + (seed.low % 12) ? 'go' : seed.high % 2 ? 'truncate' : 'terminate') });
    const spec = networkPolicySchema.parse({ preset: 'tiny', ...policy });
    const network = new Network(world.spaces, spec);
    const values = network.initialParameters(3);
    const session = await PolicySession.create(networkModel(world.spaces, spec, SIZE), SIZE);
    const inference = new PolicyInference(session, world);
    const collector = new ShardCollector(new ShardState(SHARD, world, inference));
    collector.usePolicy(session.load(0, network.parameters.map(({ name, shape }) => ({ name, shape, data: values[name]! }))));
    await collector.begin();

    const graph = new Graph('whole segment');
    const keep = network.stateSize > 0 ? graph.input('keep', [STEPS, SIZE]) : null;
    const built = network.build(new Scope(graph), network.observationInputs(graph, ROWS), STEPS, SIZE, network.stateInput(graph, SIZE), keep);
    graph.output('value', built.value);
    graph.output('logProb', op.pick(graph, op.logSoftmax(graph, built.distribution), graph.input('action', [ROWS], 'int64')));
    const learner = await InferenceSession.create(graph.build());

    let ends = 0;
    for (let seq = 0; seq < 5; seq++) {
      const { numbers, atEnd } = takeApart((await collector.collect()).bytes);
      ends += numbers('step').filter((step, row) => step === 0 && row % STEPS > 0).length;
      const feeds: Record<string, Tensor> = {
        'observation.position': new Tensor('float32', timeMajor(Float32Array.from(numbers('observation.position')), 3), [ROWS, 3]),
        'observation.cells': new Tensor('int16', timeMajor(Int16Array.from(numbers('observation.cells')), 4), [ROWS, 2, 2]),
        action: new Tensor('int64', BigInt64Array.from(timeMajor(Float32Array.from(numbers('action'))), (action) => BigInt(action)), [ROWS]),
      };
      for (const { name, shape } of network.parameters) feeds[`parameter.${name}`] = new Tensor('float32', values[name]!, [...shape]);
      if (keep) {
        feeds['keep'] = new Tensor('float32', timeMajor(Float32Array.from(numbers('step'), (step) => (step === 0 ? 0 : 1))), [STEPS, SIZE]);
        feeds['state'] = new Tensor('float32', Float32Array.from(atEnd('state_start')), [SIZE, network.stateSize]);
      }
      const whole = await learner.run(feeds);
      const expectClose = (found: Float32Array, stored: number[]): void => {
        timeMajor(Float32Array.from(stored)).forEach((value, row) => expect(Math.abs(value - found[row]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value))));
      };
      expectClose(whole['value']!.data as Float32Array, numbers('value'));
      expectClose(whole['logProb']!.data as Float32Array, numbers('behaviour_log_prob'));
    }
    expect(ends).toBeGreaterThan(3);
    await Promise.all([session.release(), learner.release()]);
  });
});
