import { execFile } from 'node:child_process';
import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectTo } from '../../infra/devserver/connection.js';
import { openDevServer } from '../../infra/devserver/dev-server.js';
import { readRecord } from '../../infra/devserver/record.js';
import { isProcessAlive } from '../../workers/process-alive.js';
import { findTemporalCli } from '../../infra/temporal-cli/temporal-cli.js';
import type { RunStatus } from '../../proto/status.js';
import { layout } from '../../workers/store/layout.js';
import { Project } from './cli-process.js';

const job = (more: object): string =>
  JSON.stringify({
    name: 'tiny',
    environment: { kind: 'grid-world', size: 4, rooms: 1, episodeStepsMax: 30 },
    policy: { kind: 'feed-forward', preset: 'tiny' },
    sources: {
      goal: { kind: 'env' },
      helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'reach the goal', prompt: 'grid-v1', judge: { kind: 'scripted', rules: [{ pattern: 'goal', probability: 0.9 }] } } },
    },
    combine: { op: 'linear', weights: { goal: 1, helpful: 0.2 } },
    rollout: { shards: 1, environmentsPerShard: 8, segmentSteps: 8 },
    evaluate: { episodes: 4, environments: 4 },
    stop: { versions: 6 },
    ...more,
  });
/** Each test starts a server and five workers once or more; a machine under load takes its time. */
const TEST_MS_MAX = 300_000;
const ENDLESS = { stop: { versions: 1_000_000 } };

