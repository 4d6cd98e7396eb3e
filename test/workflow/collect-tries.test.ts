/** A call of a shard that has to be made again plays with the policy of that moment, whoever asks for it again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES, type CollectInput } from '../../proto/activities.js';
import { MISSING_TRIES_MAX } from '../../proto/restoration.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { layout } from '../../workers/store/layout.js';
import { createFakes, smallJob, type Calls, type Fakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

const POLICY_LAG_MAX = 4;
const start = (versions: number, schedule: Record<string, unknown> = {}): Promise<WorkflowHandle> =>
  server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('tries'), args: [smallJob({ stop: { versions }, schedule: { segmentsPerCall: 2, policyLagMax: POLICY_LAG_MAX, ...schedule } })] });
const ENDLESS = 1_000_000;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Until the run knows a version: it has asked for the one after it. */
async function untilTrained(calls: Calls, version: number): Promise<void> {
  while (!calls.updates.some(({ parent }) => parent >= version)) await wait(20);
}

/** Stops the run when what the call brought was trained on, or was too old. */
async function endAfter(handle: WorkflowHandle, calls: Calls, seq: number): Promise<RunResult> {
  const trained = (): boolean => calls.updates.some(({ batches }) => batches.some(({ segments }) => segments.some((one) => one.shard === 1 && one.seq === seq)));
  while (!trained() && (await handle.query<RunStatus>('status')).ledger.stale === 0) await wait(20);
  await handle.executeUpdate('stop');
  return (await handle.result()) as RunResult;
}

/** Which tries of one call of shard 1 there were. */
function triesOf(fakes: Fakes, seq: number, fail: (input: CollectInput, tries: number) => Promise<void>): CollectInput[] {
  const tries: CollectInput[] = [];
  const { collect } = fakes;
  fakes.collect = async (input) => {
    if (input.shard === 1 && input.seq === seq) {
      tries.push(input);
      await fail(input, tries.length);
    }
    return collect(input);
  };
  return tries;
}

describe('a call of a shard that has to be made again', () => {
  it('plays with the newest policy in each try, and what it brings is trained on', async () => {
    const { calls, activities } = createFakes();
    // The queue of the worker that has the shard, then the queue of the pool, twice: three workers die in it, one after another.
    const tries = triesOf(activities, 4, async ({ policy }, tried) => {
      if (tried > 3) return;
      await untilTrained(calls, policy.version + 2);
      throw ApplicationFailure.create({ type: 'LAUREL_WORKER_FAILED', message: 'its process died' });
    });
    const { result, waits } = await withWorkers(server, activities, async () => {
      const handle = await start(ENDLESS);
      let waits: readonly string[] = [];
      while (waits.length === 0) waits = (await handle.query<RunStatus>('status')).waits.filter((line) => line.includes('try '));
      return { waits, result: await endAfter(handle, calls, 5) };
    });
    expect(waits[0]).toMatch(/^shard 1 waits: try 1 failed, the next one follows: LAUREL_WORKER_FAILED its process died \(for \d+ s, \d+ s more at most\)$/);
    expect(tries).toHaveLength(4);
    for (const [index, { policy, ...rest }] of tries.entries()) {
      expect(rest).toEqual({ run: tries[0]!.run, shard: 1, seq: 4, segments: 2, previous: tries[0]!.previous });
      if (index > 0) expect(policy.version).toBeGreaterThanOrEqual(tries[index - 1]!.policy.version + 2);
    }
    // With the policy of the first try it would have been too old.
    expect(tries[3]!.policy.version - tries[0]!.policy.version).toBeGreaterThan(POLICY_LAG_MAX);
    expect(result.ledger).toMatchObject({ stale: 0, open: 0, failed: {} });
  }, 60_000);

  it('also after it was parked', async () => {
    const { calls, activities } = createFakes();
    const tries = triesOf(activities, 4, async (_input, tried) => {
      if (tried === 1) throw ApplicationFailure.create({ type: 'LAUREL_MODEL_INVALID', message: 'expected another file', nonRetryable: true });
    });
    const result = await withWorkers(server, activities, async () => {
      const handle = await start(ENDLESS);
      while (tries.length === 0) await wait(20);
      await untilTrained(calls, tries[0]!.policy.version + POLICY_LAG_MAX + 2);
      await handle.executeUpdate<string, [unknown]>('retry', { args: [{}] });
      return endAfter(handle, calls, 5);
    });
    expect(tries).toHaveLength(2);
    expect(tries[1]!.policy.version).toBeGreaterThan(tries[0]!.policy.version + POLICY_LAG_MAX);
    expect(result.ledger).toMatchObject({ stale: 0, open: 0 });
  }, 60_000);

  it('in lockstep with the policy of its round', async () => {
    const { activities } = createFakes();
    const tries = triesOf(activities, 2, async (_input, tried) => {
      if (tried <= 2) throw ApplicationFailure.create({ type: 'LAUREL_WORKER_FAILED', message: 'its process died' });
    });
    const result = await withWorkers(server, activities, async () => (await (await start(40, { mode: 'lockstep', segmentsPerCall: 2 })).result()) as RunResult);
    expect(tries).toHaveLength(3);
    expect(new Set(tries.map((input) => JSON.stringify(input))).size).toBe(1);
    expect(result.ledger).toMatchObject({ trained: 80, stale: 0 });
  }, 60_000);

  it('takes an object that is missing for lost after a few tries, and has it made again', async () => {
    const { activities } = createFakes();
    let restored = 0;
    activities.restoreVersion = async () => {
      restored++;
      return { made: true };
    };
    const tries = triesOf(activities, 0, async ({ run }) => {
      if (restored === 0) throw ApplicationFailure.create({ type: 'LAUREL_STORE_MISSING', message: 'not there', details: [{ key: layout.policy(run, 0), digest: null }] });
    });
    const status = await withWorkers(server, activities, async () => {
      const handle = await start(40);
      await handle.result();
      return handle.query<RunStatus>('status');
    });
    expect(tries).toHaveLength(MISSING_TRIES_MAX + 1);
    expect(restored).toBe(1);
    expect(status).toMatchObject({ restored: { policy: 1 }, decisions: [], ledger: { stale: 0, open: 0 } });
  }, 60_000);
});
