/** An update call that records some of its versions and never answers is left out: the run goes on from what is recorded. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/client';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { createFakes, smallJob, type Fakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

/** Of the batches of the failing call, how many are recorded before it dies. */
const RECORDED = 2;

/** A learner with the rule of the real one: a version is made from one set of inputs, once. */
function recordingLearner(fakes: Fakes): Map<number, string> {
  const records = new Map<number, string>();
  const { update } = fakes;
  const inputsOf = (batch: { readonly segments: readonly { readonly key: string }[] }): string => batch.segments.map(({ key }) => key).join();
  let failing: number | undefined;
  fakes.update = async (input) => {
    if (input.parent > 0) failing ??= input.parent;
    const recorded = input.batches.findIndex((_batch, index) => !records.has(input.parent + index + 1));
    const known = recorded < 0 ? input.batches.length : recorded;
    for (const [index, batch] of input.batches.slice(0, known).entries()) {
      if (records.get(input.parent + index + 1) !== inputsOf(batch)) throw ApplicationFailure.create({ type: 'LAUREL_STORE_CONFLICT', message: 'made from others', nonRetryable: true });
    }
    if (input.recordedOnly === true) return update({ ...input, recordedOnly: false, batches: input.batches.slice(0, known) });
    const made = input.parent === failing ? input.batches.slice(0, RECORDED) : input.batches;
    for (const [index, batch] of made.entries()) records.set(input.parent + index + 1, inputsOf(batch));
    if (input.parent === failing) throw ApplicationFailure.create({ type: 'LAUREL_WORKER_FAILED', message: 'the thread died', nextRetryDelay: '10ms' });
    return update(input);
  };
  return records;
}

it.each(['skip', 'void', 'stop'] as const)('goes on after "%s" from the versions that are recorded, and counts their segments as trained', async (decision) => {
  const { activities } = createFakes();
  const records = recordingLearner(activities);
  const { result, status, left } = await withWorkers(server, activities, async () => {
    const handle = await server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('left-out'), args: [smallJob({ stop: { versions: 12 }, schedule: { mode: 'lockstep', segmentsPerCall: 4 } })] });
    let parked: RunStatus;
    do parked = await handle.query<RunStatus>('status');
    while (parked.state !== 'NeedsAttention');
    const [first, last] = /versions (\d+)-(\d+)$/.exec(parked.attention[0]!.step)!.slice(1).map(Number);
    if (decision === 'stop') await handle.executeUpdate('stop');
    else await handle.executeUpdate(decision, { args: [{}] });
    const result = (await handle.result()) as RunResult;
    return { result, status: await handle.query<RunStatus>('status'), left: 2 * (last! - first! + 1 - RECORDED) };
  });
  expect(left).toBeGreaterThan(0);
  const { ledger } = result;
  expect(result).toMatchObject({ outcome: decision === 'stop' ? 'stopped' : 'completed', version: records.size });
  expect([...records.keys()]).toEqual(Array.from({ length: result.version }, (_, index) => index + 1));
  expect(new Set(records.values()).size).toBe(records.size);
  expect(ledger.trained).toBe(2 * records.size);
  expect(decision === 'void' ? ledger.voided : ledger.failed['update']).toBe(left);
  expect(ledger.open).toBe(0);
  expect(status.decisions).toMatchObject([{ decision, code: 'LAUREL_WORKER_FAILED' }]);
}, 60_000);
