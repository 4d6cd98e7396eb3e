/** Temporal's CLI built from source by Go, for machines that reach a module proxy and nothing else. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { moveIntoPlace } from './install.js';
import type { CliProgress } from './temporal-cli.js';

export interface BuildOptions {
  /** The Go program; default: `go` on the PATH. */
  readonly go?: string;
  /** What Go installs. */
  readonly module?: string;
  readonly timeoutMs?: number;
}

/** Builds into a temporary folder beside the target, with a line each second that shows the time so far. */
export async function buildCli(target: string, options: BuildOptions & { readonly version: string; readonly onProgress: (progress: CliProgress) => void }): Promise<void> {
  const module = `${options.module ?? 'github.com/temporalio/cli/cmd/temporal'}@${options.version}`;
  const folder = await mkdtemp(join(dirname(target), '.build-'));
  const startedAt = Date.now();
  const report = (): void => {
    options.onProgress({ step: 'build', text: `building Temporal's CLI ${options.version} with Go, this takes minutes: ${formatElapsed(Date.now() - startedAt)}` });
  };
  report();
  const timer = setInterval(report, 1000);
  try {
    await run(options.go ?? 'go', ['install', module], { ...process.env, GOBIN: folder }, options.timeoutMs ?? 40 * 60_000);
    await moveIntoPlace(join(folder, process.platform === 'win32' ? 'temporal.exe' : 'temporal'), target);
  } finally {
    clearInterval(timer);
    await rm(folder, { recursive: true, force: true });
  }
}

function run(program: string, parameters: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: timeoutMs });
    let tail = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-2000)));
    child.once('error', (error) => reject((error as NodeJS.ErrnoException).code === 'ENOENT' ? new Error(`expected ${program} on the PATH, found none`) : error));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`expected ${program} ${parameters.join(' ')} to end well, got ${signal ?? `exit code ${code}`}: ${tail.trim().split('\n').slice(-3).join(' | ')}`));
    });
  });
}

/** `1:05` for 65 seconds. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
