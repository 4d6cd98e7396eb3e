/** Temporal's CLI built from source by Go, for machines that reach a module proxy and nothing else. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runProgram, type AssetMaking } from '../../workers/assets/index.js';

export interface BuildOptions {
  /** The Go program; default: `go` on the PATH. */
  readonly go?: string;
  /** What Go installs. */
  readonly module?: string;
  readonly timeoutMs?: number;
}

export interface BuildRequest extends BuildOptions, Pick<AssetMaking, 'progress' | 'signal'> {
  readonly version: string;
}

/** Builds in a folder beside the target, with a note each second that shows the time so far: Go itself prints nothing for minutes. */
export async function buildCli(target: string, request: BuildRequest): Promise<void> {
  const go = request.go ?? 'go';
  const parameters = ['install', `${request.module ?? 'github.com/temporalio/cli/cmd/temporal'}@${request.version}`];
  const folder = join(dirname(target), 'go-bin');
  await mkdir(folder);
  const startedAt = performance.now();
  const report = (): void => request.progress({ phase: 'build', note: `building Temporal's CLI ${request.version} with Go; this takes minutes, ${formatElapsed(performance.now() - startedAt)} so far` });
  report();
  const timer = setInterval(report, 1000);
  try {
    const result = await runProgram(go, parameters, { environment: { GOBIN: folder }, signal: request.signal, timeoutMs: request.timeoutMs ?? 40 * 60_000 });
    if (result.code !== 0) throw new Error(`expected \`${go} ${parameters.join(' ')}\` to end well, got exit code ${result.code}: ${result.tail.split('\n').slice(-3).join(' | ')}`);
    await rename(join(folder, basename(target)), target);
  } finally {
    clearInterval(timer);
    await rm(folder, { recursive: true, force: true });
  }
}

/** `1:05` for 65 seconds. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
