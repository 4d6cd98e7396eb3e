/** Environments that play the same episodes, from the job to the trained version. */
import { describe, expect, it } from 'vitest';
import type { LaurelError } from '../../../proto/errors.js';
import type { JobInput } from '../../../proto/job.js';
import { resolveJob, type JobIssue } from '../../../proto/resolve.js';
import { ShardCollector } from '../../../workers/rollout/collector.js';
import { ShardState } from '../../../workers/rollout/shard-state.js';
import { SmallRun, updaterOf } from '../../support/small-run.js';
import { SHARD } from './support/shards.js';
import { ScriptedPolicy, ScriptedWorld, VERSION_3 } from './support/scripted-world.js';

const JOB = {
  name: 'small',
  environment: { kind: 'text-adventure', episodeStepsMax: 8 },
  policy: { kind: 'feed-forward', preset: 'tiny' },
  sources: { turns: { kind: 'env', component: 'dense' } },
  combine: { op: 'linear', weights: { turns: 1 } },
  learn: { correction: 'grpo', groupSize: 4, batchSegments: 1 },
  rollout: { shards: 1, environmentsPerShard: 8, segmentSteps: 16 },
  stop: { versions: 2 },
  seed: 5,
} as const satisfies JobInput;

describe('a group', () => {
  it('begins the same episodes, each time anew, and another group others', async () => {
    const world = new ScriptedWorld(4, { ending: (_index, _episode, step) => (step === 4 ? 'terminate' : 'go') });
    const collector = new ShardCollector(new ShardState({ ...SHARD, groupSize: 2 }, world, new ScriptedPolicy(world)));
    await collector.begin();
    collector.usePolicy(VERSION_3);
    await collector.collect();
    expect(world.seeds[0]).toHaveLength(3);
    expect(new Set(world.seeds[0]!.map(({ high, low }) => `${high} ${low}`)).size).toBe(3);
    expect(world.seeds[1]).toEqual(world.seeds[0]);
    expect(world.seeds[3]).toEqual(world.seeds[2]);
    expect(world.seeds[2]).not.toEqual(world.seeds[0]);
  });
});

describe.each(['grpo', 'rloo'] as const)('a run with %s', (correction) => {
  it('trains two versions to finite numbers, the same ones when it is done again', { timeout: 120_000 }, async () => {
    const made: unknown[] = [];
    for (let time = 0; time < 2; time++) {
      const run = await SmallRun.prepare({ ...JOB, learn: { ...JOB.learn, correction } });
      const updater = updaterOf(run.store);
      const { updates } = await updater.update({ run: run.run, parent: 0, batches: await run.collect(2), checkpoint: 0, checkpointsAt: [2] });
      await updater.close();
      made.push(updates);
      expect(updates.map(({ version }) => version)).toEqual([1, 2]);
      for (const { metrics } of updates) {
        expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
        expect(metrics['advantageMean']).toBeCloseTo(0, 5);
        expect(Object.keys(metrics)).not.toContain('valueLoss');
      }
      await run.close();
    }
    expect(made[1]).toEqual(made[0]);
  });
});

describe('a job', () => {
  const issuesOf = (change: object): readonly JobIssue[] => {
    try {
      resolveJob({ ...JOB, ...change });
    } catch (error) {
      return (error as LaurelError).details['issues'] as JobIssue[];
    }
    return [];
  };

  it('may change how advantages are made by one field', () => {
    for (const correction of ['v-trace', 'gae', 'grpo', 'rloo']) expect(issuesOf({ learn: { ...JOB.learn, correction } })).toEqual([]);
    expect(issuesOf({ learn: { correction: 'rloo' } })).toEqual([]);
  });

  it.each([
    ['episodes that end when they will', { environment: { kind: 'grid-world' } }, 'learn.correction', 'expected v-trace or gae'],
    ['segments that cut episodes', { rollout: { ...JOB.rollout, segmentSteps: 12 } }, 'rollout.segmentSteps', 'expected a multiple of environment.episodeStepsMax (8)'],
    ['groups that no shard holds', { learn: { ...JOB.learn, groupSize: 3 } }, 'learn.groupSize', 'expected a divisor of rollout.environmentsPerShard (8), got 3'],
    ['one environment', { learn: { correction: 'rloo' }, rollout: { ...JOB.rollout, environmentsPerShard: 1 } }, 'rollout.environmentsPerShard', 'expected at least 2'],
    ['value functions', { policy: { kind: 'feed-forward', valueHeads: { all: { sources: ['turns'] } } } }, 'policy.valueHeads', 'expected null'],
  ])('is refused with %s', (_what, change, path, message) => {
    expect(issuesOf(change)).toMatchObject([{ path, message: expect.stringContaining(message) as string }]);
  });
});
