/** Dynamic sampling: segments that teach nothing are filtered, others are collected in their place. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RunResult } from '../../proto/status.js';
import { createFakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

it.each(['async', 'lockstep'] as const)('in mode %s batches are made of segments with a group that differs, and every other one is filtered as equal-groups', async (mode) => {
  const fakes = createFakes();
  const { calls, activities } = createFakes({
    score: async (input) => {
      const result = await fakes.activities.score(input);
      // Every third segment of a shard has groups of one reward throughout.
      return { ...result, rewards: result.rewards.map((reward) => ({ ...reward, groups: { count: 4, equal: reward.seq % 3 === 0 ? 4 : 1 } })) };
    },
  });
  const job = {
    name: 'resample',
    environment: { kind: 'text', task: { name: 'json-recipe' } },
    policy: { kind: 'transformer' },
    sources: { valid: { kind: 'env', component: 'valid' } },
    combine: { op: 'linear', weights: { valid: 1 } },
    learn: { kind: 'group-policy-gradient', resample: true, batchSegments: 3 },
    rollout: { shards: 2, environmentsPerShard: 4 },
    schedule: { mode, policyLagMax: 8 },
    stop: { versions: 10 },
  };
  const { ledger, version } = await withWorkers(server, activities, async () => {
    const handle = await server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('resample'), args: [job] });
    return handle.result() as Promise<RunResult>;
  });
  expect(version).toBe(10);
  const trained = calls.updates.flatMap((update) => update.batches.flatMap((batch) => batch.segments));
  expect(trained).toHaveLength(30);
  expect(new Set(trained.map((segment) => segment.key)).size).toBe(30);
  expect(trained.filter((segment) => segment.seq % 3 === 0)).toEqual([]);
  expect(ledger.filtered['equal-groups']).toBeGreaterThanOrEqual(10);
  expect(ledger).toMatchObject({ trained: 30, open: 0 });
}, 60_000);
