/** Virtual environments of Python, made once in the cache folder: for environments and tests that need packages from PyPI. */
import { createHash } from 'node:crypto';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { LaurelError } from '../../proto/errors.js';
import { cacheFolder } from './cache.js';
import { ProgramNotFound, runProgram, type ProgramResult } from './program.js';

const LOCK = { stale: 30_000, update: 5_000, retries: { retries: 1_200, minTimeout: 500, maxTimeout: 500 } };

/**
 * Interpreter of an environment that holds exactly these packages (`name==version`). Another set of packages is another
 * environment; a half-made one is never used.
 * @throws LaurelError LAUREL_ASSET_MISSING
 */
export async function ensurePythonEnvironment(name: string, packages: readonly string[]): Promise<string> {
  const set = createHash('sha256').update([...packages].sort().join('\n')).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), 'python', `${name}-${set}`);
  const interpreter = join(folder, 'environment', 'bin', 'python');
  const ready = join(folder, 'ready');
  if (await exists(ready)) return interpreter;
  await mkdir(folder, { recursive: true });
  const release = await lock(folder, LOCK);
  try {
    if (!(await exists(ready))) {
      await make(join(folder, 'environment'), interpreter, packages);
      await writeFile(ready, `${packages.join('\n')}\n`);
    }
    return interpreter;
  } finally {
    await release();
  }
}

async function make(environment: string, interpreter: string, packages: readonly string[]): Promise<void> {
  await rm(environment, { recursive: true, force: true });
  const whole = await run('python3', ['-m', 'venv', environment]);
  if (whole.code === 0) {
    await install(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], packages);
    return;
  }
  // Debian ships venv without ensurepip; the pip of the system can install into the environment.
  await rm(environment, { recursive: true, force: true });
  const bare = await run('python3', ['-m', 'venv', '--without-pip', environment]);
  if (bare.code !== 0) throw missing(`python3 -m venv to make an environment, got: ${bare.tail}`, "install Python's venv module (python3-venv)");
  await install('python3', ['-m', 'pip', '--python', interpreter, 'install', '--quiet', '--disable-pip-version-check', ...packages], packages);
}

async function install(command: string, parameters: readonly string[], packages: readonly string[]): Promise<void> {
  const installed = await run(command, parameters);
  if (installed.code !== 0) throw missing(`pip to install ${packages.join(' ')}, got: ${installed.tail.slice(-1_500)}`, 'install pip (22.3 or newer) and check its index');
}

async function run(command: string, parameters: readonly string[]): Promise<ProgramResult> {
  try {
    return await runProgram(command, parameters);
  } catch (error) {
    if (error instanceof ProgramNotFound) throw missing(`${command} on the PATH, found none`, 'install Python 3.10 or newer with pip');
    throw error;
  }
}

function missing(expected: string, action: string): LaurelError {
  return new LaurelError('LAUREL_ASSET_MISSING', `expected ${expected}. What to do: ${action}.`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
