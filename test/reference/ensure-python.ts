/** Pythons with one package each, made once in the user's cache folder: the other side of comparisons. */
import { spawn } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';

/** Both run on Python 3.10 to 3.14. */
const PACKAGES = {
  pyarrow: { version: '22.0.0', imports: 'pyarrow.flight' },
  torch: { version: '2.15.0', imports: 'torch' },
  trl: { version: '1.16.0', imports: 'trl' },
} as const;

/**
 * Path of a Python interpreter that can import the package. The first call on a machine downloads it (pyarrow about
 * 50 MB; torch, which no test of the suite needs, hundreds).
 * @throws Error with what to install, where Python or pip is absent: these comparisons are never skipped.
 */
export async function ensurePython(name: keyof typeof PACKAGES): Promise<string> {
  const { version, imports } = PACKAGES[name];
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'laurel', 'python-test', `${name}-${version}`);
  const python = join(folder, 'environment', 'bin', 'python');
  const ready = join(folder, 'ready');
  if (await exists(ready)) return python;
  await mkdir(folder, { recursive: true });
  // Test files run side by side, and several may come here first.
  const release = await lock(folder, { stale: 30_000, update: 5_000, retries: { retries: 2400, minTimeout: 500, maxTimeout: 500 } });
  try {
    if (await exists(ready)) return python;
    await makeEnvironment(join(folder, 'environment'), python, `${name}==${version}`, imports);
    await writeFile(ready, `${version}\n`);
    return python;
  } finally {
    await release();
  }
}

async function makeEnvironment(environment: string, python: string, wanted: string, imports: string): Promise<void> {
  await rm(environment, { recursive: true, force: true });
  const version = await run('python3', ['--version']);
  if (version.code !== 0) throw new Error(`expected python3 (3.10 or newer) for ${wanted}, got: ${version.output}; install Python 3 with pip`);
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
  const imported = await run(python, ['-c', `import ${imports}`]);
  if (imported.code !== 0) throw new Error(`expected ${imports} to load, got: ${imported.output.slice(-2_000)}`);
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
