import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnArray, readTables } from '../../../proto/flight/tables.js';
import { assembleBatch, type SegmentBytes } from '../../../workers/learner/batch.js';
import { Network } from '../../../workers/learner/networks/network.js';
import { initialTrainerState, TrainStepper } from '../../../workers/learner/stepper.js';
import { componentOf, decodeRewards } from '../../../workers/reward/reward-record.js';
import { environmentSpaces } from '../../../workers/rollout/environments/registry.js';
import { readerOf, SMALL_JOB, SmallRun, updaterOf } from '../../support/small-run.js';
import { actorCriticOf, networkPolicyOf } from '../../../proto/learning.js';

const STEPS = SMALL_JOB.rollout.segmentSteps;
const ENVIRONMENTS = SMALL_JOB.rollout.environmentsPerShard;

describe('a training batch', () => {
  const runs: SmallRun[] = [];
  const parts = new Map<string, SegmentBytes[]>();
  const networks = new Map<string, Network>();

  beforeAll(async () => {
    const heads = { game: { sources: ['game'] }, words: { sources: ['words'], discount: 0.5 } };
    for (const [name, policy] of [['one', { preset: 'tiny' }], ['two', { preset: 'tiny', valueHeads: heads }]] as const) {
      const run = await SmallRun.prepare({ ...SMALL_JOB, policy });
      runs.push(run);
      const [batch] = await run.collect();
      const read = readerOf(run.store);
      parts.set(name, await Promise.all(batch!.segments.map(async (segment, index) => ({ segment: await read.read(segment), reward: await read.read(batch!.rewards[index]!) }))));
      networks.set(name, new Network(await environmentSpaces(run.job.environment), networkPolicyOf(run.job.policy)));
    }
  });
  afterAll(() => Promise.all(runs.map((run) => run.close())));

  it('is time-major, the segments side by side: row (step, segment * E + environment) is row (environment, step) of its segment', () => {
    const batch = assembleBatch(parts.get('one')!, networks.get('one')!, STEPS, ENVIRONMENTS);
    parts.get('one')!.forEach(({ segment, reward }, index) => {
      const [transitions] = readTables(segment);
      const values = columnArray(transitions!, 'value', Float32Array);
      const view = columnArray(transitions!, 'observation.view', Uint8Array);
      const { value: total } = componentOf(decodeRewards(reward), 'total');
      const cells = view.length / values.length;
      for (let environment = 0; environment < ENVIRONMENTS; environment++) {
        for (let step = 0; step < STEPS; step++) {
          const from = environment * STEPS + step;
          const to = step * 2 * ENVIRONMENTS + index * ENVIRONMENTS + environment;
          expect(batch.behaviourValue[to]).toBe(values[from]);
          expect(batch.reward[to]).toBe(total[from]);
          expect([...batch.observations['view']!.subarray(to * cells, (to + 1) * cells)]).toEqual([...view.subarray(from * cells, (from + 1) * cells)]);
        }
      }
    });
  });

  it('gives each value head the weighted rewards of its own sources; together they are the total', () => {
    const batch = assembleBatch(parts.get('two')!, networks.get('two')!, STEPS, ENVIRONMENTS);
    expect(batch.reward.length).toBe(2 * STEPS * 2 * ENVIRONMENTS);
    let nonZero = 0;
    parts.get('two')!.forEach(({ reward }, index) => {
      const rewards = decodeRewards(reward);
      const [game, words, total] = ['game', 'words', 'total'].map((name) => componentOf(rewards, name).value) as [Float32Array, Float32Array, Float32Array];
      for (let environment = 0; environment < ENVIRONMENTS; environment++) {
        for (let step = 0; step < STEPS; step++) {
          const from = environment * STEPS + step;
          const to = step * 2 * ENVIRONMENTS + index * ENVIRONMENTS + environment;
          const got = [...batch.reward.subarray(2 * to, 2 * to + 2)] as [number, number];
          expect(got).toEqual([Math.fround(game[from]! * 1), Math.fround(words[from]! * 0.2)]);
          expect(got[0] + got[1]).toBeCloseTo(total[from]!, 6);
          if (got[1] !== 0) nonZero += 1;
        }
      }
    });
    expect(nonZero).toBeGreaterThan(0);
  });

  it('trains each head on its own rewards', async () => {
    const run = runs[1]!;
    const network = networks.get('two')!;
    const updater = updaterOf(run.store);
    const made = await updater.update({ run: run.run, parent: 0, batches: await run.collect(), checkpoint: 0, checkpointsAt: [] });
    await updater.close();
    expect(made.updates[0]!.metrics['valueLoss']).toBeGreaterThan(0);
    const stepper = await TrainStepper.create(network, actorCriticOf(run.job.learn), STEPS, 2 * ENVIRONMENTS);
    const batch = assembleBatch(parts.get('two')!, network, STEPS, ENVIRONMENTS);
    const state = initialTrainerState(network, 1);
    const silent = { ...batch, reward: batch.reward.map((value, index) => (index % 2 === 1 ? 0 : value)) };
    const [both, one] = [await stepper.step(state, batch), await stepper.step(state, silent)];
    await stepper.release();
    expect(both.metrics['rewardMean']).toBeGreaterThan(one.metrics['rewardMean']!);
    expect(both.state.parameters['value.bias']).not.toEqual(one.state.parameters['value.bias']);
  });
});
