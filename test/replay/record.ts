/**
 * Records the golden histories: `npm run build && node dist/test/replay/record.js [scene...]`, all of them where none is
 * named. Run it when a change of a workflow is
 * meant to break with runs that were begun before it (no release promises them yet), and say so in the commit.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { heartbeat, sleep } from '@temporalio/activity';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { projectRoot } from '../../infra/folders.js';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RunStatus } from '../../proto/status.js';
import { layout } from '../../workers/store/layout.js';
import { ATTEMPTS_MAX } from '../../workflows/parked-steps.js';
import { createModelFakes, SMALL_MODEL_JOB, type ModelFakes } from '../workflow/model-fakes.js';
import { artifact, createFakes, smallJob, type Fakes } from '../workflow/fakes.js';
import { startTestServer, withWorkers, type TestServer } from '../workflow/server.js';

interface Scene {
  readonly workflow: 'trainingRun' | 'evaluationRun' | 'rewardModelRun' | 'rescoringRun' | 'retentionSweep';
  readonly input: unknown;
  readonly activities?: (fakes: Fakes & ModelFakes) => void;
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
/** Ten labels with every call. */
const manyLabels = (fakes: Fakes): void => {
  const { annotate } = fakes;
  fakes.annotate = async (input) => {
    const result = await annotate(input);
    return { ...result, log: { ...result.log, labels: 10 * result.log.labels } };
  };
};
const short = { stop: { versions: 6 } };

/** A fit of 400 steps in calls of 10: more events than one history may have here. */
function ofLongFit(fakes: Fakes & ModelFakes): void {
  const { fitModel } = fakes;
  fakes.fitModel = async (input) => {
    const result = await fitModel(input);
    return input.name === 'first' && input.to < 400 ? { ...result, model: null } : result;
  };
}

/** The second update call records its first version and then fails, as often as it is tried. */
function ofUpdateThatNeverAnswers(fakes: Fakes): void {
  const { update } = fakes;
  let failing: number | undefined;
  fakes.update = async (input) => {
    if (input.parent > 0) failing ??= input.parent;
    if (input.recordedOnly === true) return update({ ...input, recordedOnly: false, batches: input.batches.slice(0, 1) });
    if (input.parent === failing) throw ApplicationFailure.create({ type: 'LAUREL_WORKER_FAILED', message: 'the thread died', nextRetryDelay: '10ms' });
    return update(input);
  };
}

