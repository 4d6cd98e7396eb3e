/** What a person tells a run while it goes on: steer, pause, decide, cancel; also at the moment at which it continues as new. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES, type AnnotateInput } from '../../proto/activities.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { ATTEMPTS_MAX } from '../../workflows/parked-steps.js';
import { createFakes, smallJob } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

const start = (job: unknown): Promise<WorkflowHandle> => server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('operator'), args: [job] });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(handle: WorkflowHandle, reached: (status: RunStatus) => boolean): Promise<RunStatus> {
  for (;;) {
    const status = await handle.query<RunStatus>('status');
    if (reached(status)) return status;
    await wait(50);
  }
}

describe('an operator', () => {
  it('is answered whenever the run continues as new, and nothing is repeated or skipped by it', async () => {
    const { calls, activities } = createFakes();
    const weights: number[] = [];
    const { result, status } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 60 }, schedule: { segmentsPerCall: 2, historyEventsMax: 100 } }));
      let over = false;
      const ended = handle.result().finally(() => (over = true)) as Promise<RunResult>;
      for (let sent = 1; !over; sent++) {
        // Refused only where the run is over; each answer tells the weight that was set.
        const answer = await handle.executeUpdate<string, [unknown]>('steer', { args: [{ weights: { game: sent }, by: 'ann' }] }).catch((error: unknown) => error);
        if (typeof answer !== 'string') break;
        expect(answer).toContain(`"game":${sent}`);
        weights.push(sent);
        if (sent % 3 !== 0) continue;
        await handle.executeUpdate('pause').catch(() => undefined);
        await handle.executeUpdate('resume').catch(() => undefined);
      }
      return { result: await ended, status: await handle.query<RunStatus>('status') };
    });
    expect(status.continuedRuns).toBeGreaterThanOrEqual(4);
    expect(weights.length).toBeGreaterThan(status.continuedRuns);
    expect(status.weights['game']).toBe(weights.at(-1));
    expect(status.steers!.map(({ change }) => change.weights!['game'])).toEqual(weights.slice(-20));
    expect(result).toMatchObject({ version: 60, outcome: 'completed' });
    expect(result.ledger).toMatchObject({ trained: 120, open: 0, stale: 0 });
    const parents = calls.updates.flatMap((update) => update.batches.map((_batch, index) => update.parent + index));
    expect(parents).toEqual(Array.from({ length: 60 }, (_, index) => index));
    for (const shard of [0, 1]) expect(calls.collects.filter((call) => call.shard === shard).map((call) => call.seq)).toEqual(calls.collects.filter((call) => call.shard === shard).map((_, index) => 2 * index));
    expect(calls.metrics).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  }, 120_000);

  it('steers the number of shards and what annotation may cost; where in the run it took effect is on record', async () => {
    const { calls, activities } = createFakes();
    const { collect, annotate } = activities;
    const asked: AnnotateInput[] = [];
    activities.collect = async (input) => {
      await wait(30);
      return collect(input);
    };
    activities.annotate = async (input) => {
      asked.push(input);
      return annotate(input);
    };
    const { status, marks } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 } }));
      await until(handle, ({ version }) => version > 2);
      for (const wrong of [{ shards: 0 }, { shards: 1.5 }, { annotation: { game: { callMs: 500 } } }, { annotation: { helpful: { callMs: 1 } } }, { weights: { game: 'much' } }, { shrads: 2 }, {}]) await expect(handle.executeUpdate('steer', { args: [wrong as never] })).rejects.toThrow();
      await handle.executeUpdate('steer', { args: [{ shards: 4, annotation: { helpful: { callMs: 777, pendingMax: 9 } }, by: 'ann' }] });
      const more = calls.collects.length;
      await until(handle, () => calls.collects.slice(more).some(({ shard }) => shard === 3) && asked.at(-1)?.annotator.callMs === 777);
      await handle.executeUpdate('steer', { args: [{ shards: 1 }] });
      await until(handle, ({ waits }) => waits.filter((line) => line.includes('no more shards are wanted')).length === 3);
      const fewer = calls.collects.length;
      await until(handle, () => calls.collects.length > fewer + 4);
      const marks = { fewer: calls.collects.slice(fewer).map(({ shard }) => shard) };
      await handle.executeUpdate('steer', { args: [{ shards: 4 }] });
      await until(handle, () => calls.collects.slice(fewer).some(({ shard }) => shard === 3));
      await handle.executeUpdate('stop');
      await handle.result();
      return { status: await handle.query<RunStatus>('status'), marks };
    });
    expect(new Set(marks.fewer)).toEqual(new Set([0]));
    expect(asked.at(-1)!.annotator).toMatchObject({ callMs: 777, pendingMax: 9 });
    expect(status.steers).toMatchObject([{ change: { shards: 4, by: 'ann' } }, { change: { shards: 1 } }, { change: { shards: 4 } }]);
    expect(status.steers![0]!.version).toBeGreaterThan(2);
    // A shard that rested goes on where it was.
    for (const shard of [0, 1, 2, 3]) expect(calls.collects.filter((call) => call.shard === shard).map((call) => call.seq)).toEqual(calls.collects.filter((call) => call.shard === shard).map((_, index) => 2 * index));
    expect(status.ledger.open).toBe(0);
  }, 120_000);

  it('pauses: calls under way finish, and then no place is taken', async () => {
    const { activities } = createFakes();
    await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 } }));
      await until(handle, ({ version }) => version > 2);
      await handle.executeUpdate('pause');
      const { waits } = await until(handle, ({ underWay }) => underWay.length === 0);
      expect((await handle.describe()).raw.pendingActivities ?? []).toHaveLength(0);
      for (const owner of ['shard 0', 'shard 1', 'annotator helpful', 'scoring']) expect(waits.some((line) => line.startsWith(`${owner} waits:`))).toBe(true);
      await handle.executeUpdate('stop');
      await handle.result();
    });
  });

  it('need not decide at once: other shards play on past many continuations, the parked step comes again in each, and the run ends beside it', async () => {
    const { calls, activities } = createFakes();
    const { collect } = activities;
    activities.collect = async (input) => {
      if (input.shard === 1) throw ApplicationFailure.create({ type: 'LAUREL_ENVIRONMENT_UNKNOWN', message: 'expected it to be known', nonRetryable: true });
      return collect(input);
    };
    const { result, status } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 40 }, schedule: { segmentsPerCall: 2, historyEventsMax: 120 } }));
      const result = (await handle.result()) as RunResult;
      return { result, status: await handle.query<RunStatus>('status') };
    });
    expect(status.continuedRuns).toBeGreaterThan(1);
    expect(result).toMatchObject({ outcome: 'completed', version: 40, ledger: { trained: 80, open: 0 } });
    expect(calls.collects.every(({ shard }) => shard === 0)).toBe(true);
    expect(status.attention).toEqual([]);
    expect(status.decisions.every(({ by }) => by === 'laurel')).toBe(true);
  }, 120_000);

  it('is asked about a step that keeps failing, and told when it is tried again by itself', async () => {
    const { activities } = createFakes();
    const { collect } = activities;
    let attempts = 0;
    let full = true;
    activities.collect = async (input) => {
      if (!full || input.shard === 1) return collect(input);
      attempts++;
      throw ApplicationFailure.create({ type: 'LAUREL_STORE_UNAVAILABLE', message: 'the disk is full', nonRetryable: false, nextRetryDelay: '10ms' });
    };
    const { parked, status } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob());
      const parked = await until(handle, ({ state }) => state === 'NeedsAttention');
      full = false;
      await handle.executeUpdate('retry', { args: [{ id: parked.attention[0]!.id, by: 'ann' }] });
      await handle.result();
      return { parked, status: await handle.query<RunStatus>('status') };
    });
    expect(attempts).toBe(ATTEMPTS_MAX);
    expect(parked.attention[0]).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', choices: ['retry', 'skip', 'stop'] });
    expect(parked.attention[0]!.nextTryAtMs! - parked.attention[0]!.sinceMs).toBe(60_000);
    expect(status.decisions).toMatchObject([{ decision: 'retry', by: 'ann', code: 'LAUREL_STORE_UNAVAILABLE' }]);
  }, 120_000);

  it('cancels: what fails then is left out, the versions that were made by then count, and it ends as cancelled', async () => {
    const { calls, activities } = createFakes();
    const { update } = activities;
    let begun = false;
    activities.update = async (input) => {
      if (input.parent < 2) return update(input);
      begun = true;
      await wait(1_500);
      return update(input);
    };
    activities.writeCheckpoint = async () => {
      throw ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: 'spoiled', nonRetryable: true });
    };
    let summary: RunStatus | undefined;
    activities.finishRun = async (input) => {
      summary = (input.summary as { status: RunStatus }).status;
      return { summary: { key: 'summary', digest: '', bytes: 0, rows: 0, schemaVersion: 1, endpoints: [] } };
    };
    await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 } }));
      await until(handle, () => begun);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow();
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    });
    const made = calls.updates.reduce((versions, { batches }) => versions + batches.length, 0);
    expect(summary).toMatchObject({ version: made, attention: [], ledger: { trained: 2 * made, open: 0 } });
  }, 120_000);
});
