/** A run whose store lies on a disk of its own that is full, and later read-only: parked, decided about, and gone on with. */
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { canEnterNamespace } from '../../infra/chaos/small-disk.js';
import { laurelDecides, parked, temporalUpdate } from './by-hand.js';
import { diskJob } from './disk-job.js';
import { DisturbedRun } from './disturbed-run.js';

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

const DISK_MB = 800;

describe.runIf(canEnterNamespace())('a run whose disk takes nothing more', () => {
  it('names it, goes on after a decision when there is room again, and by itself when a read-only disk can be written again', async () => {
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), (url) => diskJob('full', url), DISK_MB);
    runs.push(run);
    run.startCli();
    await run.until('some updates', () => run.progress.version >= 4, 120_000);

    await run.disk!.fill();
    const full = await parked(run, '');
    expect(full).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    expect(full.message).toContain('the disk is full');
    // Its cause may pass: it says when it is tried again.
    expect(full.nextTryAtMs).toBeGreaterThan(full.sinceMs);
    await run.disk!.mend();
    const decided = full.choices.includes('void') ? await laurelDecides(run, 'retry', full.id) : await laurelDecides(run, 'skip', full.id);
    expect(decided, decided.output).toMatchObject({ code: 0 });
    for (const { id } of (await run.status()).attention) await temporalUpdate(run, 'retry', { id, by: 'ann' });
    await run.until('no parked step', async () => (await run.status()).attention.length === 0, 120_000);
    const { version } = run.progress;
    await run.until('more versions', () => run.progress.version >= version + 4);

    expect(await run.disk!.lock()).toBe(true);
    const locked = await parked(run, '');
    expect(locked).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    await run.disk!.mend();
    const before = run.progress.version;
    await run.until('the run to go on by itself', async () => run.progress.version >= before + 4 && (await run.status()).attention.length === 0, 180_000);
    const { decisions, ledger } = await run.status();
    expect(decisions.find(({ id }) => id === full.id)).toMatchObject({ by: 'ben', code: 'LAUREL_STORE_UNAVAILABLE' });
    expect(decisions.find(({ id }) => id === locked.id)).toMatchObject({ by: 'laurel', decision: 'retry', code: 'LAUREL_STORE_UNAVAILABLE' });
    expect(ledger.failed).toEqual({});
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
  }, 500_000);
});