const EVALUATION = { run: 'any', policy: { version: 3, artifact: artifact('policies/3', 4) }, episodes: 4 };

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
  voided: {
    workflow: 'trainingRun',
    input: smallJob(short),
    activities: (fakes) => {
      const { score } = fakes;
      let calls = 0;
      fakes.score = async (input) => {
        if (++calls === 2) throw ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: 'expected another digest', nonRetryable: true });
        return score(input);
      };
    },
    act: async (handle) => {
      await until(handle, (status) => status.state === 'NeedsAttention');
      await handle.executeUpdate('void', { args: [{ by: 'ann' }] });
    },
  },
  'failed-too-often': {
    workflow: 'trainingRun',
    input: smallJob(short),
    activities: (fakes) => {
      const { collect } = fakes;
      let calls = 0;
      fakes.collect = async (input) => {
        if (input.shard === 1 && ++calls <= ATTEMPTS_MAX) throw ApplicationFailure.create({ type: 'LAUREL_STORE_UNAVAILABLE', message: 'the disk is full', nextRetryDelay: '10ms' });
        return collect(input);
      };
    },
    act: async (handle) => {
      await until(handle, (status) => status.state === 'NeedsAttention');
      await handle.executeUpdate('retry', { args: [{ by: 'ann' }] });
    },
  },
  'tried-again': {
    workflow: 'trainingRun',
    input: smallJob(short),
    activities: (fakes) => {
      const { collect } = fakes;
      let calls = 0;
      fakes.collect = async (input) => {
        if (input.shard === 1 && ++calls <= 2) throw ApplicationFailure.create({ type: 'LAUREL_WORKER_FAILED', message: 'its process died' });
        return collect(input);
      };
    },
  },
  'update-left-out': {
    workflow: 'trainingRun',
    input: smallJob({ stop: { versions: 8 }, schedule: { mode: 'lockstep', segmentsPerCall: 4 } }),
    activities: ofUpdateThatNeverAnswers,
    act: async (handle) => {
      await until(handle, (status) => status.state === 'NeedsAttention');
      await handle.executeUpdate('skip', { args: [{ by: 'ann' }] });
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
  'lockstep-fitted': {
    workflow: 'trainingRun',
    input: smallJob({
      ...short,
      schedule: { mode: 'lockstep' },
      sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: { kind: 'classification', labelsMin: 8, labelsEvery: 1 }, annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
    }),
    activities: manyLabels,
  },
  'async-fitted': {
    workflow: 'trainingRun',
    input: smallJob({
      ...short,
      sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: { kind: 'classification', labelsMin: 8, labelsEvery: 1 }, annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
    }),
    activities: manyLabels,
  },
  'model-run-completed': { workflow: 'rewardModelRun', input: SMALL_MODEL_JOB },
  'model-run-continued': { workflow: 'rewardModelRun', input: { ...SMALL_MODEL_JOB, sources: { ...SMALL_MODEL_JOB.sources, first: { kind: 'model', fit: { kind: 'bradley-terry', on: 'train', steps: 400 } } }, schedule: { stepsPerCall: 10, historyEventsMax: 100 } }, activities: ofLongFit },
  'model-run-skipped': {
    workflow: 'rewardModelRun',
    input: SMALL_MODEL_JOB,
    activities: (fakes) => {
      fakes.fitModel = async () => {
        throw ApplicationFailure.create({ type: 'LAUREL_NUMBER_INVALID', message: 'expected finite numbers', nonRetryable: true });
      };
    },
    act: async (handle) => {
      for (const decision of ['retry', 'skip']) {
        await until(handle, (status) => status.attention.length > 0 && status.decisions.length === (decision === 'retry' ? 0 : 1));
        await handle.executeUpdate(decision, { args: [{}] });
      }
    },
  },
  'model-run-cancelled': {
    workflow: 'rewardModelRun',
    input: SMALL_MODEL_JOB,
    activities: (fakes) => {
      const { fitModel } = fakes;
      fakes.fitModel = async (input) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return fitModel(input);
      };
    },
    act: async (handle) => {
      await until(handle, (status) => status.version > 0);
      await handle.executeUpdate('pause');
      await handle.cancel();
    },
  },
  'offline-fitted': {
    workflow: 'trainingRun',
    input: smallJob({
      ...short,
      sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: { kind: 'offline', model: 'classification', labels: 15 }, annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
    }),
    activities: (fakes) => {
      manyLabels(fakes);
      const { fit } = fakes;
      fakes.fit = async (input) => ({ ...(await fit(input)), nextLabels: null });
    },
  },
  rescoring: {
    workflow: 'rescoringRun',
    input: {
      run: 'any',
      segments: 3,
      variants: [
        { name: 'table', source: { fit: 'retrieval', annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
        { name: 'network', source: { fit: { kind: 'classification', labelsMin: 8 }, annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
        { name: 'words', source: { fit: 'bag-of-words', annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
      ],
    },
    activities: manyLabels,
  },
  'damaged-and-restored': {
    workflow: 'trainingRun',
    input: smallJob({ stop: { versions: 6 }, schedule: { mode: 'lockstep', segmentsPerCall: 4 } }),
    activities: (fakes) => {
      const once = new Set([layout.segment('any', 0, 1), layout.reward('any', 1, 1, 's'), layout.policy('any', 2)]);
      const check = (keys: readonly string[]): void => {
        const found = keys.find((key) => once.delete(key));
        if (found !== undefined) throw ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: 'damaged', nonRetryable: true, details: [{ key: found, digest: null }] });
      };
      const { score, update, collect } = fakes;
      fakes.score = async (input) => {
        check(input.segments.map(({ key }) => key));
        return score(input);
      };
      fakes.update = async (input) => {
        check(input.batches.flatMap((batch) => batch.rewards.map(({ key }) => key)));
        return update(input);
      };
      fakes.collect = async (input) => {
        if (input.seq > 0) check([layout.policy('any', 2)]);
        return collect(input);
      };
    },
  },
  swept: { workflow: 'trainingRun', input: smallJob({ stop: { versions: 12 }, retention: { sweepVersions: 4 } }), activities: slowly(50) },
  'retention-sweep': { workflow: 'retentionSweep', input: { run: 'any' } },
  evaluation: { workflow: 'evaluationRun', input: EVALUATION },
  'evaluation-failed': {
    workflow: 'evaluationRun',
    input: EVALUATION,
    activities: (fakes) => {
      fakes.evaluate = async () => {
        throw ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: 'expected another digest', nonRetryable: true });
      };
    },
  },
  'evaluation-cancelled': {
    workflow: 'evaluationRun',
    input: EVALUATION,
    activities: (fakes) => {
      fakes.evaluate = async () => {
        for (;;) {
          heartbeat();
          await sleep(50);
        }
      };
    },
    act: async (handle) => {
      while ((await handle.describe()).raw.pendingActivities?.[0]?.lastHeartbeatTime == null) await new Promise((resolve) => setTimeout(resolve, 50));
      await handle.cancel();
    },
  },
};

const folder = join(projectRoot(), 'test', 'replay', 'histories');

async function record(server: TestServer, name: string, scene: Scene): Promise<void> {
  const activities = { ...createFakes().activities, ...createModelFakes().activities };
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

const named = process.argv.slice(2);
if (named.length === 0) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const server = await startTestServer();
try {
  for (const [name, scene] of Object.entries(SCENES)) {
    if (named.length > 0 && !named.includes(name)) continue;
    await record(server, name, scene);
    console.log(name);
  }
} finally {
  await server.close();
}
