/** Rollout workers join a live run and leave it: work follows, and nothing is lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '@temporalio/client';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { connectTo } from '../../infra/devserver/connection.js';
import { findDevServer } from '../../infra/devserver/dev-server.js';
import type { JobInput } from '../../proto/job.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import type { RunStatus } from '../../proto/status.js';
import type { CliProcess } from '../infra/cli-process.js';
import { DisturbedRun } from './disturbed-run.js';

const VERSIONS = 20;
/** Shards are offered every 15 s, and the worker of before may take them itself. */
const JOIN_MS = 120_000;

function job(baseUrl: string): JobInput {
  return {
    name: 'elastic',
    environment: { kind: 'grid-world', episodeStepsMax: 60 },
    policy: { preset: 'tiny' },
    sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', prompt: 'grid-v2', judge: { kind: 'openai', baseUrl, model: 'm' } } } },
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2 },
    rollout: { shards: 3, environmentsPerShard: 8, segmentSteps: 32 },
    schedule: { collectMs: 1_000 },
    evaluate: { episodes: 0 },
    stop: { runMs: 3_600_000 },
    seed: 6,
  };
}

let run: DisturbedRun;
let joined: CliProcess;
let joinedPid = 0;
beforeAll(async () => {
  run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [5, 20] }), job);
  run.startCli();
  await run.until('a trained update', () => run.progress.version > 0, 120_000);
});
afterAll(async () => run.remove());

/** Process numbers of the workers whose collect calls the newest history of the run holds. */
async function collectors(): Promise<Set<number>> {
  const target = await findDevServer(run.project.state);
  const connection = await connectTo(target!);
  try {
    const { events } = await new Client({ connection }).workflow.getHandle(run.run).fetchHistory();
    const collects = new Set((events ?? []).filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'collect').map((event) => String(event.eventId)));
    const started = (events ?? []).flatMap((event) => event.activityTaskStartedEventAttributes ?? []).filter((one) => collects.has(String(one.scheduledEventId)));
    return new Set(started.map((one) => Number(/:(\d+)$/.exec(one.identity ?? '')?.[1])));
  } finally {
    await connection.close();
  }
}

async function goesOn(): Promise<void> {
  const from = run.progress.version;
  await run.until(`${VERSIONS} more versions`, () => run.progress.version >= from + VERSIONS);
}

describe.runIf(process.platform === 'linux')('a live run', () => {
  it('gives shards to a rollout worker that joins', async () => {
    const before = run.processes('rollout').map(({ pid }) => pid);
    joined = run.project.start(['worker', '--pool', 'rollout']);
    await run.untilBack('rollout', before);
    joinedPid = run.processes('rollout').find(({ pid }) => !before.includes(pid))!.pid;
    await run.until('a collect call of the worker that joined', async () => (await collectors()).has(joinedPid), JOIN_MS);
    await goesOn();
  }, 200_000);

  it('goes on when that worker is told to leave: it hands over, ends well, and nobody misses its Flight server', async () => {
    const left = (await run.status()).ledger.collected;
    joined.kill('SIGTERM');
    const { code, output } = await joined.ended;
    expect(code, output).toBe(0);
    expect(output).toContain('"draining"');
    await goesOn();
    expect((await run.status()).ledger.collected).toBeGreaterThan(left);
    expect(run.processes('rollout').map(({ pid }) => pid)).not.toContain(joinedPid);
  }, 120_000);

  it('lost nothing by it', async () => {
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
    const summary = await readJson<{ status: RunStatus }>(new LocalStore(run.project.store), layout.summary(run.run));
    expect(summary!.status.ledger).toMatchObject({ failed: {}, open: 0 });
    expect(summary!.status.attention).toEqual([]);
  });
});
