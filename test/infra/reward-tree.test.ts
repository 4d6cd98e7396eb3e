import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RewardRef } from '../../proto/references.js';
import { advanceRewardState, initialRewardState, type RewardState } from '../../proto/reward-state.js';
import { resolveJob } from '../../proto/resolve.js';
import type { UpdateRecord } from '../../workers/learner/update-record.js';
import { decodeRewards } from '../../workers/reward/reward-record.js';
import { Project, type Ended } from './cli-process.js';

/** A server and five workers start; a machine under load takes its time. */
const TEST_MS_MAX = 300_000;

/** The example, small: everything of its reward is as in the file. */
async function smallExample(): Promise<Record<string, unknown>> {
  const whole = JSON.parse(await readFile(new URL('../../examples/grid-world-constraint.json', import.meta.url), 'utf8')) as Record<string, unknown>;
  return { ...whole, rollout: { shards: 2, environmentsPerShard: 4, segmentSteps: 16 }, schedule: { mode: 'lockstep' }, evaluate: { episodes: 4, environments: 4 }, stop: { versions: 6 } };
}

describe('a reward that is a tree, through the whole pipeline', { timeout: TEST_MS_MAX }, () => {
  let project: Project;
  let ended: Ended;
  let records: UpdateRecord[];
  const path = (key: string): string => join(project.store, ...key.split('/'));

  beforeAll(async () => {
    project = await Project.make();
    const file = join(project.folder, 'job.json');
    await writeFile(file, JSON.stringify(await smallExample()));
    ended = await project.run(['run', file]);
    const folder = path('runs/grid-world-constraint/updates');
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
    records = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as UpdateRecord));
  }, TEST_MS_MAX);
  afterAll(() => project.remove());

  it('trains to its end, with every source and named term in the stored rewards', async () => {
    expect(ended).toMatchObject({ code: 0, output: expect.stringMatching(/grid-world-constraint completed: version 6/) as string });
    const trained = records.filter(({ version }) => version > 0);
    expect(trained).toHaveLength(6);
    const { body } = decodeRewards(await readFile(path(trained[0]!.rewards[0]!.key)));
    expect(body.components).toEqual(['bumps', 'goal', 'progress', 'refused', 'sees', 'interest', 'task', 'total']);
  });

  it('records with each version the multiplier that its rewards were made with, which follows from the batches before', async () => {
    const job = resolveJob(await smallExample());
    const refs = async (record: UpdateRecord): Promise<RewardRef[]> =>
      Promise.all(record.rewards.map(async ({ key, rows }) => ({ rows, components: decodeRewards(await readFile(path(key))).body.sums }) as unknown as RewardRef));
    let expected: RewardState = initialRewardState(job)!;
    const trained = records.filter(({ version }) => version > 0).sort((a, b) => a.version - b.version);
    // A call scores several batches with the multipliers that it began with.
    const used = trained.map(({ scoring }) => scoring!.state!.multipliers['total.bumps']!);
    const reached: number[] = [expected.multipliers['total.bumps']!];
    for (const record of trained) reached.push((expected = advanceRewardState(job, expected, await refs(record))).multipliers['total.bumps']!);
    expect(used[0]).toBe(0);
    used.forEach((multiplier, index) => expect(reached.slice(0, index + 1)).toContain(multiplier));
    expect(Math.max(...used)).toBeGreaterThan(0);
  });

  it('is the same when everything is made again', async () => {
    expect(await project.run(['verify', 'grid-world-constraint', '--all'])).toMatchObject({ code: 0 });
  });
});
