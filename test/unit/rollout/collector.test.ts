import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../../proto/philox.js';
import { BOUNDARY_COLUMNS, SEGMENT_COLUMNS } from '../../../proto/schemas.js';
import { observationDigest } from '../../../workers/rollout/observation-digest.js';
import { scriptedValue } from './support/scripted-world.js';
import { beginShard, SHARD, takeApart } from './support/shards.js';

const STEPS = SHARD.segmentSteps;

describe('a segment', () => {
  it('has the columns of the schema, each observation tensor in its own type', async () => {
    const { collector } = await beginShard(3);
    const { transitions, boundary } = takeApart((await collector.collect()).bytes);
    const names = Object.values(SEGMENT_COLUMNS).filter((name) => name !== SEGMENT_COLUMNS.observationPrefix);
    expect(transitions.schema.fields.map((field) => field.name).sort()).toEqual([...names, 'observation.position', 'observation.cells'].sort());
    expect(boundary.schema.fields.map((field) => field.name).sort()).toEqual([...Object.values(BOUNDARY_COLUMNS), 'bootstrap_value', 'observation.position', 'observation.cells'].sort());
    expect(String(transitions.schema.fields.find((field) => field.name === 'observation.cells')!.type)).toBe('FixedSizeList[4]<Int16>');
    expect(transitions.numRows).toBe(3 * STEPS);
    expect(boundary.numRows).toBe(3);
  });

  it('holds rows environment-major: what was seen before the action, and its place in the episode', async () => {
    const { collector, world } = await beginShard(2, { ending: (index, _episode, step) => (index === 1 && step === 3 ? 'terminate' : 'go') });
    const { numbers } = takeApart((await collector.collect()).bytes);
    expect(numbers('environment')).toEqual([...Array(STEPS).fill(0), ...Array(STEPS).fill(1)]);
    expect(numbers('episode')).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
    expect(numbers('step')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 0, 1, 2, 0, 1]);
    const positions = numbers('observation.position');
    for (let row = 0; row < 2 * STEPS; row++) {
      expect(positions[row * 3 + 1]).toBe(numbers('step')[row]);
      expect(positions[row * 3 + 2]).toBe(Math.floor(row / STEPS));
      expect(numbers('observation.cells')[row * 4]).toBe(positions[row * 3]);
    }
    // The first observation of an episode follows from its seed alone.
    const seed = world.seeds[1]![1]!;
    expect(positions[(STEPS + 3) * 3]).toBe((((seed.low ^ seed.high) % 97) + 97) % 97);
  });

  it('begins each episode with the seed of (shard, environment, episode)', async () => {
    const { collector, world } = await beginShard(2, { ending: (_index, _episode, step) => (step === 4 ? 'terminate' : 'go') });
    await collector.collect();
    const random = new CounterRandom(SHARD.seed, 'episodeSeed');
    world.seeds.forEach((seeds, index) => {
      expect(seeds).toHaveLength(3);
      seeds.forEach((seed, episode) => {
        const words = random.at(SHARD.shard, index, episode);
        expect(seed).toEqual({ high: words[0], low: words[1] });
      });
    });
  });

  it('gives a row the value of its successor state where the next row is another state', async () => {
    const endings = { 0: 'terminate', 1: 'truncate', 2: 'fail' } as const;
    const { collector } = await beginShard(4, { ending: (index, _episode, step) => (step === 5 && index < 3 ? endings[index as 0] : 'go') });
    const first = (await collector.collect()).bytes;
    const second = (await collector.collect()).bytes;
    const { numbers, atEnd } = takeApart(first);
    const bootstrap = numbers('bootstrap_value');
    const at = (index: number, step: number): number => bootstrap[index * STEPS + step]!;
    // Terminated and failed: nothing follows. Truncated: the last observation before the reset, five steps into the episode.
    expect([at(0, 4), at(2, 4)]).toEqual([0, 0]);
    const truncatedState = Math.round(10 * numbers('env_reward')[2 * (STEPS + 4)]!);
    expect(at(1, 4)).toBe(scriptedValue(truncatedState, 5, 5));
    // Last rows: the observation with which the next segment begins.
    const next = takeApart(second);
    for (let index = 0; index < 4; index++) {
      expect(at(index, STEPS - 1)).toBe(next.numbers('value')[index * STEPS]);
      expect(at(index, STEPS - 1)).not.toBe(0);
    }
    expect(atEnd('bootstrap_value')).toEqual([0, 1, 2, 3].map((index) => at(index, STEPS - 1)));
    // And nowhere else.
    const expected = new Set([STEPS + 4, ...[0, 1, 2, 3].map((index) => (index + 1) * STEPS - 1)]);
    bootstrap.forEach((value, row) => expect(value !== 0).toBe(expected.has(row)));
    expect(numbers('terminated').map((value, row) => (value ? row : -1)).filter((row) => row >= 0)).toEqual([4]);
    expect(numbers('truncated').map((value, row) => (value ? row : -1)).filter((row) => row >= 0)).toEqual([STEPS + 4, 2 * STEPS + 4]);
  });

  it('keeps the bootstrap value of an episode that ends with the last row, not that of the next episode', async () => {
    const { collector } = await beginShard(2, { ending: (index, _episode, step) => (step === STEPS ? (index === 0 ? 'truncate' : 'terminate') : 'go') });
    const { numbers, atEnd, end } = takeApart((await collector.collect()).bytes);
    const state = Math.round(10 * numbers('env_reward')[2 * (STEPS - 1)]!);
    expect(numbers('bootstrap_value')[STEPS - 1]).toBe(scriptedValue(state, STEPS, STEPS));
    expect(atEnd('bootstrap_value')).toEqual([scriptedValue(state, STEPS, STEPS), 0]);
    expect(end.episodes).toEqual([1, 1]);
    expect(end.episodeSteps).toEqual([0, 0]);
    expect(atEnd('state_end')).toEqual([0, 0, 0, 0]);
  });

  it('costs one inference for each step, one at its end, and one more only where rows were truncated', async () => {
    const { collector, policy } = await beginShard(3, { ending: (index, episode, step) => (episode === 0 && step === 5 && index < 2 ? 'truncate' : 'go') });
    await collector.collect();
    expect(policy.runs).toBe(STEPS + 1 + 1);
    await collector.collect();
    // The outputs of the last observation serve the next segment too.
    expect(policy.runs).toBe(STEPS + 2 + STEPS);
  });

  it('counts each exact text within its episode and keeps raw bytes', async () => {
    const raw = Uint8Array.of(0xff, 0x00, 0xc3);
    const texts = ['a', 'b', 'a', '', 'a', raw, raw, 'b'];
    const { collector } = await beginShard(1, { text: (_index, step) => texts[(step - 1) % texts.length]!, ending: (_index, _episode, step) => (step === 11 ? 'terminate' : 'go') });
    const one = takeApart((await collector.collect()).bytes);
    const latin = texts.map((text) => (typeof text === 'string' ? text : Buffer.from(text).toString('latin1')));
    expect(one.texts).toEqual(latin);
    expect(one.numbers('text_count')).toEqual([1, 1, 2, 0, 3, 1, 2, 2]);
    const two = takeApart((await collector.collect()).bytes);
    // Counts go on over the segment's border, and start anew with the episode.
    expect(two.texts).toEqual(['a', 'b', 'a', 'a', 'b', 'a', '', 'a']);
    expect(two.numbers('text_count')).toEqual([4, 3, 5, 1, 1, 2, 0, 3]);
  });

  it('clears memory where an episode begins, and says with which memory it began and ended', async () => {
    const { collector } = await beginShard(2, { ending: (index, _episode, step) => (index === 1 && step === 6 ? 'terminate' : 'go') });
    const one = takeApart((await collector.collect()).bytes);
    expect(one.atEnd('state_start')).toEqual([0, 0, 0, 0]);
    const seen = one.atEnd('state_end');
    expect([seen[0], seen[2]]).toEqual([STEPS, 2]);
    const two = takeApart((await collector.collect()).bytes);
    expect(two.atEnd('state_start')).toEqual(seen);
    // The first memory counts the observations of the episode: it is 0 at step 0.
    const { numbers } = one;
    for (let row = 0; row < 2 * STEPS; row++) {
      const state = numbers('observation.position')[row * 3]!;
      expect(numbers('value')[row]).toBe(scriptedValue(state, numbers('step')[row]!, numbers('step')[row]!));
    }
  });

  it('sums the episodes that ended in it, failed ones apart', async () => {
    const { collector } = await beginShard(3, { ending: (index, _episode, step) => (step !== 4 ? 'go' : (['terminate', 'truncate', 'fail'] as const)[index]!) });
    const { body, numbers } = takeApart((await collector.collect()).bytes);
    expect(body.episodes).toMatchObject({ count: 4, failed: 2, lengthSum: 16 });
    const rewards = numbers('env_reward');
    let main = 0;
    for (let row = 0; row < 2 * STEPS; row++) main += rewards[row * 2]!;
    expect(body.episodes.returnSums[0]).toBeCloseTo(main, 4);
    expect(body.episodes.returnSums[1]).toBe(2);
    expect(body.episodes.statisticSums[1]).toBe(16);
  });

  it('tells in its metadata what it is, and at its end where the shard stands', async () => {
    const { collector, world } = await beginShard(2);
    await collector.collect();
    const segment = await collector.collect();
    const { body, end, atEnd } = takeApart(segment.bytes);
    expect(body).toEqual(segment.body);
    expect(body).toMatchObject({ run: 'r', shard: 5, seq: 1, policyVersion: 3, environments: 2, steps: STEPS, segmentStart: STEPS, seed: 42 });
    expect(body.spaces).toEqual(world.spaces);
    expect(end).toMatchObject({ run: 'r', shard: 5, seq: 1, episodes: [0, 0], episodeSteps: [2 * STEPS, 2 * STEPS] });
    expect(end.episodeActions.map((bytes) => bytes.length)).toEqual([8 * STEPS, 8 * STEPS]);
    expect(end.observationDigests).toEqual([observationDigest(world, 0), observationDigest(world, 1)]);
    expect(end.observationDigests[0]).not.toBe(end.observationDigests[1]);
    expect(atEnd('observation.position')).toEqual([...world.observations.position]);
    expect(segment.stepMs).toHaveLength(STEPS);
  });

  it('stores continuous actions as drawn, while the environment gets them bounded', async () => {
    const action = { kind: 'continuous', size: 2, low: [-0.1, -0.1], high: [0.1, 0.1] } as const;
    const { collector, world } = await beginShard(2, { action });
    const given: number[] = [];
    const step = world.step.bind(world);
    world.step = (actions, outcome, only) => {
      given.push(...actions);
      return step(actions, outcome, only);
    };
    const { numbers, transitions } = takeApart((await collector.collect()).bytes);
    expect(String(transitions.schema.fields.find((field) => field.name === 'action')!.type)).toBe('FixedSizeList[2]<Float32>');
    expect(Math.max(...numbers('action').map(Math.abs))).toBeGreaterThan(0.5);
    expect(Math.max(...given.map(Math.abs))).toBe(Math.fround(0.1));
  });

  it('is played under the version that was set before it', async () => {
    const { collector } = await beginShard(2);
    await collector.collect();
    const same = takeApart((await collector.collect()).bytes);
    const other = await beginShard(2);
    await other.collector.collect();
    other.collector.usePolicy({ version: 4, tensors: {} });
    const next = takeApart((await other.collector.collect()).bytes);
    expect(new Set(next.numbers('policy_version'))).toEqual(new Set([4]));
    expect(next.body.policyVersion).toBe(4);
    expect(next.numbers('behaviour_log_prob')[0]).not.toBe(same.numbers('behaviour_log_prob')[0]);
  });

  it('refuses a value that is not a number', async () => {
    const { collector, policy } = await beginShard(2);
    policy.broken = true;
    await expect(collector.collect()).rejects.toMatchObject({ code: 'LAUREL_NUMBER_INVALID' });
  });
});
