/** `laurel worker` in the foreground: told to end by its terminal, by a service manager, or by a lone signal, it drains. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../workflow/server.js';
import { Project, type CliProcess } from './cli-process.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 60_000);
afterAll(async () => server.close());

let project: Project;
beforeEach(async () => {
  project = await Project.make();
});
afterEach(() => project.remove());

const start = async (): Promise<CliProcess> => {
  const worker = project.start(['worker', '--pool', 'reward'], undefined, { TEMPORAL_ADDRESS: server.address });
  await worker.until(/"msg":"ready"/);
  return worker;
};
const messages = (output: string): string[] => [...output.matchAll(/"msg":"([^"]*)"/g)].map(([, message]) => message!);

describe('a worker in the foreground', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('drains when %s comes to the command alone, and its log is its own', async (signal) => {
    const worker = await start();
    worker.kill(signal);
    const { code, output } = await worker.ended;
    expect(code, output).toBe(0);
    expect(messages(output)).toEqual(['ready', 'draining', 'ended']);
  });

  it.runIf(process.platform === 'linux')('drains when a Ctrl-C comes to the command and to its worker, and to the command once more from npm', async () => {
    const worker = await start();
    const pid = Number(/"pid":(\d+)/.exec(worker.output)![1]);
    process.kill(pid, 'SIGINT');
    worker.kill('SIGINT');
    worker.kill('SIGINT');
    const { code, output } = await worker.ended;
    expect(code, output).toBe(0);
    expect(messages(output)).toEqual(['ready', 'draining', 'ended']);
  });
});
