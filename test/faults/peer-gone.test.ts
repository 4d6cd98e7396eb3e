/** The worker that offers segments over Flight is killed before anybody has read them: the store stands in. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { signal } from '../../infra/chaos/processes.js';
import { DisturbedRun } from './disturbed-run.js';

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

/** More than are scored ahead of the learner: the newest have been read by nobody. */
const WAITING = 40;

describe.runIf(process.platform === 'linux')('a Flight endpoint that is gone', () => {
  it('is replaced by the store: what was collected is scored and trained on, and nobody misses the dead peer', async () => {
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), (url) => ({
      name: 'gone',
      environment: { kind: 'grid-world', episodeStepsMax: 60 },
      policy: { preset: 'tiny' },
      sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', judge: { kind: 'openai', baseUrl: url, model: 'any' } } } },
      combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
      learn: { batchSegments: 2 },
      rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 16 },
      schedule: { policyLagMax: 32, batchesPerCall: 4 },
      evaluate: { episodes: 0 },
      stop: { runMs: 3_600_000 },
      seed: 4,
    }));
    runs.push(run);
    run.startCli();
    await run.until('some updates', () => run.progress.version >= 4, 120_000);
    // Collected, and read by nobody: scoring and learning sleep.
    const asleep = [...run.processes('reward'), ...run.processes('learner')];
    for (const { pid } of asleep) signal(pid, 'SIGSTOP');
    await run.until('segments that wait', async () => (await run.status()).ledger.open >= WAITING);
    const { ledger } = await run.status();
    const port = await flightPort(run);
    const gone = run.kill('rollout');
    await run.untilBack('rollout', gone);
    expect(await flightPort(run)).not.toBe(port);
    for (const { pid } of asleep) signal(pid, 'SIGCONT');
    await run.until('all of them to be trained on', async () => (await run.status()).ledger.trained >= ledger.trained + ledger.open);
    // Scoring reads first; the learner reads in a thread, which keeps no log.
    expect(await readFile(join(run.project.state, 'logs', 'reward.log'), 'utf8')).toMatch(new RegExp(`"peer":"grpc\\+tcp://[^"]*:${port}".*reading the store`));
    const { attention, ledger: after } = await run.status();
    expect(attention).toEqual([]);
    expect({ stale: after.stale, failed: after.failed }).toEqual({ stale: 0, failed: {} });
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
  }, 240_000);
});

/** Port of the Flight server of the rollout worker that was started last. */
async function flightPort(run: DisturbedRun): Promise<string> {
  let port: string | undefined;
  await run.until('a rollout worker that is ready', async () => {
    const pids = run.processes('rollout').map(({ pid }) => pid);
    const lines = (await readFile(join(run.project.state, 'logs', 'rollout.log'), 'utf8')).split('\n').filter((line) => line.includes('"location"') && pids.some((pid) => line.includes(`"pid":${pid}`)));
    port = /"location":"[^"]*:(\d+)"/.exec(lines.at(-1) ?? '')?.[1];
    return port !== undefined;
  });
  return port!;
}
