/** A Python with pyarrow, made once in the user's cache folder: the other side of the interoperability tests. */
import { spawn } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';

/** Runs on Python 3.10 to 3.14. */
const PYARROW_VERSION = '22.0.0';

/**
 * Path of a Python interpreter that can import pyarrow. The first call on a machine downloads about 50 MB.
 * @throws Error with what to install, where Python or pip is absent: these tests are never skipped.
 */
export async function ensurePyarrow(): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'laurel', 'python-test', `pyarrow-${PYARROW_VERSION}`);
  const python = join(folder, 'environment', 'bin', 'python');
  const ready = join(folder, 'ready');
  if (await exists(ready)) return python;
  await mkdir(folder, { recursive: true });
  // Test files run side by side, and several may come here first.
  const release = await lock(folder, { stale: 30_000, update: 5_000, retries: { retries: 600, minTimeout: 500, maxTimeout: 500 } });
  try {
    if (await exists(ready)) return python;
    await makeEnvironment(join(folder, 'environment'), python);
    await writeFile(ready, `${PYARROW_VERSION}\n`);
    return python;
  } finally {
    await release();
  }
}

async function makeEnvironment(environment: string, python: string): Promise<void> {
  await rm(environment, { recursive: true, force: true });
  const wanted = `pyarrow==${PYARROW_VERSION}`;
  const version = await run('python3', ['--version']);
  if (version.code !== 0) throw new Error(`expected python3 (3.10 or newer) for the tests with pyarrow, got: ${version.output}; install Python 3 with pip`);
  const withPip = await run('python3', ['-m', 'venv', environment]);
  let installed;
  if (withPip.code === 0) {
    installed = await run(python, ['-m', 'pip', 'install', '--quiet', wanted]);
  } else {
    // Debian ships venv without ensurepip; the pip of the system can then install into the environment.
    await rm(environment, { recursive: true, force: true });
    const bare = await run('python3', ['-m', 'venv', '--without-pip', environment]);
    if (bare.code !== 0) throw new Error(`expected python3 -m venv to make an environment, got: ${bare.output}; install Python's venv module`);
    installed = await run('python3', ['-m', 'pip', '--python', python, 'install', '--quiet', wanted]);
  }
  if (installed.code !== 0) throw new Error(`expected pip to install ${wanted} for ${version.output.trim()}, got: ${installed.output.slice(-2_000)}; install pip (22.3 or newer) and check its index`);
  const imported = await run(python, ['-c', 'import pyarrow.flight']);
  if (imported.code !== 0) throw new Error(`expected pyarrow.flight to load, got: ${imported.output.slice(-2_000)}`);
}

async function run(command: string, args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, output }));
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
