/** A real Temporal dev server and workers in this process, for tests of workflows. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { createWorkflowsActivities } from '../../activities/workflows.js';
import { TASK_QUEUES, type Pool } from '../../proto/activities.js';
import { openDevServer } from '../../infra/devserver/dev-server.js';
import { projectRoot } from '../../infra/folders.js';
import { describeQueue } from '../../workers/temporal-queues.js';
import { cacheFolder } from '../../workers/assets/cache.js';
import type { Fakes } from './fakes.js';
import type { ModelFakes } from './model-fakes.js';

export interface TestServer {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly address: string;
  close(): Promise<void>;
}

export async function startTestServer(): Promise<TestServer> {
  try {
    Runtime.install({ telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } }, logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error } });
  } catch {
    // Installed by an earlier file of the same process.
  }
  const state = await mkdtemp(join(tmpdir(), 'laurel-test-server-'));
  const executable = process.env['LAUREL_TEMPORAL_CLI'] ?? join(cacheFolder(), 'bin', 'temporal');
  const server = await openDevServer({ state, executable, ports: 'any' });
  const { address } = server.target;
  const connection = await NativeConnection.connect({ address });
  const clientConnection = await Connection.connect({ address });
  return {
    client: new Client({ connection: clientConnection }),
    connection,
    address,
    async close() {
      try {
        await clientConnection.close();
        // Fails where a test that ran out of time left a worker behind: the server must not stay for it.
        await connection.close();
      } finally {
        await server.stop();
        await rm(state, { recursive: true, force: true });
      }
    },
  };
}

let bundle: Promise<WorkflowBundle> | undefined;

/** The workflow bundle, made once. */
export function workflowBundle(): Promise<WorkflowBundle> {
  bundle ??= bundleWorkflowCode({ workflowsPath: join(projectRoot(), 'workflows', 'index.ts') });
  return bundle;
}

/** Runs workers for all queues with these activities while `body` runs. */
export async function withWorkers<T>(server: TestServer, activities: Fakes & Partial<ModelFakes>, body: () => Promise<T>, pools: readonly Pool[] = ['rollout', 'annotator', 'reward', 'learner']): Promise<T> {
  const { connection } = server;
  const workers = [
    await Worker.create({ connection, workflowBundle: await workflowBundle(), taskQueue: TASK_QUEUES.workflows, activities: createWorkflowsActivities((queue) => describeQueue(connection, 'default', queue)), workflowFailureErrorTypes: { '*': ['Error'] } }),
    ...(await Promise.all(pools.map((pool) => Worker.create({ connection, taskQueue: TASK_QUEUES[pool], activities })))),
  ];
  const running = workers.map((worker) => worker.run());
  try {
    return await body();
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  }
}

export function newRunId(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}
