/** Waiting for a run's result, against a real server; no worker takes the run, so that it never ends by itself. */
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunClient } from '../../infra/cli/run-client.js';
import { TASK_QUEUES } from '../../proto/activities.js';
import { smallJob } from './fakes.js';
import { newRunId, startTestServer, type TestServer } from './server.js';

let server: TestServer;
let connection: Connection;
let client: RunClient;
const run = newRunId('waited-for');
beforeAll(async () => {
  server = await startTestServer();
  connection = await Connection.connect({ address: server.address });
  client = new RunClient(connection, 'default');
  await server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: run, args: [smallJob()] });
}, 60_000);
afterAll(async () => {
  await connection.close();
  await server.close();
});

describe('the result of a run', () => {
  it('is waited for until a signal says otherwise', async () => {
    const abort = new AbortController();
    const result = client.result(run, abort.signal).then(() => 'ended', () => 'given up');
    expect(await Promise.race([result, new Promise((resolve) => setTimeout(resolve, 500, 'waiting'))])).toBe('waiting');
    abort.abort(new Error('interrupted'));
    expect(await result).toBe('given up');
  }, 60_000);

  it('is not waited for where the signal came before the call', async () => {
    await expect(client.result(run, AbortSignal.abort(new Error('interrupted before')))).rejects.toThrow('interrupted before');
  }, 60_000);
});
