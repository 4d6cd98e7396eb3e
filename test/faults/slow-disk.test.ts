/** A run whose disk is slow for a while. */
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { setSlowDisk, slowDiskVariables } from '../../infra/chaos/slow-disk.js';
import { diskJob } from './disk-job.js';
import { DisturbedRun } from './disturbed-run.js';

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

describe.runIf(process.platform === 'linux')('a run whose disk is slow', () => {
  it('goes on slowly, parks nothing, and is as fast as before when the disk is', async () => {
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), (url) => diskJob('slow', url));
    runs.push(run);
    run.project.own = slowDiskVariables(run.project.state);
    run.startCli();
    await run.until('some updates', () => run.progress.version >= 4, 120_000);
    setSlowDisk(run.project.state, true);
    const { version } = run.progress;
    await run.until('versions while it is slow', () => run.progress.version >= version + 6, 180_000);
    const slow = await run.status();
    setSlowDisk(run.project.state, false);
    const after = run.progress.version;
    await run.until('versions when it is not', () => run.progress.version >= after + 6);
    for (const { attention, ledger } of [slow, await run.status()]) expect({ attention, failed: ledger.failed, stale: ledger.stale }).toEqual({ attention: [], failed: {}, stale: 0 });
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
  }, 400_000);
});
