/** Two runs at once on the same workers and the same store. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { historiesOf } from '../../infra/chaos/histories.js';
import type { JobInput } from '../../proto/job.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { checkInvariants } from '../../workers/verify/invariants.js';
import { Project } from '../infra/cli-process.js';
import { digestsIn } from '../support/digests.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Lockstep, so that a disturbance by another run would show in the bytes. */
function job(name: string, seed: number, baseUrl: string): JobInput {
  return {
    name,
    environment: { kind: 'grid-world', episodeStepsMax: 60 },
    policy: { preset: 'tiny' },
    sources: {
      game: { kind: 'env' },
      helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', prompt: 'grid-v2', judge: { kind: 'openai', baseUrl, model: 'm', concurrency: 2 } } },
    },
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2, epochs: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 32 },
    schedule: { mode: 'lockstep', segmentsPerCall: 2, checkpointVersions: 5 },
    evaluate: { episodes: 4, environments: 4 },
    stop: { versions: 30 },
    seed,
  };
}

async function makeProject(...jobs: JobInput[]): Promise<{ project: Project; store: LocalStore; files: string[] }> {
  const project = await Project.make();
  cleanups.push(() => project.remove());
  const files = jobs.map(({ name }) => join(project.folder, `${name}.json`));
  await Promise.all(jobs.map((input, index) => writeFile(files[index]!, JSON.stringify(input))));
  return { project, store: new LocalStore(project.store), files };
}

/** What a run played and learned; the names of its rewards hold the position of the shared label log. */
function learned(store: LocalStore, run: string): Promise<Record<string, string>> {
  return digestsIn(store, `runs/${run}/`, /\/(segments|policies|checkpoints|evaluations)\//);
}

it('two runs share workers, store and labels, are each what they are alone, and an id is never started twice', async () => {
  const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [20, 100] });
  await judge.start();
  cleanups.push(() => judge.stop());
  const first = job('first', 3, judge.baseUrl);
  const second = job('second', 4, judge.baseUrl);
  const { project, store, files } = await makeProject(first, second);

  const up = project.start(['up']);
  await up.until(/Ctrl-C ends them/);
  const [one, two] = await Promise.all(files.map((file) => project.run(['submit', file])));
  expect([one!.code, two!.code], `${one!.output}${two!.output}`).toEqual([0, 0]);
  // The same id again is refused, whether its run is open or over.
  const again = await project.run(['submit', files[0]!]);
  expect(again.code).not.toBe(0);
  expect(again.output).toContain('LAUREL_JOB_INVALID');
  for (const run of ['first', 'second']) while (!(await store.exists(layout.summary(run)))) await wait(200);
  expect((await project.run(['submit', files[0]!])).code).not.toBe(0);
  expect((await project.run(['run', files[0]!])).output).toContain('the run first is finished');
  up.kill('SIGTERM');
  await up.ended;

  // Both asked the same judge for the same goal: each message once, for both of them.
  for (const run of ['first', 'second']) {
    const evidence = { store, run, histories: await historiesOf(project.state, run), judge: { ...judge.evidence({ killsAtMs: [], asleep: [] }, project.state), otherRuns: ['first', 'second'] }, over: true };
    const report = await checkInvariants(evidence);
    expect(report).toMatchObject({ versions: 30, faults: [], judge: { unread: 0 } });
    expect(report.judge!.answered).toBe(report.judge!.questions);
  }
  expect(await store.list('annotators/')).toHaveLength(1);

  const alone = await makeProject(first);
  const starting = alone.project.start(['run', alone.files[0]!]);
  await starting.until(/run first: /);
  // A second `run` of the job joins the open run with workers of its own.
  const joining = alone.project.start(['run', alone.files[0]!]);
  await joining.until(/going on with the run first/);
  for (const { code, output } of await Promise.all([starting.ended, joining.ended])) expect(code, output).toBe(0);
  expect(await learned(store, 'first')).toEqual(await learned(alone.store, 'first'));
}, 240_000);
