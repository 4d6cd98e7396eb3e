/** Lockstep runs whose store is a bucket: the bytes of a run in a folder, also where machines share nothing else and processes are killed. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { historiesOf } from '../../infra/chaos/histories.js';
import { findProcesses, signal, type ProcessKind } from '../../infra/chaos/processes.js';
import { findDevServer } from '../../infra/devserver/dev-server.js';
import type { JobInput } from '../../proto/job.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import type { ObjectStore } from '../../workers/store/object-store.js';
import { checkInvariants } from '../../workers/verify/invariants.js';
import { Project } from '../infra/cli-process.js';
import { COMPUTED, digestsIn } from '../support/digests.js';
import { startS3Server, type S3Server } from '../support/s3-server.js';

const RUN = 'in-a-bucket';
const VERSIONS = 8;
const UNTIL_MS = 120_000;

const job: JobInput = {
  name: RUN,
  environment: { kind: 'grid-world', episodeStepsMax: 60 },
  policy: { preset: 'tiny' },
  sources: {
    game: { kind: 'env' },
    helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', judge: { kind: 'scripted', rules: [{ pattern: 'key|door|kill|gold', probability: 0.9 }], otherwise: 0.1, noise: 0.05, delayMs: 5 } } },
  },
  combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
  learn: { batchSegments: 2, epochs: 2 },
  rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 32 },
  schedule: { mode: 'lockstep', segmentsPerCall: 2, checkpointVersions: 4 },
  evaluate: { episodes: 4, environments: 4 },
  stop: { versions: VERSIONS },
  seed: 3,
};

let server: S3Server;
let inFolder: Record<string, string>;
const projects: Project[] = [];
beforeAll(async () => {
  server = await startS3Server();
  const project = await makeProject({});
  const { code, output } = await project.run(['run', await jobFile(project)]);
  expect(code, output).toBe(0);
  inFolder = await digestsIn(new LocalStore(project.store), '', COMPUTED);
}, 400_000);
afterEach(async () => {
  for (const project of projects.splice(0)) await project.remove();
});
afterAll(() => server.stop());

async function makeProject(variables: NodeJS.ProcessEnv): Promise<Project> {
  const project = await Project.make();
  project.own = variables;
  projects.push(project);
  return project;
}

async function jobFile(project: Project): Promise<string> {
  const file = join(project.folder, 'job.json');
  await writeFile(file, JSON.stringify(job));
  return file;
}

async function until(what: string, done: () => Promise<boolean> | boolean, say: () => string): Promise<void> {
  const deadline = Date.now() + UNTIL_MS;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`expected ${what} within ${UNTIL_MS / 1000} s:\n${say()}`);
    await wait(100);
  }
}

/** Kills one process of a kind, and says whether there was one. */
function killOne(state: string, kind: ProcessKind): boolean {
  const found = findProcesses(state).find((one) => one.kind === kind);
  return found !== undefined && signal(found.pid, 'SIGKILL');
}

async function newestVersion(store: ObjectStore): Promise<number> {
  return (await store.list(layout.updates(RUN))).length;
}

describe('a lockstep run in a bucket', () => {
  it('gives the digests of one in a folder, and can be verified, shown and swept there', async () => {
    const bucket = await server.makeBucket();
    const project = await makeProject({ ...server.variables, LAUREL_STORE: `s3://${bucket}/laurel` });
    const { code, output } = await project.run(['run', await jobFile(project)]);
    expect(code, output).toBe(0);
    expect(output).toContain(`s3://${bucket}/laurel/runs/${RUN}/report.html`);
    const store = server.open(bucket, 'laurel/');
    expect(Object.keys(inFolder).length).toBeGreaterThan(4 * VERSIONS);
    expect(await digestsIn(store, '', COMPUTED)).toEqual(inFolder);
    expect((await checkInvariants({ store, run: RUN, histories: await historiesOf(project.state, RUN), over: true })).faults).toEqual([]);
    // Nothing went around the interface.
    expect(existsSync(project.store)).toBe(false);
    const verified = await project.run(['verify', RUN, '--sample', '2']);
    expect(verified.output).toContain('no difference');
    expect(verified.code).toBe(0);
    const labels = await project.run(['labels', 'list']);
    expect(labels.output).toMatch(/[1-9]\d* labels/);
    const status = await project.run(['status', RUN, '--json']);
    expect((JSON.parse(status.output) as { version: number }).version).toBe(VERSIONS);
    const swept = await project.run(['sweep', RUN, '--dry-run']);
    expect(swept.code, swept.output).toBe(0);
    const doctor = await project.run(['doctor', '--json']);
    expect((JSON.parse(doctor.output) as { title: string; state: string }[]).find(({ title }) => title === 'store')).toMatchObject({ state: 'good' });
  }, 300_000);

  it.runIf(process.platform === 'linux')('gives them also where two machines share nothing but the bucket, and their processes are killed', async () => {
    const bucket = await server.makeBucket();
    const variables = { ...server.variables, LAUREL_STORE: `s3://${bucket}/laurel` };
    const [near, far] = [await makeProject(variables), await makeProject(variables)];
    // On a machine of its own the far one would have an address of its own, too.
    far.own = { ...far.own, LAUREL_FLIGHT_HOST: '127.0.0.3' };
    const first = near.start(['up', '--pool', 'workflows', '--pool', 'reward', '--pool', 'learner']);
    await first.until(/Ctrl-C ends them/);
    const target = await findDevServer(near.state);
    far.own = { ...far.own, TEMPORAL_ADDRESS: target!.address, TEMPORAL_NAMESPACE: target!.namespace };
    const second = far.start(['up', '--pool', 'rollout', '--pool', 'annotator']);
    await second.until(/Ctrl-C ends them/);
    const submitted = await near.run(['submit', await jobFile(near)]);
    expect(submitted.code, submitted.output).toBe(0);
    const store = server.open(bucket, 'laurel/');
    const said = (): string => `${first.output}\n${second.output}`;
    for (const [version, project, kind] of [[1, far, 'rollout'], [3, near, 'learner'], [5, far, 'annotator']] as const) {
      await until(`version ${version}`, async () => (await newestVersion(store)) >= version, said);
      await until(`a process of pool ${kind}`, () => killOne(project.state, kind), said);
    }
    await until('the end of the run', () => store.exists(layout.summary(RUN)), said);
    expect(await digestsIn(store, '', COMPUTED)).toEqual(inFolder);
    for (const project of [near, far]) expect(existsSync(project.store)).toBe(false);
  }, 400_000);
});
