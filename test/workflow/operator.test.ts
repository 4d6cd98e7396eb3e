/** What a person tells a run while it goes on: steer, pause, decide, cancel; also at the moment at which it continues as new. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure, WorkflowNotFoundError, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES, type AnnotateInput } from '../../proto/activities.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { ATTEMPTS_MAX } from '../../workflows/parked-steps.js';
import { artifact, createFakes, smallJob } from './fakes.js';
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

  it('is answered at that moment about a parked step too: each retry is done and recorded, or refused with a code', async () => {
    const { calls, activities } = createFakes();
    const { collect } = activities;
    let tries = 0;
    activities.collect = async (input) => {
      if (input.shard !== 1) return collect(input);
      tries++;
      throw ApplicationFailure.create({ type: 'LAUREL_ENVIRONMENT_UNKNOWN', message: 'expected it to be known', nonRetryable: true });
    };
    const answers: string[] = [];
    const { status } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 40 }, schedule: { segmentsPerCall: 2, historyEventsMax: 100 } }));
      let over = false;
      const ended = handle.result().finally(() => (over = true));
      for (let sent = 1; !over; sent++) {
        const answer = await handle.executeUpdate<string, [unknown]>('retry', { args: [{ by: `ann ${sent}` }] }).catch((error: unknown) => error);
        if (typeof answer === 'string') answers.push(answer);
        else if (answer instanceof WorkflowUpdateFailedError) answers.push((answer.cause as ApplicationFailure).type!);
        else {
          // Nobody is left to be asked.
          expect(answer).toBeInstanceOf(WorkflowNotFoundError);
          break;
        }
      }
      await ended;
      return { status: await handle.query<RunStatus>('status') };
    });
    const retried = answers.filter((answer) => answer.startsWith('retry: collect shard 1'));
    expect(status.continuedRuns).toBeGreaterThan(1);
    expect(retried.length).toBeGreaterThan(status.continuedRuns);
    expect(answers.filter((answer) => !answer.startsWith('retry: collect shard 1')).every((code) => code === 'LAUREL_UPDATE_REFUSED')).toBe(true);
    // One try for each decision, and one for each time that the shard's loop begins.
    expect(tries).toBeGreaterThanOrEqual(retried.length);
    expect(status.decisions.filter(({ by, decision }) => decision === 'retry' && by?.startsWith('ann')).length).toBeGreaterThan(0);
    expect(status).toMatchObject({ version: 40, ledger: { trained: 80, open: 0 } });
    expect(calls.collects.every(({ shard }) => shard === 0)).toBe(true);
  }, 120_000);

  it.each([0, 15, 40, 90])('is answered when the run is told to stop %i ms after it has continued as new', async (afterMs) => {
    const { activities } = createFakes();
    const { result, answer } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 }, schedule: { segmentsPerCall: 2, historyEventsMax: 100 } }));
      await until(handle, ({ continuedRuns }) => continuedRuns >= 2);
      await wait(afterMs);
      const answer = await handle.executeUpdate<string, [unknown]>('stop', { args: [{ by: 'ann' }] });
      return { answer, result: (await handle.result()) as RunResult };
    });
    expect(answer).toContain('work under way finishes');
    expect(result).toMatchObject({ outcome: 'stopped', ledger: { open: 0, failed: {} } });
    expect(result.version).toBe(result.ledger.trained / 2);
  }, 60_000);

  it('is refused with a code, before anything is changed, what cannot be', async () => {
    const { activities } = createFakes();
    activities.collect = async () => {
      throw ApplicationFailure.create({ type: 'LAUREL_ENVIRONMENT_FAILED', message: 'expected it to start', nonRetryable: true });
    };
    await withWorkers(server, activities, async () => {
      const handle = await start(smallJob());
      const refused = async (name: string, input?: unknown): Promise<unknown> => {
        const error = await handle.executeUpdate(name, { args: [input] as never }).catch((caught: unknown) => caught);
        return error instanceof WorkflowUpdateFailedError ? error.cause : error;
      };
      const code = { type: 'LAUREL_UPDATE_REFUSED' };
      await until(handle, ({ state }) => state === 'NeedsAttention');
      expect(await refused('retry', { id: '99' })).toMatchObject({ ...code, message: expect.stringContaining('got 99') as string });
      expect(await refused('void', {})).toMatchObject({ ...code, message: expect.stringContaining('it holds no segments') as string });
      expect(await refused('skip', { ide: '1' })).toMatchObject(code);
      expect(await refused('retry', { id: 1 })).toMatchObject(code);
      expect(await refused('retry', '1')).toMatchObject(code);
      expect(await refused('stop', { why: 'so' })).toMatchObject(code);
      expect((await handle.query<RunStatus>('status')).decisions).toEqual([]);
      await handle.executeUpdate('stop', { args: [{ by: 'ann' }] as never });
      await handle.result();
      expect((await handle.query<RunStatus>('status')).decisions).toMatchObject([{ decision: 'stop', by: 'ann' }, { decision: 'stop', by: 'ann' }]);
    });
  }, 60_000);

  it('may leave out the very first step: the run ends as stopped, with a summary', async () => {
    const { calls, activities } = createFakes();
    activities.prepareRun = async () => {
      throw ApplicationFailure.create({ type: 'LAUREL_ENVIRONMENT_FAILED', message: 'expected it to start', nonRetryable: true });
    };
    const result = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob());
      await until(handle, ({ state }) => state === 'NeedsAttention');
      await handle.executeUpdate('stop');
      return (await handle.result()) as RunResult;
    });
    expect(result).toMatchObject({ outcome: 'stopped', version: 0, ledger: { collected: 0, open: 0 } });
    expect(calls.finished).toBe(1);
  });

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

  it('is on record when it pauses, goes on and stops, also past a continuation; what it says besides is refused', async () => {
    const { activities } = createFakes();
    let last: RunStatus | undefined;
    activities.finishRun = async (input) => {
      last = (input.summary as { status: RunStatus }).status;
      return { summary: artifact('summary', 0) };
    };
    const { metadata, paused } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 }, schedule: { segmentsPerCall: 2, historyEventsMax: 100 } }));
      await until(handle, ({ version }) => version > 2);
      expect(await handle.executeUpdate<string, [unknown]>('pause', { args: [{ by: 'ann_b' }] })).toContain('no new work is begun');
      const paused = await until(handle, ({ underWay }) => underWay.length === 0);
      const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      const refused = await handle.executeUpdate<string, [unknown]>('pause', { args: [{ who: 'ann' }] }).catch((error: WorkflowUpdateFailedError) => error.cause);
      expect(refused).toMatchObject({ type: 'LAUREL_UPDATE_REFUSED' });
      await handle.executeUpdate('resume');
      const { continuedRuns } = paused;
      await until(handle, (status) => status.continuedRuns > continuedRuns);
      await handle.executeUpdate<string, [unknown]>('stop', { args: [{ by: 'ben' }] });
      await handle.result();
      return { paused, metadata };
    });
    expect(paused.state).toBe('Paused');
    expect(metadata.currentDetails).toMatch(/> \*\*Paused by ann\\_b at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\*\* Send the update `resume` to go on\./);
    expect(last?.controls).toEqual([
      { action: 'pause', by: 'ann_b', atMs: expect.any(Number) as number },
      { action: 'resume', by: null, atMs: expect.any(Number) as number },
      { action: 'stop', by: 'ben', atMs: expect.any(Number) as number },
    ]);
    const times = last!.controls!.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }, 60_000);

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
    const { score } = activities;
    let attempts = 0;
    let full = true;
    activities.score = async (input) => {
      if (!full) return score(input);
      attempts++;
      throw ApplicationFailure.create({ type: 'LAUREL_STORE_UNAVAILABLE', message: 'the disk is full', nonRetryable: false, nextRetryDelay: '10ms' });
    };
    const { parked, status } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 } }));
      const parked = await until(handle, ({ state }) => state === 'NeedsAttention');
      full = false;
      await handle.executeUpdate('retry', { args: [{ id: parked.attention[0]!.id, by: 'ann' }] });
      await until(handle, ({ attention }) => attention.length === 0);
      await handle.executeUpdate('stop');
      await handle.result();
      return { parked, status: await handle.query<RunStatus>('status') };
    });
    expect(attempts).toBe(ATTEMPTS_MAX);
    expect(parked.attention[0]).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', choices: ['retry', 'skip', 'void', 'stop'] });
    expect(parked.attention[0]!.nextTryAtMs! - parked.attention[0]!.sinceMs).toBe(60_000);
    expect(status.decisions[0]).toMatchObject({ decision: 'retry', by: 'ann', code: 'LAUREL_STORE_UNAVAILABLE' });
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
