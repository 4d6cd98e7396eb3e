import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES } from '../../proto/activities.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { createFakes, smallJob, type Fakes } from './fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

async function start(job: unknown, name = 'run'): Promise<WorkflowHandle> {
  return server.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId(name), args: [job] });
}

async function until(handle: WorkflowHandle, reached: (status: RunStatus) => boolean): Promise<RunStatus> {
  for (;;) {
    const status = await handle.query<RunStatus>('status');
    if (reached(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('trainingRun', () => {
  it.each(['async', 'lockstep'] as const)('ends at its stop criterion in mode %s with every segment in the ledger once', async (mode) => {
    const { calls, activities } = createFakes();
    const result = await withWorkers(server, activities, async () => (await start(smallJob({ schedule: { mode, segmentsPerCall: 2 } }))).result() as Promise<RunResult>);
    expect(result).toMatchObject({ outcome: 'completed', version: 20, transitionsTrained: 20 * 2 * 64 });
    const { ledger } = result;
    expect(ledger.trained).toBe(40);
    expect(ledger.open).toBe(0);
    expect(ledger.trained + ledger.stale + (ledger.filtered['run-ended'] ?? 0)).toBe(ledger.collected);
    expect(calls.collects.reduce((sum, call) => sum + call.segments, 0)).toBe(ledger.collected);
    const trained = calls.updates.flatMap((update) => update.batches.flatMap((batch) => batch.segments.map((segment) => segment.key)));
    expect(new Set(trained).size).toBe(40);
    expect(calls.metrics).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(calls.finished).toBe(1);
  });

  it.each(['async', 'lockstep'] as const)('evaluates on the way in mode %s, and not at all where no episodes are wanted', async (mode) => {
    const evaluatedWith = async (episodes: number): Promise<number[]> => {
      const { activities } = createFakes();
      const { evaluate } = activities;
      const versions: number[] = [];
      activities.evaluate = (input) => {
        versions.push(input.policy.version);
        return evaluate(input);
      };
      await withWorkers(server, activities, async () => (await start(smallJob({ schedule: { mode, segmentsPerCall: 2, evaluateVersions: 5 }, evaluate: { episodes } }))).result());
      return versions;
    };
    const versions = await evaluatedWith(4);
    // A call may make several versions: the first one at or after each fifth is evaluated.
    expect(versions.length).toBeGreaterThanOrEqual(3);
    versions.slice(0, -1).forEach((version, index) => expect(version - (versions[index - 1] ?? 0)).toBeGreaterThanOrEqual(5));
    expect(versions.at(-1)).toBe(20);
    expect(await evaluatedWith(0)).toEqual([]);
  });

  it('asks each shard for consecutive segments, each from where the one before ended', async () => {
    const { calls, activities } = createFakes();
    await withWorkers(server, activities, async () => (await start(smallJob())).result());
    for (const shard of [0, 1]) {
      const own = calls.collects.filter((call) => call.shard === shard);
      own.forEach((call, index) => {
        expect(call.seq).toBe(index * 2);
        expect(call.previous?.seq ?? -1).toBe(call.seq - 1);
      });
    }
  });

  it('never trains on a segment whose policy is older than the lag allows', async () => {
    const { calls, activities } = createFakes();
    await withWorkers(server, activities, async () => (await start(smallJob({ schedule: { segmentsPerCall: 8, policyLagMax: 1 } }))).result());
    for (const update of calls.updates) {
      update.batches.forEach((batch, index) => {
        for (const segment of batch.segments) expect(update.parent + index - segment.policyVersion).toBeLessThanOrEqual(1);
      });
    }
  });

  it('refuses a bad job before anything starts, with the code and the path of each fault', async () => {
    const { calls, activities } = createFakes();
    const failure = await withWorkers(server, activities, async () => {
      const handle = await start({ ...smallJob(), learn: { learningrate: 1 } });
      return handle.result().catch((error: unknown) => (error as { cause: unknown }).cause);
    });
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure).toMatchObject({ type: 'LAUREL_JOB_INVALID', nonRetryable: true });
    expect((failure as ApplicationFailure).message).toContain('learn.learningrate: unknown key; did you mean learningRate?');
    expect(calls.collects).toHaveLength(0);
  });

  it('carries everything over continue-as-new, many times', async () => {
    const { calls, activities } = createFakes();
    const { result, continued } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 60 }, schedule: { segmentsPerCall: 2, historyEventsMax: 150 } }));
      const result = (await handle.result()) as RunResult;
      return { result, continued: (await handle.query<RunStatus>('status')).continuedRuns };
    });
    expect(continued).toBeGreaterThan(2);
    expect(result.version).toBe(60);
    expect(result.ledger.open).toBe(0);
    expect(calls.updates.map((update) => update.parent)).toEqual([...calls.updates.keys()].map((index) => calls.updates.slice(0, index).reduce((sum, update) => sum + update.batches.length, 0)));
    for (const shard of [0, 1]) {
      const seqs = calls.collects.filter((call) => call.shard === shard).map((call) => call.seq);
      expect(seqs).toEqual(seqs.map((_, index) => index * 2));
    }
  });

  it('parks a step that fails for good, shows the choices, and goes on after retry', async () => {
    let broken = true;
    const failing: Partial<Fakes> = {};
    const { activities } = createFakes(failing);
    const collect = activities.collect;
    activities.collect = async (input) => {
      if (broken && input.shard === 1) throw ApplicationFailure.create({ type: 'LAUREL_ENVIRONMENT_NONDETERMINISTIC', message: 'expected the same digest', nonRetryable: true });
      return collect(input);
    };
    const result = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob());
      const parked = await until(handle, (status) => status.state === 'NeedsAttention');
      expect(parked.attention[0]).toMatchObject({ code: 'LAUREL_ENVIRONMENT_NONDETERMINISTIC', choices: ['retry', 'skip', 'stop'] });
      await expect(handle.executeUpdate('retry', { args: [{ id: '99' }] })).rejects.toThrow();
      broken = false;
      await handle.executeUpdate('retry', { args: [{}] });
      return (await handle.result()) as RunResult;
    });
    expect(result).toMatchObject({ outcome: 'completed', version: 20 });
  });

  it.each(['void', 'skip'] as const)('counts the segments of a step that is left out (%s), and keeps who decided and when', async (decision) => {
    const { activities } = createFakes();
    const score = activities.score;
    let calls = 0;
    activities.score = async (input) => {
      if (++calls === 2) throw ApplicationFailure.create({ type: 'LAUREL_STORE_CORRUPT', message: 'expected another digest', nonRetryable: true });
      return score(input);
    };
    const { result, status } = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob());
      const parked = await until(handle, (one) => one.state === 'NeedsAttention');
      expect(parked.attention[0]!.choices).toEqual(['retry', 'skip', 'void', 'stop']);
      await handle.executeUpdate(decision, { args: [{ id: parked.attention[0]!.id, by: 'ann' }] });
      const result = (await handle.result()) as RunResult;
      return { result, status: await handle.query<RunStatus>('status') };
    });
    const { ledger } = result;
    const left = decision === 'void' ? ledger.voided : ledger.failed['scoring'];
    expect(left).toBeGreaterThan(0);
    expect(decision === 'void' ? ledger.failed : ledger.voided).toEqual(decision === 'void' ? {} : 0);
    expect(ledger.open).toBe(0);
    expect(status.decisions).toEqual([{ id: '1', step: expect.stringMatching(/^score /) as string, code: 'LAUREL_STORE_CORRUPT', decision, by: 'ann', sinceMs: expect.any(Number) as number, decidedAtMs: expect.any(Number) as number }]);
    expect(status.decisions[0]!.decidedAtMs).toBeGreaterThanOrEqual(status.decisions[0]!.sinceMs);
  });

  it('does not void a step that holds no segments', async () => {
    const { activities } = createFakes();
    activities.collect = async () => {
      throw ApplicationFailure.create({ type: 'LAUREL_ENVIRONMENT_FAILED', message: 'expected it to start', nonRetryable: true });
    };
    await withWorkers(server, activities, async () => {
      const handle = await start(smallJob());
      await until(handle, (one) => one.state === 'NeedsAttention');
      await expect(handle.executeUpdate('void', { args: [{}] })).rejects.toThrow();
      await handle.executeUpdate('stop');
      await handle.result();
    });
  });

  it('says which pool has no workers when nothing moves, and goes on when they come', async () => {
    // A server that never saw a learner: workers of other tests are remembered for minutes.
    const fresh = await startTestServer();
    const { activities } = createFakes();
    const handle = await fresh.client.workflow.start('trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('stalled'), args: [smallJob({ schedule: { segmentsPerCall: 2, watchMs: 1_000 } })] });
    const stalled = await withWorkers(fresh, activities, () => until(handle, (status) => status.stall !== null), ['rollout', 'annotator', 'reward']);
    expect(stalled.state).toBe('Stalled');
    expect(stalled.stall!.why).toEqual([
      expect.stringMatching(/^no worker of the pool learner \(laurel-learner\): .*1 call waits there; start one with `laurel worker --pool learner`$/),
      expect.stringMatching(/^prepare the run for \d+ s, \d+ s more at most, \d+ s after its worker falls silent$/),
    ]);
    const result = await withWorkers(fresh, activities, async () => (await handle.result()) as RunResult);
    await fresh.close();
    expect(result).toMatchObject({ outcome: 'completed', version: 20 });
  }, 90_000);

  it('trains on with known labels while the judge is down, and ends without it', async () => {
    const { activities } = createFakes();
    activities.annotate = async () => {
      throw ApplicationFailure.create({ type: 'LAUREL_JUDGE_UNAVAILABLE', message: 'nobody answers', nonRetryable: false });
    };
    const result = await withWorkers(server, activities, async () => (await start(smallJob())).result() as Promise<RunResult>);
    expect(result).toMatchObject({ outcome: 'completed', version: 20 });
  }, 60_000);

  it('goes back to the pool when the worker of the live environments is gone', async () => {
    const { calls, activities } = createFakes();
    const collect = activities.collect;
    activities.collect = async (input) => ({ ...(await collect(input)), workerQueue: input.seq === 2 ? 'a-worker-that-is-gone' : TASK_QUEUES.rollout });
    const result = await withWorkers(server, activities, async () => (await start(smallJob({ stop: { versions: 8 } }))).result() as Promise<RunResult>);
    expect(result.version).toBe(8);
    expect(calls.collects.map((call) => call.seq)).toContain(6);
  });

  it('pauses, resumes, steers and stops by update', async () => {
    const { calls, activities } = createFakes();
    const collect = activities.collect;
    activities.collect = async (input) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return collect(input);
    };
    const result = await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 } }));
      await until(handle, (status) => status.version > 2);
      await handle.executeUpdate('pause');
      await new Promise((resolve) => setTimeout(resolve, 500));
      const before = calls.collects.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(calls.collects.length).toBe(before);
      await expect(handle.executeUpdate('steer', { args: [{ weights: { gaem: 1 } }] })).rejects.toThrow();
      await handle.executeUpdate('steer', { args: [{ weights: { game: 0.25, helpful: 2 } }] });
      await handle.executeUpdate('resume');
      await until(handle, (status) => status.ledger.collected > before + 8);
      await handle.executeUpdate('stop');
      return (await handle.result()) as RunResult;
    });
    expect(result.outcome).toBe('stopped');
    expect(result.ledger.open).toBe(0);
    expect(calls.scores.at(-1)?.weights).toEqual({ game: 0.25, helpful: 2 });
  });

  it('writes the summary when it is cancelled', async () => {
    const { calls, activities } = createFakes();
    await withWorkers(server, activities, async () => {
      const handle = await start(smallJob({ stop: { versions: 100_000 } }));
      await until(handle, (status) => status.version > 1);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow();
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    });
    expect(calls.finished).toBe(1);
  });
});

describe('evaluationRun', () => {
  it('plays a policy on its own, and refuses an input that is none', async () => {
    const { activities } = createFakes();
    await withWorkers(server, activities, async () => {
      const startEvaluation = (input: unknown) => server.client.workflow.execute('evaluationRun', { taskQueue: TASK_QUEUES.workflows, workflowId: newRunId('evaluation'), args: [input] });
      const policy = { version: 3, artifact: { key: 'policies/3', digest: 'sha256:0', bytes: 1, rows: 1, schemaVersion: 1 } };
      expect(await startEvaluation({ run: 'a', policy, episodes: 5 })).toMatchObject({ version: 3, episodes: 5 });
      await expect(startEvaluation({ run: 'a', polcy: policy })).rejects.toMatchObject({ cause: { type: 'LAUREL_JOB_INVALID' } });
    });
  });
});
