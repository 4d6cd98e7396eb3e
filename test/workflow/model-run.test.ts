/** What the workflow of a run without rollouts decides, with activities that only count. */
import { ApplicationFailure } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { createFakes } from './fakes.js';
import { createModelFakes, SMALL_MODEL_JOB, type ModelFakes } from './model-fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

type Handle = Awaited<ReturnType<TestServer['client']['workflow']['start']>>;

async function run(input: unknown, change: (fakes: ModelFakes) => void, act: (handle: Handle) => Promise<void> = async () => undefined): Promise<{ handle: Handle; fits: ReturnType<typeof createModelFakes>['fits']; summaries: unknown[] }> {
  const summaries: unknown[] = [];
  const training = createFakes();
  const { finishRun } = training.activities;
  training.activities.finishRun = (finish) => {
    summaries.push(finish.summary['status']);
    return finishRun(finish);
  };
  const { fits, activities } = createModelFakes();
  change(activities);
  const handle = await server.client.workflow.start('rewardModelRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('models'), args: [input] });
  await withWorkers(server, { ...training.activities, ...activities }, () => act(handle).then(() => handle.result().then(() => undefined, () => undefined)), ['reward', 'learner']);
  return { handle, fits, summaries };
}

const status = (handle: Handle): Promise<RunStatus> => handle.query<RunStatus>('status');
const untilStatus = (handle: Handle, reached: (one: RunStatus) => boolean): Promise<void> => vi.waitFor(async () => expect(reached(await status(handle))).toBe(true), { timeout: 30_000, interval: 50 });
const broken = ApplicationFailure.create({ type: 'LAUREL_NUMBER_INVALID', message: 'expected finite numbers', nonRetryable: true });

describe('a run without rollouts', () => {
  it('fits in calls that follow each other, each from the checkpoint of the one before, and says what it did', async () => {
    const { handle, fits, summaries } = await run(SMALL_MODEL_JOB, () => undefined);
    expect(await handle.result()).toMatchObject({ outcome: 'completed', version: 50 } satisfies Partial<RunResult>);
    expect(fits.map(({ name, from, to, parent }) => [name, from, to, parent?.key ?? null])).toEqual([
      ['first', 0, 10, null],
      ['first', 10, 20, 'fits/first/10'],
      ['first', 20, 30, 'fits/first/20'],
      ['second', 0, 10, null],
      ['second', 10, 20, 'fits/second/10'],
    ]);
    expect(Object.keys(fits[3]?.tables ?? {})).toEqual(['clean']);
    const [last] = summaries as [RunStatus];
    expect(last.progress).toBe(1);
    expect(last.steps?.map(({ kind, name, state }) => `${kind} ${name} ${state}`)).toEqual(['fit first done', 'curate clean done', 'fit second done', 'evaluate first done', 'evaluate second done']);
  });

  it('refuses a wrong job before anything is asked of a worker', async () => {
    const { handle } = await run({ ...SMALL_MODEL_JOB, evaluate: { x: { kind: 'preference-accuracy', of: 'none', on: 'test' } } }, () => undefined);
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'LAUREL_JOB_INVALID' } });
  });

  it('parks a fit that fails, tries it again when told to, and leaves out what needs one that is skipped', async () => {
    let calls = 0;
    const { handle, summaries } = await run(
      SMALL_MODEL_JOB,
      (fakes) => {
        const { fitModel } = fakes;
        fakes.fitModel = async (input) => {
          if (input.name === 'first' && ++calls === 1) throw broken;
          if (input.name === 'second') throw broken;
          return fitModel(input);
        };
      },
      async (handle) => {
        await untilStatus(handle, (one) => one.state === 'NeedsAttention');
        expect((await status(handle)).attention[0]).toMatchObject({ step: 'fit first, steps 1-10', code: 'LAUREL_NUMBER_INVALID', choices: ['retry', 'skip', 'stop'] });
        await handle.executeUpdate('retry', { args: [{ by: 'a test' }] });
        await untilStatus(handle, (one) => one.attention[0]?.step === 'fit second, steps 1-10');
        await handle.executeUpdate('skip', { args: [{}] });
      },
    );
    expect(await handle.result()).toMatchObject({ outcome: 'completed', version: 30 });
    const [last] = summaries as [RunStatus];
    expect(last.decisions.map(({ decision, by }) => [decision, by])).toEqual([['retry', 'a test'], ['skip', null]]);
    expect(last.steps?.filter(({ state }) => state === 'left-out').map(({ kind, name }) => `${kind} ${name}`)).toEqual(['fit second', 'evaluate second']);
    expect(last.evaluations).toHaveLength(1);
  });

  it('begins nothing while it is paused, goes on when resumed, and ends early when stopped', async () => {
    const { handle, fits } = await run(
      SMALL_MODEL_JOB,
      (fakes) => {
        const { fitModel } = fakes;
        fakes.fitModel = async (input) => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          return fitModel(input);
        };
      },
      async (handle) => {
        await untilStatus(handle, (one) => one.version > 0);
        await handle.executeUpdate('pause');
        await untilStatus(handle, (one) => one.underWay.length === 0 && one.waits.length === 1);
        const { version } = await status(handle);
        await new Promise((resolve) => setTimeout(resolve, 500));
        expect((await status(handle)).version).toBe(version);
        await handle.executeUpdate('resume');
        await untilStatus(handle, (one) => one.version > version);
        await handle.executeUpdate('stop');
      },
    );
    expect(await handle.result()).toMatchObject({ outcome: 'stopped' });
    expect(fits.length).toBeLessThan(5);
  });

  it('writes its summary when it is cancelled', async () => {
    const { handle, summaries } = await run(
      SMALL_MODEL_JOB,
      (fakes) => {
        fakes.fitModel = () => new Promise((_resolve, reject) => setTimeout(() => reject(broken), 3_000));
      },
      async (handle) => {
        await untilStatus(handle, (one) => one.underWay.length === 1 && one.state === 'Running');
        await handle.cancel();
      },
    );
    await expect(handle.result()).rejects.toMatchObject({ message: expect.stringMatching(/cancel/i) as string });
    expect(summaries).toHaveLength(1);
  });
});