describe('the command line', { timeout: TEST_MS_MAX }, () => {
  let project: Project;
  beforeEach(async () => {
    project = await Project.make();
  });
  afterEach(() => project.remove());
  const status = async (run: string): Promise<RunStatus> => JSON.parse((await project.run(['status', run, '--json'])).output) as RunStatus;
  const untilVersion = (run: string, version: number): Promise<void> =>
    vi.waitFor(async () => expect((await status(run)).version).toBeGreaterThanOrEqual(version), { timeout: 90_000, interval: 500 });

  it('runs a job to its end, leaves its results and no process, and knows a finished run without a server', async () => {
    const path = join(project.folder, 'job.json');
    await writeFile(path, job({}));
    const first = await project.run(['run', path]);
    expect(first.output).toMatch(/tiny completed: version 6/);
    expect(first.output).toMatch(/run tiny: http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/tiny/);
    expect(first.code).toBe(0);
    expect(await project.leftRunning()).toEqual([]);
    const folder = join(project.store, 'runs', 'tiny');
    for (const name of ['summary.json', 'metrics.jsonl', 'report.html', 'spec.json']) await access(join(folder, name));
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('You ');

    const again = await project.run(['run', path]);
    expect(again).toMatchObject({ code: 0, output: expect.stringMatching(/the run tiny is finished[\s\S]*--fresh/) as string });
    expect(await status('tiny')).toMatchObject({ state: 'Completed', version: 6 });
    expect((await project.run(['report', 'tiny', '--out', join(project.folder, 'page.html')])).code).toBe(0);
    expect(await readFile(join(project.folder, 'page.html'), 'utf8')).toContain('tiny');

    const fresh = await project.run(['run', path, '--fresh']);
    expect(fresh.output).toMatch(/tiny-2 completed/);
    expect(await readdir(join(project.store, 'runs'))).toEqual(['tiny', 'tiny-2']);
  });

  it('keeps a run over Ctrl-C and a killed worker: the next start goes on with it', async () => {
    const path = join(project.folder, 'job.json');
    await writeFile(path, job(ENDLESS));
    const first = project.start(['run', path]);
    await first.until(/tiny Running/);
    await untilVersion('tiny', 2);
    const learner = /"pid":(\d+)/.exec(await readFile(join(project.state, 'logs', 'learner.log'), 'utf8'))?.[1];
    process.kill(Number(learner), 'SIGKILL');
    await first.until(/worker learner died \(signal SIGKILL\), next start in 500 ms/);
    await first.until(/worker learner started again \(pid \d+\)/);
    const before = (await status('tiny')).version;
    await untilVersion('tiny', before + 1);
    first.kill('SIGINT');
    const ended = await first.ended;
    expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('the run tiny is kept and goes on with the next start') as string });
    expect(await project.leftRunning()).toEqual([]);

    const second = project.start(['run', path]);
    await second.until(/going on with the run tiny/);
    await second.until(/tiny Running/);
    await untilVersion('tiny', before + 2);
    const stopped = await project.run(['stop', 'tiny']);
    expect(stopped.code).toBe(0);
    expect(await second.ended).toMatchObject({ code: 0, output: expect.stringContaining('tiny stopped: version') as string });
    expect(await project.leftRunning()).toEqual([]);
  });

  it('starts a killed server again at its address, and the run goes on', async () => {
    const running = project.start(['run', '-'], job(ENDLESS));
    await running.until(/tiny Running/);
    await untilVersion('tiny', 1);
    const server = await readRecord(project.state);
    process.kill(server!.pid, 'SIGKILL');
    await running.until(/the development server is back at 127\.0\.0\.1/);
    expect((await readRecord(project.state))?.port).toBe(server?.port);
    const before = (await vi.waitFor(() => status('tiny'), { timeout: 60_000, interval: 500 })).version;
    await untilVersion('tiny', before + 2);
    running.kill('SIGTERM');
    await running.ended;
    expect(await project.leftRunning()).toEqual([]);
  });

  it('works piece by piece: server and workers, then runs from Laurel and from plain Temporal, paused, steered and stopped', async () => {
    const up = project.start(['up']);
    await up.until(/submit with/);
    const path = join(project.folder, 'job.json');
    await writeFile(path, job({ ...ENDLESS, name: 'from-laurel' }));
    expect(await project.run(['submit', path])).toMatchObject({ code: 0, output: expect.stringContaining('run from-laurel is submitted') as string });
    expect(await project.run(['submit', path])).toMatchObject({ code: 2, output: expect.stringMatching(/LAUREL_JOB_INVALID {2}expected a run id that is not in use, got from-laurel/) as string });
    await untilVersion('from-laurel', 1);
    const cli = await findTemporalCli();
    const address = `127.0.0.1:${(await readRecord(project.state))?.port}`;
    const temporal = (parameters: readonly string[]) => promisify(execFile)(cli!.path, [...parameters, '--address', address], { env: project.variables() });
    const update = (name: string, ...input: string[]) => temporal(['workflow', 'update', 'execute', '--workflow-id', 'from-laurel', '--name', name, ...input]);

    expect((await project.run(['pause', 'from-laurel', '--by', 'ben'])).output).toContain('no new work is begun');
    expect((await status('from-laurel')).state).toBe('Paused');
    expect((await project.run(['status', 'from-laurel'])).output).toMatch(/ {2}paused {6}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by ben; laurel resume from-laurel goes on/);
    await update('resume');
    await update('pause', '--input', '{"by": "ann"}');
    expect((await project.run(['resume', 'from-laurel'], undefined, { USER: 'eve' })).code).toBe(0);
    expect((await status('from-laurel')).controls).toMatchObject([
      { action: 'pause', by: 'ben' },
      { action: 'resume', by: null },
      { action: 'pause', by: 'ann' },
      { action: 'resume', by: 'eve' },
    ]);
    expect((await project.run(['steer', 'from-laurel', '--weight', 'goal=0.5', '--weight', 'helpful=0'])).output).toContain('"goal":0.5');
    expect((await status('from-laurel')).weights).toEqual({ goal: 0.5, helpful: 0 });
    expect(await project.run(['steer', 'from-laurel', '--weight', 'nothing=1'])).toMatchObject({ code: 1 });
    expect((await project.run(['retry', 'from-laurel'])).code).not.toBe(0);
    expect((await project.run(['stop', 'from-laurel'])).code).toBe(0);
    const watched = await project.run(['status', 'from-laurel', '--watch']);
    expect(watched.code).toBe(0);

    // It follows the summary, by which a run is known to be over.
    const page = await vi.waitFor(() => readFile(join(project.store, layout.report('from-laurel')), 'utf8'), { timeout: 60_000, interval: 200 });
    for (const row of ['<td>ben</td><td>pause</td>', '<td>ann</td><td>pause</td>', '<td>eve</td><td>resume</td>']) expect(page).toContain(row);

    const start = ['workflow', 'start', '--type', 'trainingRun', '--task-queue', 'laurel-workflows'];
    const other = join(project.folder, 'other.json');
    await writeFile(other, job({ name: 'whatever' }));
    await temporal([...start, '--workflow-id', 'from-temporal', '--input-file', other]);
    await temporal(['workflow', 'result', '--workflow-id', 'from-temporal']);
    expect(await status('from-temporal')).toMatchObject({ run: 'from-temporal', state: 'Completed' });
    // A bad job is refused by the workflow itself, with the same code.
    await temporal([...start, '--workflow-id', 'bad', '--input', '{"nam": "x"}']);
    const refused = await temporal(['workflow', 'result', '--workflow-id', 'bad']).catch((error: { stdout: string; stderr: string }) => error);
    expect(refused.stdout + refused.stderr).toMatch(/LAUREL_JOB_INVALID[\s\S]*did you mean name\?|did you mean name\?/);

    expect(await project.run(['doctor'])).toMatchObject({ output: expect.stringContaining(address) as string });
    up.kill('SIGINT');
    expect((await up.ended).code).toBe(0);
    expect(await project.leftRunning()).toEqual([]);
  });

  it('uses the server that TEMPORAL_ADDRESS names, prepares it, and leaves it running', async () => {
    const own = await openDevServer({ state: join(project.folder, 'own-server'), executable: (await findTemporalCli())!.path, ports: 'any' });
    try {
      const connection = await connectTo(own.target);
      await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: ['LaurelState'] });
      await connection.close();
      const { address } = own.target;
      const ended = await project.run(['run', '-'], job({ stop: { versions: 1 } }), { TEMPORAL_ADDRESS: address });
      expect(ended.output).toContain(`server at ${address}, namespace default; registered LaurelState`);
      expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('tiny completed') as string });
      expect(isProcessAlive(own.pid)).toBe(true);
      expect(await readRecord(project.state)).toBeUndefined();
    } finally {
      await own.stop();
    }
  });

  it('refuses what cannot run before anything is started', async () => {
    const bad = await project.run(['run', '-'], job({ stop: { transitionz: 1 } }));
    expect(bad).toMatchObject({ code: 2, output: expect.stringMatching(/^LAUREL_JOB_INVALID {2}[\s\S]*did you mean transitions\?[\s\S]*what to do:/) as string });
    const unknown = await project.run(['run', '-'], job({ environment: { kind: 'chess' } }));
    expect(unknown.code).toBe(2);
    expect(unknown.output).toMatch(/^LAUREL_(JOB_INVALID|ENVIRONMENT_UNKNOWN) /);
    await expect(access(project.state)).rejects.toThrow();
    expect((await project.run(['worker'])).code).toBe(2);
    expect((await project.run(['steer', 'x', '--weight', 'y'])).code).toBe(2);
    expect(await project.run(['status', 'none'])).toMatchObject({ code: 1, output: expect.stringContaining('LAUREL_SERVER_UNREACHABLE') as string });
  });

  it('says which server does not answer, and starts none of its own in its place', async () => {
    const lost = await project.run(['run', '-'], job({}), { TEMPORAL_ADDRESS: '127.0.0.1:9' });
    expect(lost).toMatchObject({ code: 1, output: expect.stringMatching(/LAUREL_SERVER_UNREACHABLE {2}expected Temporal at 127\.0\.0\.1:9/) as string });
    expect(await readRecord(project.state)).toBeUndefined();
  });
});
