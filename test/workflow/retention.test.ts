/** Sweeps while a run goes on: a workflow of their own, started by the run, that never holds it up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure } from '@temporalio/client';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { SweepInput } from '../../proto/retention.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { createFakes, smallJob, type Fakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

async function play(retention: Record<string, unknown>, overrides: Partial<Fakes> = {}): Promise<{ run: string; sweeps: SweepInput[]; result: RunResult; status: RunStatus }> {
  const sweeps: SweepInput[] = [];
  const { activities } = createFakes();
  const { sweep, collect } = { ...activities, ...overrides };
  const slow: Partial<Fakes> = {
    sweep: async (input) => {
      sweeps.push(input);
      return sweep(input);
    },
    collect: async (input) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return collect(input);
    },
  };
  return withWorkers(server, { ...activities, ...slow }, async () => {
    const run = newRunId('swept');
    const handle = await server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: run, args: [smallJob({ stop: { versions: 24 }, schedule: { segmentsPerCall: 2, historyEventsMax: 120 }, retention })] });
    const result = (await handle.result()) as RunResult;
    return { run, sweeps, result, status: await server.client.workflow.getHandle(run).query<RunStatus>('status') };
  });
}

describe('retention', () => {
  it('sweeps the store of a run every so many versions, over continue-as-new too', async () => {
    const { run, sweeps, result, status } = await play({ sweepVersions: 6 });
    expect(result).toMatchObject({ outcome: 'completed', version: 24, ledger: { open: 0 } });
    expect(sweeps.length).toBeGreaterThanOrEqual(2);
    expect(sweeps.length).toBeLessThanOrEqual(4);
    expect(sweeps.every((input) => input.run === run)).toBe(true);
    expect(status.swept).toEqual({ objects: 3 * sweeps.length, bytes: 3_000 * sweeps.length });
  });

  it('a sweep that fails leaves the run alone', async () => {
    const { sweeps, result, status } = await play({ sweepVersions: 6 }, { sweep: async () => { throw ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: 'a record is damaged', nonRetryable: true }); } });
    expect(sweeps.length).toBeGreaterThanOrEqual(2);
    expect(result).toMatchObject({ outcome: 'completed', version: 24 });
    expect(status).toMatchObject({ attention: [], swept: { objects: 0, bytes: 0 } });
  });

  it('sweeps nothing where the job says so', async () => {
    const { sweeps, status } = await play({ sweepVersions: 0 });
    expect(sweeps).toEqual([]);
    expect(status.swept).toBeUndefined();
  });
});
