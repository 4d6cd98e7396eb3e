/**
 * Makes the fixtures that PyTorch gave anew and compares them with the recorded ones:
 * `npm run build && node dist/test/reference/remake.js`. The first time on a machine installs PyTorch with pip.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../infra/folders.js';
import { ensurePython } from './ensure-python.js';

const TOLERANCE = 1e-6;
/** Scripts, the package that each needs, and the fixture that it writes to the path it is given. */
const FIXTURES = [
  { script: 'learner/make_fixtures.py', needs: 'torch', fixture: 'learner/steps.json' },
  { script: 'text/make_fixtures.py', needs: 'trl', fixture: 'text/losses.json' },
  { script: 'preference/make_preference_fixtures.py', needs: 'torch', fixture: 'preference/losses.json' },
  { script: 'reward/make_reward_fixtures.py', needs: 'torch', fixture: 'reward/message-models.json' },
] as const;

const tests = join(projectRoot(), 'test');
const folder = mkdtempSync(join(tmpdir(), 'laurel-reference-'));
try {
  for (const { script, needs, fixture } of FIXTURES) {
    console.log(`a Python with ${needs} (fetched the first time: hundreds of MB)`);
    const python = process.env['LAUREL_REFERENCE_PYTHON'] || (await ensurePython(needs));
    const made = join(folder, 'made.json');
    execFileSync(python, [join(tests, 'reference', script), made], { stdio: 'inherit' });
    const differences = compare(readJson(join(tests, 'fixtures', fixture)), readJson(made), '');
    console.log(differences.length === 0 ? `${fixture}: the same to ${TOLERANCE}` : `${fixture}: ${differences.length} differences\n${differences.slice(0, 20).join('\n')}`);
    if (differences.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8')) as unknown;
}

function compare(recorded: unknown, made: unknown, path: string): string[] {
  if (typeof recorded === 'number' && typeof made === 'number') return Math.abs(recorded - made) <= TOLERANCE * Math.max(1, Math.abs(recorded)) ? [] : [`${path}: recorded ${recorded}, made ${made}`];
  if (typeof recorded !== 'object' || recorded === null || typeof made !== 'object' || made === null) return recorded === made || path === '.madeWith' ? [] : [`${path}: recorded ${String(recorded)}, made ${String(made)}`];
  const keys = new Set([...Object.keys(recorded), ...Object.keys(made)]);
  return [...keys].flatMap((key) => compare((recorded as Record<string, unknown>)[key], (made as Record<string, unknown>)[key], `${path}.${key}`));
}
