/**
 * Records the golden histories: `npm run build && node dist/test/replay/record.js`. Run it when a change of a workflow is
 * meant to break with runs that were begun before it (no release promises them yet), and say so in the commit.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { projectRoot } from '../../infra/folders.js';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RunStatus } from '../../proto/status.js';
import { artifact, createFakes, smallJob, type Fakes } from '../workflow/fakes.js';
import { startTestServer, withWorkers, type TestServer } from '../workflow/server.js';

interface Scene {
  readonly workflow: 'trainingRun' | 'evaluationRun';
  readonly input: unknown;
  readonly activities?: (fakes: Fakes) => void;
  /** What an operator does. */
  readonly act?: (handle: WorkflowHandle) => Promise<void>;
}

const until = async (handle: WorkflowHandle, reached: (status: RunStatus) => boolean): Promise<void> => {
  while (!reached(await handle.query<RunStatus>('status'))) await new Promise((resolve) => setTimeout(resolve, 50));
};
const slowly =
  (ms: number) =>
  (fakes: Fakes): void => {
    const { collect } = fakes;
    fakes.collect = async (input) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return collect(input);
    };
  };
const short = { stop: { versions: 6 } };

const SCENES: Readonly<Record<string, Scene>> = {
  'async-completed': { workflow: 'trainingRun', input: smallJob({ ...short, evaluate: { episodes: 4, untrained: true } }) },
  'lockstep-completed': { workflow: 'trainingRun', input: smallJob({ ...short, schedule: { mode: 'lockstep' } }) },
  'continued-as-new': { workflow: 'trainingRun', input: smallJob({ stop: { versions: 30 }, schedule: { segmentsPerCall: 2, historyEventsMax: 120 } }) },
  'parked-and-retried': {
    workflow: 'trainingRun',
    input: smallJob(short),
    activities: (fakes) => {
      const { update } = fakes;
      let calls = 0;
      fakes.update = async (input) => {
        if (++calls === 2) throw ApplicationFailure.create({ type: 'LAUREL_NUMBER_INVALID', message: 'expected finite numbers', nonRetryable: true });
        return update(input);
      };
    },
    act: async (handle) => {
      await until(handle, (status) => status.state === 'NeedsAttention');
      await handle.executeUpdate('retry', { args: [{}] });
    },
  },
  'steered-paused-stopped': {
    workflow: 'trainingRun',
    input: smallJob({ stop: { versions: 10_000 } }),
    activities: slowly(50),
    act: async (handle) => {
      await until(handle, (status) => status.version > 2);
      await handle.executeUpdate('pause');
      await handle.executeUpdate('steer', { args: [{ weights: { helpful: 0.1 } }] });
      await handle.executeUpdate('resume');
      await handle.executeUpdate('stop');
    },
  },
  cancelled: {
    workflow: 'trainingRun',
    input: smallJob({ stop: { versions: 10_000 } }),
    activities: slowly(50),
    act: async (handle) => {
      await until(handle, (status) => status.version > 2);
      await handle.cancel();
    },
  },
  'lost-worker': {
    workflow: 'trainingRun',
    input: smallJob(short),
    activities: (fakes) => {
      const { collect } = fakes;
      fakes.collect = async (input) => ({ ...(await collect(input)), workerQueue: input.seq === 0 && input.shard === 0 ? 'laurel-rollout/nobody' : TASK_QUEUES.rollout });
    },
  },
  evaluation: { workflow: 'evaluationRun', input: { run: 'any', policy: { version: 3, artifact: artifact('policies/3', 4) }, episodes: 4 } },
};

const folder = join(projectRoot(), 'test', 'replay', 'histories');

async function record(server: TestServer, name: string, scene: Scene): Promise<void> {
  const { activities } = createFakes();
  scene.activities?.(activities);
  const handle = await server.client.workflow.start(scene.workflow, { taskQueue: TASK_QUEUES.workflows, workflowId: `golden-${name}`, args: [scene.input] });
  await withWorkers(server, activities, async () => {
    const first = handle.firstExecutionRunId;
    await scene.act?.(handle);
    await handle.result().catch(() => undefined);
    // Every link of a chain of continued runs.
    for (let runId: string | undefined = first, link = 0; runId !== undefined && runId !== ''; link++) {
      const history: Awaited<ReturnType<WorkflowHandle['fetchHistory']>> = await server.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
      writeFileSync(join(folder, `${name}${link === 0 ? '' : `-${link + 1}`}.json.gz`), gzipSync(withoutPlaces(historyToJSON(history)), { level: 9 }));
      runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
  });
}

/** Without stack traces and names of processes: they belong to the machine that recorded. */
function withoutPlaces(json: string): string {
  return JSON.stringify(JSON.parse(json, (key, value: unknown) => (key === 'stackTrace' ? '' : key === 'identity' ? 'recorded' : value)));
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const server = await startTestServer();
try {
  for (const [name, scene] of Object.entries(SCENES)) {
    await record(server, name, scene);
    console.log(name);
  }
} finally {
  await server.close();
}
