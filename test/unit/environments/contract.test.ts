/** What every environment must keep to, whatever it is. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentSchemas } from '../../../proto/environments.js';
import { CounterRandom } from '../../../proto/philox.js';
import { createStepOutcome, type EnvironmentGroup, type StepOutcome } from '../../../workers/rollout/environments/environment.js';
import { createEnvironmentGroup, environmentRegistry, environmentSpaces } from '../../../workers/rollout/environments/registry.js';

const SIZE = 3;
const CASES = [
  { name: 'grid-world', options: { kind: 'grid-world', episodeStepsMax: 40 } },
  { name: 'nethack', options: { kind: 'nethack', episodeStepsMax: 60 } },
  { name: 'gymnasium CartPole-v1', options: { kind: 'gymnasium', id: 'CartPole-v1' } },
  { name: 'point-mass reach', options: { kind: 'point-mass', episodeStepsMax: 30 } },
  { name: 'point-mass push', options: { kind: 'point-mass', task: 'push', episodeStepsMax: 30 } },
  { name: 'pendulum', options: { kind: 'pendulum', episodeStepsMax: 30 } },
  { name: 'portfolio', options: { kind: 'portfolio', episodeStepsMax: 20 } },
  { name: 'landmarks', options: { kind: 'landmarks', episodeStepsMax: 30 } },
  { name: 'text-adventure', options: { kind: 'text-adventure', episodeStepsMax: 30 } },
  { name: 'gymnasium Pendulum-v1', options: { kind: 'gymnasium', id: 'Pendulum-v1', episodeStepsMax: 30 } },
];

it('has a case for every registered environment', () => {
  expect([...new Set(CASES.map(({ options }) => options.kind))].sort()).toEqual(Object.keys(environmentRegistry).sort());
});

describe.each(CASES)('$name', ({ options }) => {
  const spec = environmentSchemas.parse(options);
  let group: EnvironmentGroup;
  let outcome: StepOutcome;
  beforeAll(async () => {
    group = await createEnvironmentGroup(spec, SIZE);
    outcome = createStepOutcome(group.spaces, SIZE);
  }, 300_000);
  afterAll(async () => group.close());

  const width = (): number => (group.spaces.action.kind === 'discrete' ? 1 : group.spaces.action.size);
  function actions(step: number, seed = 1): Int32Array | Float32Array {
    const random = new CounterRandom(seed, 'test');
    const { action } = group.spaces;
    if (action.kind === 'discrete') return Int32Array.from({ length: SIZE }, (_, index) => Math.floor(random.uniform(step, index) * action.count));
    return Float32Array.from({ length: SIZE * action.size }, (_, index) => random.uniform(step, index) * 2 - 1);
  }
  const row = (index: number): string => {
    const hash = createHash('sha256');
    for (const [name, space] of Object.entries(group.spaces.observations)) {
      const elements = space.shape.reduce((product, size) => product * size, 1);
      const view = group.observations[name]!.slice(index * elements, (index + 1) * elements);
      hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    }
    return hash.digest('hex');
  };
  const resetAll = async (seed: number): Promise<void> => {
    for (let index = 0; index < SIZE; index++) await group.reset(index, { high: seed, low: index });
  };

  it('gives the spaces that its group has, and buffers that fit them', async () => {
    expect(group.spaces).toEqual(await environmentSpaces(spec));
    for (const [name, space] of Object.entries(group.spaces.observations)) {
      expect(group.observations[name]).toHaveLength(SIZE * space.shape.reduce((product, size) => product * size, 1));
    }
    expect(group.statistics(0)).toHaveLength(group.spaces.episodeStatistics.length);
  });

  it('plays the same episodes from the same seeds and actions', async () => {
    const play = async (): Promise<string[]> => {
      await resetAll(7);
      const seen: string[] = [];
      for (let step = 0; step < 25; step++) {
        await group.step(actions(step), outcome);
        for (let index = 0; index < SIZE; index++) {
          seen.push(`${row(index)} ${outcome.rewards[index]} ${outcome.terminated[index]}${outcome.truncated[index]} ${Buffer.from(outcome.texts[index]!).toString('latin1')}`);
          if (outcome.terminated[index] || outcome.truncated[index]) await group.reset(index, { high: 8, low: step * SIZE + index });
        }
      }
      return seen;
    };
    expect(await play()).toEqual(await play());
  });

  it('steps only what it is told to', async () => {
    await resetAll(9);
    await group.step(actions(0), outcome);
    const before = [0, 1, 2].map(row);
    const rewards = outcome.rewards.slice();
    await group.step(actions(1), outcome, [1]);
    expect(row(0)).toBe(before[0]);
    expect(row(2)).toBe(before[2]);
    expect(outcome.rewards[0]).toBe(rewards[0]);
    // The one that was stepped is where it would be had all been stepped.
    const alone = row(1);
    await resetAll(9);
    await group.step(actions(0), outcome);
    await group.step(actions(1), outcome);
    expect(row(1)).toBe(alone);
  });

  it('ends, never in two ways at once, and keeps the last observation until the reset', async () => {
    await resetAll(11);
    let ended = -1;
    for (let step = 0; step < 2_000 && ended < 0; step++) {
      await group.step(actions(step), outcome);
      for (let index = 0; index < SIZE; index++) {
        expect(outcome.terminated[index]! + outcome.truncated[index]! + outcome.failed[index]!).toBeLessThanOrEqual(1);
        expect(outcome.texts[index]!.byteLength).toBeLessThanOrEqual(group.spaces.textBytesMax);
        if (ended < 0 && (outcome.terminated[index] || outcome.truncated[index])) ended = index;
      }
    }
    expect(ended).toBeGreaterThanOrEqual(0);
    const last = row(ended);
    await group.step(actions(5_000), outcome, [(ended + 1) % SIZE].filter((other) => !outcome.terminated[other] && !outcome.truncated[other]));
    expect(row(ended)).toBe(last);
    await group.reset(ended, { high: 12, low: 0 });
    expect(row(ended)).not.toBe(last);
  });

  it('takes actions of the width it names', () => {
    expect(actions(0)).toHaveLength(SIZE * width());
  });
});
