/** Two builds of the workflow workers beside each other: a run ends on the build that it began on, or is taken over by the current one. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { historiesOf } from '../../infra/chaos/histories.js';
import { ensureTemporalCli } from '../../infra/temporal-cli/temporal-cli.js';
import { findDevServer } from '../../infra/devserver/dev-server.js';
import type { JobInput } from '../../proto/job.js';
import type { CliProcess } from '../infra/cli-process.js';
import { DisturbedRun } from './disturbed-run.js';

const VERSIONS = 12;
const WAIT_MS = 60_000;

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

function job(name: string): JobInput {
  return {
    name,
    environment: { kind: 'grid-world', episodeStepsMax: 60 },
    policy: { preset: 'tiny' },
    sources: { game: { kind: 'env' } },
    combine: { op: 'linear', weights: { game: 1 } },
    learn: { batchSegments: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 16 },
    // Short histories: the run continues as new on both builds.
    schedule: { collectMs: 300, historyEventsMax: 200 },
    evaluate: { episodes: 0 },
    stop: { runMs: 3_600_000 },
    seed: 8,
  };
}

it.each(['pinned', 'auto-upgrade'] as const)('a run that began on the old build, versioning "%s"', async (versioning) => {
  const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), () => job('upgraded'));
  runs.push(run);
  const { project } = run;
  run.cli = project.start(['up', '--pool', 'rollout', '--pool', 'annotator', '--pool', 'reward', '--pool', 'learner']);
  await run.cli.until(/Ctrl-C ends them/);
  const address = (await findDevServer(project.state))!.address;
  const temporal = (await ensureTemporalCli()).path;
  const worker = (build: string): CliProcess => project.start(['worker', '--pool', 'workflows'], undefined, { LAUREL_BUILD_ID: build, LAUREL_VERSIONING: versioning });
  /** As an operator makes a build current, with Temporal's own program. The server must have seen its workers first. */
  const makeCurrent = (build: string): Promise<void> =>
    run.until(`the build ${build} to be current`, () => promisify(execFile)(temporal, ['worker', 'deployment', 'set-current-version', '--deployment-name', 'laurel', '--build-id', build, '--yes', '--address', address]).then(() => true, () => false), WAIT_MS);

  const old = worker('one');
  await old.until(/"ready"/);
  await makeCurrent('one');
  expect((await project.run(['submit', run.jobFile])).code).toBe(0);
  await run.until('a trained update', () => run.progress.version > 0, 120_000);
  const fresh = worker('two');
  await fresh.until(/"ready"/);
  await makeCurrent('two');
  const goesOn = async (): Promise<void> => {
    const from = run.progress.version;
    await run.until(`${VERSIONS} more versions`, () => run.progress.version >= from + VERSIONS);
  };
  await goesOn();
  if (versioning === 'auto-upgrade') {
    // Nobody needs the old build any more.
    old.kill('SIGTERM');
    await old.ended;
    await goesOn();
  }
  expect((await project.run(['stop', run.run])).code).toBe(0);
  await run.until('the summary', async () => (await run.summary()) !== undefined);
  const histories = await historiesOf(project.state, run.run);
  const builds = histories.flatMap(({ events }) => events.flatMap(buildOf));
  expect(histories.length).toBeGreaterThan(1);
  expect(builds[0]).toBe('one');
  expect(builds.at(-1)).toBe(versioning === 'pinned' ? 'one' : 'two');
  if (versioning === 'pinned') expect(new Set(builds)).toEqual(new Set(['one']));
  expect(await run.faults()).toEqual([]);
}, 300_000);

/** Build that a workflow task was done by. */
function buildOf(event: object): string[] {
  const done = (event as { workflowTaskCompletedEventAttributes?: { deploymentVersion?: { buildId?: string | null } | null } | null }).workflowTaskCompletedEventAttributes;
  const build = done?.deploymentVersion?.buildId;
  return build ? [build] : [];
}
