/** kill -9 of the worker that sweeps, in the middle of sweeps: what they began is completed later, and nothing else is gone. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { readJson } from '../../workers/store/artifacts.js';
import type { SweepRecord } from '../../workers/retention/sweeper.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { DisturbedRun } from './disturbed-run.js';

const RUN = 'swept';
const KILLS = 4;

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

describe.runIf(process.platform === 'linux')('a sweep whose worker is killed', () => {
  it(`is completed by a later one: ${KILLS} kills right after the record of what goes, and every object of every record is gone, nothing else`, async () => {
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), () => ({
      name: RUN,
      environment: { kind: 'grid-world', episodeStepsMax: 60 },
      policy: { preset: 'tiny' },
      sources: { game: { kind: 'env' } },
      combine: { op: 'linear', weights: { game: 1 } },
      learn: { batchSegments: 2 },
      rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 16 },
      schedule: { checkpointVersions: 5, policyLagMax: 4 },
      retention: { sweepVersions: 40, checkpoints: 2, checkpointsEvery: 0, transitions: 2_000 },
      evaluate: { episodes: 0 },
      stop: { runMs: 3_600_000 },
      seed: 9,
    }));
    runs.push(run);
    run.startCli();
    const store = new LocalStore(run.project.store);
    const sweeps = async (): Promise<string[]> => (await store.list(layout.sweeps(RUN))).map(({ key }) => key);
    const cut: number[] = [];
    for (let known = 0; cut.length < KILLS; ) {
      let found: string[] = [];
      // As close to the record as can be seen from outside.
      for (const deadline = Date.now() + 120_000; found.length <= known; found = await sweeps()) {
        if (Date.now() > deadline) throw new Error(`expected sweep ${known} within two minutes at version ${run.progress.version}; the command said:\n${run.cli?.output.slice(-2_000)}`);
        await wait(2);
      }
      const gone = run.kill('reward');
      known = found.length;
      await run.untilBack('reward', gone);
      const left = await present(store, found.at(-1)!);
      if (left > 0) cut.push(left);
    }
    const before = run.progress.version;
    await run.until('a sweep that is left alone', async () => (await sweeps()).length > KILLS && run.progress.version > before + 45, 120_000);
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    const { code: swept, output: said } = await run.project.run(['sweep', RUN]);
    expect(swept, said).toBe(0);
    // Each kill fell into a sweep: objects were left that its record says are gone.
    expect(cut.every((left) => left > 0)).toBe(true);
    for (const key of await sweeps()) expect([key, await present(store, key)]).toEqual([key, 0]);
    expect(await run.faults()).toEqual([]);
    const verified = await run.project.run(['verify', RUN, '--sample', '4']);
    expect(verified, verified.output).toMatchObject({ code: 0 });
  }, 400_000);
});

/** Objects that a sweep wanted to remove and that are there. */
async function present(store: LocalStore, key: string): Promise<number> {
  const { removed } = (await readJson<SweepRecord>(store, key))!;
  let count = 0;
  for (const one of removed.flatMap(({ keys }) => keys)) if (await store.exists(one)) count++;
  return count;
}
