/** What the workflow decides about an object that is damaged or gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/client';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RestoreRewardInput, RestoreSegmentInput, RestoreVersionInput } from '../../proto/restoration.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { layout } from '../../workers/store/layout.js';
import { createFakes, smallJob, type Fakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

const DIGEST = `sha256:${'0'.repeat(64)}`;
const corrupt = (key: string, digest: string | null = DIGEST): ApplicationFailure => ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: `${key} is damaged`, nonRetryable: true, details: [{ key, digest }] });

interface Asked {
  readonly segments: RestoreSegmentInput[];
  readonly rewards: RestoreRewardInput[];
  readonly versions: RestoreVersionInput[];
}

async function play(job: Record<string, unknown>, change: (fakes: Fakes, damaged: Set<string>) => void): Promise<{ result: RunResult; status: RunStatus; asked: Asked }> {
  const asked: Asked = { segments: [], rewards: [], versions: [] };
  const damaged = new Set<string>();
  const { activities } = createFakes({
    restoreSegment: async (input) => {
      asked.segments.push(input);
      return { made: damaged.delete(input.key) };
    },
    restoreReward: async (input) => {
      asked.rewards.push(input);
      return { made: damaged.delete(input.key) };
    },
    restoreVersion: async (input) => {
      asked.versions.push(input);
      return { made: damaged.delete(input.key) };
    },
  });
  change(activities, damaged);
  return withWorkers(server, activities, async () => {
    const handle = await server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('damaged'), args: [job] });
    const result = (await handle.result()) as RunResult;
    return { result, status: await handle.query<RunStatus>('status'), asked };
  });
}

/** Objects that a call reads are damaged from the start. */
const reading =
  (...keys: readonly string[]) =>
  (fakes: Fakes, damaged: Set<string>): void => {
    for (const key of keys) damaged.add(key);
    const check = (read: readonly string[]): void => {
      const found = read.find((key) => damaged.has(key));
      if (found !== undefined) throw corrupt(found);
    };
    const { score, update, collect } = fakes;
    fakes.collect = async (input) => {
      check([input.policy.artifact.key]);
      return collect(input);
    };
    fakes.score = async (input) => {
      check(input.segments.map(({ key }) => key));
      return score(input);
    };
    fakes.update = async (input) => {
      const read = input.batches.findIndex((batch) => [...batch.segments, ...batch.rewards].some(({ key }) => damaged.has(key)));
      if (read < 0) return update(input);
      const found = [...input.batches[read]!.segments, ...input.batches[read]!.rewards].find(({ key }) => damaged.has(key))!;
      if (read === 0) throw corrupt(found.key);
      return { ...(await update({ ...input, batches: input.batches.slice(0, read) })), damage: { code: 'LAUREL_STORE_CORRUPT', message: 'damaged', key: found.key, digest: found.digest } };
    };
  };
const lockstep = (more: Record<string, unknown> = {}): Record<string, unknown> => smallJob({ stop: { versions: 8 }, schedule: { mode: 'lockstep', segmentsPerCall: 4 }, ...more });

describe('a run in which something is damaged', () => {
  it.each(['async', 'lockstep'] as const)('has a segment made again where scoring misses it, and trains on it (%s)', async (mode) => {
    const key = layout.segment('any', 1, 2);
    const { result, status, asked } = await play(smallJob({ stop: { versions: 8 }, schedule: { mode, segmentsPerCall: 4 } }), reading(key));
    expect(asked.segments).toHaveLength(1);
    expect(asked.segments[0]).toMatchObject({ key, digest: DIGEST, policyVersion: 0 });
    expect(result.ledger).toMatchObject({ trained: 16, failed: {}, open: 0 });
    expect(status).toMatchObject({ attention: [], restored: { segment: 1 } });
  });

  it('has rewards made again between two versions of one call, told what they were computed from', async () => {
    const key = layout.reward('any', 0, 2, 's');
    const { result, asked } = await play(lockstep(), reading(key));
    expect(asked.rewards).toHaveLength(1);
    expect(asked.rewards[0]).toMatchObject({ key, segment: { key: layout.segment('any', 0, 2) }, scoring: { labels: { helpful: { annotator: 'a' } }, weights: { game: 1, helpful: 0.5 } } });
    expect(result).toMatchObject({ version: 8, ledger: { trained: 16, open: 0 } });
  });

  it('makes first what another object needs, and that in turn', async () => {
    const segment = layout.segment('any', 0, 1);
    const before = layout.segment('any', 0, 0);
    const checkpoint = layout.checkpoint('any', 20);
    const { result, asked, status } = await play(lockstep(), (fakes, damaged) => {
      reading(segment)(fakes, damaged);
      for (const key of [before, checkpoint]) damaged.add(key);
      const { restoreSegment } = fakes;
      fakes.restoreSegment = async (input) => {
        if (input.key === segment && damaged.has(before)) throw corrupt(before, null);
        if (input.key === before && damaged.has(checkpoint)) throw corrupt(checkpoint, null);
        return restoreSegment(input);
      };
    });
    expect([...asked.versions, ...asked.segments].map(({ key }) => key)).toEqual([checkpoint, before, segment]);
    expect(result.ledger).toMatchObject({ trained: 16, failed: {} });
    expect(status.restored).toEqual({ checkpoint: 1, segment: 2 });
  });

  it.each([
    ['scoring', layout.segment('any', 1, 2)],
    ['an update, before and between its versions', layout.reward('any', 1, 2, 's')],
  ])('counts a segment that cannot be made again as failed, once, and trains on the others of its lot (%s)', async (_where, key) => {
    const { result, status, asked } = await play(lockstep(), (fakes, damaged) => {
      reading(key)(fakes, damaged);
      const never = async (): Promise<never> => {
        throw corrupt(key);
      };
      fakes.restoreSegment = never;
      fakes.restoreReward = never;
    });
    expect(asked).toEqual({ segments: [], rewards: [], versions: [] });
    expect(result).toMatchObject({ version: 8, ledger: { trained: 16, failed: { storage: 1 }, open: 0 } });
    const { collected, trained, stale, filtered, failed } = result.ledger;
    expect(trained + stale + (filtered['run-ended'] ?? 0) + failed['storage']!).toBe(collected);
    expect(status.attention).toEqual([]);
  });

  it('does not feed a disk that spoils what it is given: after two times the step is parked', async () => {
    const key = layout.policy('any', 0);
    let made = 0;
    const { activities } = createFakes({
      restoreVersion: async () => {
        made++;
        return { made: true };
      },
      collect: async () => {
        throw corrupt(key);
      },
    });
    await withWorkers(server, activities, async () => {
      const handle = await server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('spoiled'), args: [lockstep({ rollout: { shards: 1, environmentsPerShard: 8, segmentSteps: 8 } })] });
      let status = await handle.query<RunStatus>('status');
      while (status.attention.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        status = await handle.query<RunStatus>('status');
      }
      expect(status.attention[0]).toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
      expect(made).toBe(2);
      await handle.executeUpdate('stop');
      await handle.result();
    });
  });
});
