import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isProcessAlive } from '../../workers/process-alive.js';
import { compiledPath } from '../../infra/folders.js';
import { lastComplaint } from '../../infra/supervisor/log-file.js';
import { Supervisor, type WorkerEvent } from '../../infra/supervisor/supervisor.js';

/** A worker that is told by its variables how to behave, and ends when its channel closes as workers/main.ts does. */
const WORKER = `
  process.on('disconnect', () => process.exit(0));
  console.log('worker ' + process.env.LAUREL_WORKER + ' ' + process.argv.slice(2).join(' '));
  if (process.env.BEHAVIOUR === 'dies') { console.error('the reason of death'); process.exit(3); }
  if (process.env.BEHAVIOUR === 'stubborn') process.on('SIGTERM', () => console.log('no'));
  else process.on('SIGTERM', () => { console.log('drained'); process.exit(0); });
  process.send({ kind: 'ready' });
  setInterval(() => {}, 1000);
`;

describe('the last complaint of a log', () => {
  it('is the last error of this life, never a line that says all is well', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-log-'));
    try {
      const path = join(folder, 'w.log');
      const line = (level: number, msg: string): string => `${JSON.stringify({ level, msg })}\n`;
      await writeFile(path, line(50, 'of an earlier life'));
      const start = (await readFile(path)).length;
      expect(lastComplaint(path, start)).toBe('');
      await writeFile(path, line(30, 'ready') + line(40, 'no workflows registered'), { flag: 'a' });
      expect(lastComplaint(path, start)).toBe('');
      await writeFile(path, line(60, 'cannot connect') + line(30, 'ended'), { flag: 'a' });
      expect(lastComplaint(path, start)).toBe('{"level":60,"msg":"cannot connect"}');
      await writeFile(path, "/a/b.js:1\n    throw new Error('x');\n    ^\n\nError: x\n    at y (z:1)\n\nNode.js v20.0.0\n", { flag: 'a' });
      expect(lastComplaint(path, start)).toBe('Error: x');
      expect(lastComplaint(join(folder, 'none'), 0)).toBe('');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('the supervisor', () => {
  let folder: string;
  let script: string;
  let events: WorkerEvent[];
  const supervisors: Supervisor[] = [];
  const make = (names: readonly string[], variables: Record<string, string> = {}, graceMs = 5_000): Supervisor => {
    const supervisor = new Supervisor({
      workers: names.map((name) => ({ name, pool: 'reward' })),
      script,
      variables: { ...process.env, ...variables },
      logs: join(folder, 'logs'),
      onEvent: (event) => events.push(event),
      backOff: { firstMs: 20, maxMs: 100, resetAfterMs: 60_000 },
      graceMs,
    });
    supervisors.push(supervisor);
    return supervisor;
  };
  const count = (kind: WorkerEvent['kind'], worker?: string): number => events.filter((event) => event.kind === kind && (worker === undefined || event.worker === worker)).length;
  const until = (condition: () => boolean): Promise<void> => vi.waitFor(() => expect(condition()).toBe(true), { timeout: 30_000, interval: 20 });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-supervisor-'));
    script = join(folder, 'worker.mjs');
    await writeFile(script, WORKER);
    events = [];
  });
  afterEach(async () => {
    for (const supervisor of supervisors.splice(0)) await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('starts each worker with its pool and its own log, hears when it is ready, and ends it by asking', async () => {
    const supervisor = make(['one', 'two']);
    supervisor.start();
    await until(() => count('ready') === 2);
    const pids = Object.values(supervisor.pids());
    await supervisor.stop();
    expect(pids.map(isProcessAlive)).toEqual([false, false]);
    expect(events.filter((event) => event.kind === 'stopped')).toEqual([expect.objectContaining({ forced: false }), expect.objectContaining({ forced: false })]);
    expect(await readFile(join(folder, 'logs', 'two.log'), 'utf8')).toBe('worker two --pool reward\ndrained\n');
    expect(count('died')).toBe(0);
  });

  it('starts a worker again that was killed, and leaves the others alone', async () => {
    const supervisor = make(['one', 'two']);
    supervisor.start();
    await until(() => count('ready') === 2);
    const before = supervisor.pids();
    process.kill(before['one'] as number, 'SIGKILL');
    await until(() => count('ready', 'one') === 2);
    expect(supervisor.pids()['one']).not.toBe(before['one']);
    expect(supervisor.pids()['two']).toBe(before['two']);
    expect(events.find((event) => event.kind === 'died')).toMatchObject({ worker: 'one', why: 'signal SIGKILL', retryInMs: 20 });
  });

  it('waits longer after each death in a row, and says the last line of the log', async () => {
    const supervisor = make(['one'], { BEHAVIOUR: 'dies' });
    supervisor.start();
    await until(() => count('died') >= 4);
    await supervisor.stop();
    const deaths = events.filter((event) => event.kind === 'died');
    expect(deaths.slice(0, 4).map((event) => event.retryInMs)).toEqual([20, 40, 80, 100]);
    expect(deaths[0]).toMatchObject({ why: 'exit code 3', logEnd: 'the reason of death' });
    const starts = count('started');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(count('started')).toBe(starts);
  });

  it('kills a worker that does not end within the grace', async () => {
    const supervisor = make(['one'], { BEHAVIOUR: 'stubborn' }, 300);
    supervisor.start();
    await until(() => count('ready') === 1);
    const pid = supervisor.pids()['one'] as number;
    await supervisor.stop();
    expect(isProcessAlive(pid)).toBe(false);
    expect(events.at(-1)).toEqual({ kind: 'stopped', worker: 'one', forced: true });
  });

  it('leaves no worker behind when the supervisor itself is killed', async () => {
    const module = pathToFileURL(compiledPath('infra/supervisor/supervisor.ts')).href;
    const parent = join(folder, 'parent.mjs');
    await writeFile(
      parent,
      `import { Supervisor } from ${JSON.stringify(module)};
       const supervisor = new Supervisor({ workers: [{ name: 'one', pool: 'reward' }], script: ${JSON.stringify(script)}, variables: process.env, logs: ${JSON.stringify(folder)},
         onEvent: (event) => { if (event.kind === 'ready') console.log(event.pid); } });
       supervisor.start();`,
    );
    const child = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(line.trim());
    expect(isProcessAlive(pid)).toBe(true);
    child.kill('SIGKILL');
    await until(() => !isProcessAlive(pid));
  });
});
