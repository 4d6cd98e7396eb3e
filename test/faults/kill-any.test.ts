/** kill -9 of each kind of process, once each, in one run on real processes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chaosJob, JUDGED_BY } from '../../infra/chaos/chaos-job.js';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import type { ProcessKind } from '../../infra/chaos/processes.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import type { RunStatus } from '../../proto/status.js';
import { DisturbedRun } from './disturbed-run.js';

const KINDS: readonly Exclude<ProcessKind, 'other'>[] = ['workflows', 'rollout', 'annotator', 'reward', 'learner', 'cli', 'server'];
/** More than lay in queues when the process died: it works again. */
const VERSIONS = 20;
/** Segments: the policy lag of the job times its batch. */
const ON_THE_WAY_MAX = 8 * 2;

let run: DisturbedRun;
beforeAll(async () => {
  const judge = new FaultJudge({ seed: 11, faultShare: 0, thinkMs: JUDGED_BY['grid-world'].thinkMs });
  run = await DisturbedRun.make(judge, (url) => chaosJob('killed', 'grid-world', url, 11, 3_600_000));
  run.startCli();
  await run.until('a trained update', () => run.progress.version > 0, 120_000);
});
afterAll(async () => run.remove());

async function goesOn(kind: ProcessKind, gone: readonly number[]): Promise<void> {
  await run.untilBack(kind, gone);
  const from = run.progress.version;
  await run.until(`${VERSIONS} more versions`, () => run.progress.version >= from + VERSIONS);
}

function answers(): number {
  return run.judge.journal.filter((entry) => entry.outcome === 'answered').length;
}

describe.runIf(process.platform === 'linux')('a run whose processes are killed', () => {
  it.each(KINDS)('goes on by itself after kill -9 of the process "%s"', async (kind) => {
    const gone = run.kill(kind);
    expect(gone).toHaveLength(1);
    // The command is the supervisor: whoever started it starts it again. Everything else it starts itself.
    if (kind === 'cli') run.startCli();
    await goesOn(kind, gone);
    if (kind !== 'annotator') return;
    const from = answers();
    await run.until('more answers of the judge', () => answers() > from);
  });

  it('goes on after every process is killed at once and the command is given again', async () => {
    const gone = run.kill('all');
    expect(gone.length).toBeGreaterThanOrEqual(KINDS.length);
    run.startCli();
    await goesOn('learner', gone);
  });

  it('ends with a balanced ledger, no label asked twice, none lost, and each segment with one disposition', async () => {
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
    const summary = await readJson<{ outcome: string; status: RunStatus }>(new LocalStore(run.project.store), layout.summary(run.run));
    const { collected, open, failed, stale } = summary!.status.ledger;
    expect(summary!.outcome).toBe('stopped');
    expect({ open, failed }).toEqual({ open: 0, failed: {} });
    expect(collected).toBeGreaterThan(2 * 8 * VERSIONS);
    // What a call had stored when its worker died comes late and may be stale; so may what was on its way, no more, for each kill.
    expect(stale).toBeLessThanOrEqual((KINDS.length + 1) * ON_THE_WAY_MAX);
  });
});
