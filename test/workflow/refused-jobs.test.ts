import { readFileSync } from 'node:fs';
import { ApplicationFailure } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TASK_QUEUES } from '../../proto/activities.js';
import { isModelJobInput } from '../../proto/preference-job.js';
import { REFUSED } from '../support/refused-jobs.js';
import { createFakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

describe('a run of a job that breaks a rule', () => {
  it('fails with the code of the rule before anything is asked of a worker', async () => {
    const { calls, activities } = createFakes();
    await withWorkers(server, activities, async () => {
      for (const [file, code] of Object.entries(REFUSED)) {
        const job = JSON.parse(readFileSync(new URL(`../fixtures/refused/${file}`, import.meta.url), 'utf8')) as unknown;
        const type = isModelJobInput(job) ? 'rewardModelRun' : 'trainingRun';
        const handle = await server.client.workflow.start(type, { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('refused'), args: [job] });
        const failure = await handle.result().catch((error: unknown) => (error as { cause: unknown }).cause);
        expect(failure, file).toBeInstanceOf(ApplicationFailure);
        expect(failure, file).toMatchObject({ type: code, nonRetryable: true });
      }
    });
    expect(calls.collects).toHaveLength(0);
  });
});
