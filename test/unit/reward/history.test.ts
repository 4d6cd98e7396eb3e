import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTables } from '../../../proto/flight/tables.js';
import type { SegmentRef } from '../../../proto/references.js';
import { constantWeights } from '../../../proto/reward-combine.js';
import { resolveJob } from '../../../proto/resolve.js';
import { RewardGraph } from '../../../workers/reward/graph.js';
import { componentOf, decodeRewards } from '../../../workers/reward/reward-record.js';
import { segmentUnits } from '../../../workers/reward/segment-units.js';
import { layout } from '../../../workers/store/layout.js';
import { SMALL_JOB, SmallRun } from '../../support/small-run.js';

/** The number of steps with a message of a wall in an episode, paid at its end. */
const JOB = {
  ...SMALL_JOB,
  shape: [],
  combine: {
    op: 'linear',
    weights: { game: 1, whole: -0.1 },
    of: [{ op: 'assign', name: 'whole', to: 'step', rule: 'last', of: { op: 'assign', to: 'episode', rule: 'sum', of: 'words' } }],
  },
  // Episodes of 30 steps run across segments of 8.
  rollout: { shards: 1, environmentsPerShard: 3, segmentSteps: 8 },
} as const;

describe('an episode that runs across segments', () => {
  let run: SmallRun;
  let segments: SegmentRef[];
  let rewards: { value: Float32Array; mask: Uint8Array }[];

  beforeAll(async () => {
    run = await SmallRun.prepare(JOB);
    const batches = await run.collect(9);
    segments = batches.flatMap((batch) => batch.segments);
    rewards = await Promise.all(batches.flatMap((batch) => batch.rewards).map(async ({ key }) => componentOf(decodeRewards((await run.store.get(key))!), 'whole')));
  });
  afterAll(() => run.close());

  it('is worth what all of it says, at its last step, whichever segment that lies in', async () => {
    let ends = 0;
    const sums = new Map<string, number>();
    for (const [index, { seq }] of segments.entries()) {
      const table = readTables((await run.store.get(layout.segment(run.run, 0, seq)))!)[0]!;
      const level = segmentUnits(table).levels.step!;
      const [environment, episode] = ['environment', 'episode'].map((name) => table.getChild(name)!.toArray() as Int32Array);
      for (let row = 0; row < level.units; row++) {
        const key = `${environment![row]}/${episode![row]}`;
        sums.set(key, (sums.get(key) ?? 0) + (level.texts[level.textIndex[row]!]?.includes('wall') ? 1 : 0));
        if (level.done[row] === 1) ends += 1;
        expect(rewards[index]!.mask[row]).toBe(1);
        expect(rewards[index]!.value[row]).toBe(level.done[row] === 1 ? sums.get(key) : 0);
      }
    }
    expect(ends).toBeGreaterThan(3);
    expect([...sums.values()].some((sum) => sum > 1)).toBe(true);
  });

  it('gets the same values where all segments are one batch', async () => {
    const job = resolveJob(JOB);
    const graph = new RewardGraph(job);
    expect(graph.history).toBe('episode');
    const tables = await Promise.all(segments.map(async ({ key }) => readTables((await run.store.get(key))!)[0]!));
    // The last segment with all before it: every running episode as a whole.
    const units = segmentUnits(tables[8]!, [], tables.slice(0, 8));
    const columns = graph.evaluate(units, {}, constantWeights(job.combine));
    const whole = columns[graph.components.indexOf('whole')]!;
    expect([...whole.value]).toEqual([...rewards[8]!.value]);
  });

  it('is divided into stages that end after so many steps, whichever segment that lies in', async () => {
    const job = resolveJob({
      ...JOB,
      stages: { by: 'steps', steps: 5 },
      combine: { op: 'assign', to: 'step', rule: 'last', of: { op: 'assign', to: 'segment', rule: 'sum', of: 'words' } },
    });
    const graph = new RewardGraph(job);
    const tables = await Promise.all(segments.map(async ({ key }) => readTables((await run.store.get(key))!)[0]!));
    let sums = new Map<string, number>();
    let paid = 0;
    for (let index = 0; index < tables.length; index++) {
      const units = segmentUnits(tables[index]!, [], tables.slice(0, index), job.stages);
      const { value, mask } = graph.evaluate(units, {}, {}).at(-1)!;
      const own = segmentUnits(tables[index]!).levels.step!;
      const environment = tables[index]!.getChild('environment')!.toArray() as Int32Array;
      for (let row = 0; row < own.units; row++) {
        const key = String(environment[row]);
        if (own.position[row] === 0) sums.set(key, 0);
        sums.set(key, (sums.get(key) ?? 0) + (own.texts[own.textIndex[row]!]?.includes('wall') ? 1 : 0));
        const ends = own.done[row] === 1 || (own.position[row]! + 1) % 5 === 0;
        expect([mask[row], value[row]]).toEqual([1, ends ? sums.get(key) : 0]);
        if (ends) paid += sums.get(key)!;
        if (ends) sums = new Map([...sums, [key, 0]]);
      }
    }
    expect(paid).toBeGreaterThan(3);
  });

  it('says which segment is missing, so that it can be made again', async () => {
    const job = { ...JOB, name: 'other' };
    const other = await SmallRun.prepare(job);
    try {
      await other.collect(1);
      await other.store.delete(layout.segment(other.run, 0, 0));
      await expect(other.collect(1)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING', details: { key: layout.segment(other.run, 0, 0) } });
    } finally {
      await other.close();
    }
  });
});
