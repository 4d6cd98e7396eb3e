/** A run whose annotation has a budget: workflow, server, annotator and label log are real; only play and learning are counted. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES, type AnnotateInput } from '../../proto/activities.js';
import type { AnnotatorSpec } from '../../proto/judges.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { annotatorSpec, Bench, segment, temporaryStore } from '../unit/annotator/support.js';
import { createFakes, smallJob } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 180_000);
afterAll(async () => server.close());

const JUDGE = { kind: 'scripted', otherwise: 0.5 } as const;
let made: Awaited<ReturnType<typeof temporaryStore>>;
let bench: Bench;
beforeEach(async () => {
  made = await temporaryStore();
  bench = new Bench(made.store, annotatorSpec(JUDGE));
});
afterEach(async () => {
  await bench.annotator.close();
  await made.dispose();
});

/** Each collected segment shows four new messages to the real annotator. */
function activitiesOf(inputs: AnnotateInput[]) {
  const { activities } = createFakes();
  return {
    ...activities,
    openAnnotator: ({ annotator }: { readonly annotator: AnnotatorSpec }) => bench.annotator.openAnnotator({ annotator }),
    annotate: async (input: AnnotateInput) => {
      inputs.push(input);
      const segments = await Promise.all(input.segments.map(({ shard, seq }) => segment(made.store, `${shard}-${seq}`, [[0, 1, 2, 3].map((n) => `message ${shard}-${seq}-${n}`)])));
      return bench.annotator.annotate({ ...input, segments }, { signal: new AbortController().signal, onProgress: () => undefined });
    },
  };
}

async function start(budget: Record<string, unknown>, versions: number, mode = 'async'): Promise<WorkflowHandle> {
  const annotator = { goal: 'gain levels', judge: JUDGE, budget };
  const job = smallJob({ sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator } }, stop: { versions }, schedule: { mode, segmentsPerCall: 2 } });
  return server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('budget'), args: [job] });
}

async function until(handle: WorkflowHandle, reached: (status: RunStatus) => boolean): Promise<RunStatus> {
  for (;;) {
    const status = await handle.query<RunStatus>('status');
    if (reached(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('a run with a budget', () => {
  it('parks its annotation by name while training goes on, and asks again when an update raises the bound', async () => {
    const inputs: AnnotateInput[] = [];
    await withWorkers(server, activitiesOf(inputs), async () => {
      const handle = await start({ run: { calls: 10 } }, 1_000_000);
      const parked = await until(handle, ({ annotations }) => annotations[0]?.budget?.parked != null);
      expect(parked.annotations[0]).toMatchObject({ made: 10, budget: { parked: { scope: 'run', unit: 'calls', used: 10, limit: 10 } } });
      const later = await until(handle, ({ version }) => version >= parked.version + 10);
      expect(later.waits.join('\n')).toContain('annotator helpful waits: budget of the run is used up: 10 of 10 calls; steer raises it');
      expect(later.annotations[0]?.made).toBe(10);
      const calls = inputs.length;
      await expect(handle.executeUpdate('steer', { args: [{ annotation: { helpful: { budget: { run: { money: 5 } } } } }] })).rejects.toThrow();
      await handle.executeUpdate('steer', { args: [{ annotation: { helpful: { budget: { run: { calls: 30 } } } } }] });
      const again = await until(handle, ({ annotations }) => annotations[0]?.budget?.parked?.limit === 30);
      expect(again.annotations[0]?.made).toBe(30);
      expect(inputs.length).toBeGreaterThan(calls);
      await handle.executeUpdate('stop');
      expect(((await handle.result()) as RunResult).outcome).toBe('stopped');
    });
    expect((await bench.logged()).length).toBe(30);
  }, 180_000);

  it('goes on in lockstep with what is known', async () => {
    await withWorkers(server, activitiesOf([]), async () => {
      const handle = await start({ annotator: { calls: 10 } }, 8, 'lockstep');
      await handle.result();
      const [helpful] = (await handle.query<RunStatus>('status')).annotations;
      expect(helpful).toMatchObject({ made: 10, budget: { parked: { scope: 'annotator', used: 10 } } });
    });
  }, 180_000);

  it('tries again by itself when an hour has room again', async () => {
    const inputs: AnnotateInput[] = [];
    const activities = activitiesOf(inputs);
    const parked = { scope: 'hour', unit: 'calls', used: 4, limit: 4, retryAfterMs: 1_500 } as const;
    let full = true;
    // An hour is too long for a test: until it is over is said here, and the annotator asks without a bound.
    const annotate = async (input: AnnotateInput) => {
      const result = await activities.annotate({ ...input, annotator: { ...input.annotator, budget: {} } });
      return full ? { ...result, budget: { uses: [parked], parked } } : result;
    };
    await withWorkers(server, { ...activities, annotate }, async () => {
      const handle = await start({ hour: { calls: 4 } }, 1_000_000);
      const waiting = await until(handle, ({ waits }) => waits.some((wait) => /annotator helpful waits: budget of the hour is used up.*there is room again by itself/.test(wait)));
      full = false;
      const { annotations } = await until(handle, ({ annotations: [now] }) => now?.budget?.parked == null && (now?.made ?? 0) > (waiting.annotations[0]?.made ?? 0));
      expect(annotations[0]?.made).toBeGreaterThan(4);
      expect(inputs.length).toBeGreaterThan(1);
      await handle.executeUpdate('stop');
      await handle.result();
    });
  }, 180_000);
});
