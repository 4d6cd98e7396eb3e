/**
 * Makes the fixtures that PyTorch gave anew and compares them with the recorded ones: `node test/reference/remake.mjs`.
 * Needs Python 3 and, at the first time, pip and a few minutes; PyTorch goes into a folder of its own below the cache.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const TOLERANCE = 1e-6;
const root = import.meta.dirname;
const cache = process.env.LAUREL_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'laurel');
const environment = process.env.LAUREL_REFERENCE_PYTHON ? undefined : join(cache, 'reference-python');
const python = process.env.LAUREL_REFERENCE_PYTHON ?? join(environment, 'bin', 'python');

if (environment !== undefined && !existsSync(join(environment, 'ready'))) {
  console.log(`installing PyTorch into ${environment} (set LAUREL_REFERENCE_PYTHON to use one that is there)`);
  const run = (command, ...args) => execFileSync(command, args, { stdio: 'inherit' });
  run('python3', '-m', 'venv', environment);
  run(python, '-m', 'pip', 'install', '--quiet', 'torch', 'numpy');
  run('touch', join(environment, 'ready'));
}

const folder = mkdtempSync(join(tmpdir(), 'laurel-reference-'));
try {
  const made = join(folder, 'steps.json');
  execFileSync(python, [join(root, 'learner', 'make_fixtures.py'), made], { stdio: 'inherit' });
  const differences = compare(JSON.parse(readFileSync(join(root, '..', 'fixtures', 'learner', 'steps.json'), 'utf8')).cases, JSON.parse(readFileSync(made, 'utf8')).cases, 'cases');
  console.log(differences.length === 0 ? `learner/steps.json: the same to ${TOLERANCE}` : differences.slice(0, 20).join('\n'));
  process.exitCode = differences.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function compare(recorded, made, path) {
  if (typeof recorded === 'number') return Math.abs(recorded - made) <= TOLERANCE * Math.max(1, Math.abs(recorded)) ? [] : [`${path}: recorded ${recorded}, made ${made}`];
  if (recorded === null || typeof recorded !== 'object') return recorded === made ? [] : [`${path}: recorded ${recorded}, made ${made}`];
  const keys = new Set([...Object.keys(recorded), ...Object.keys(made ?? {})]);
  return [...keys].flatMap((key) => compare(recorded[key], made?.[key], `${path}.${key}`));
}
