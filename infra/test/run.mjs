/**
 * `npm test`: compiles, lints, fetches what the tests need, runs all tests and ends with one line,
 * `N passed, N failed`. Everything that went wrong counts as failed: a test, a file that cannot be loaded, a type
 * error, a lint fault. `npm test -- <filter>` runs the tests whose path holds the filter, without lint.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countResults, describeFailures, skippedTests } from './results.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));

/** Runs a program of this project to its end; its output is shown. Gives the exit code. */
function run(title, program, parameters) {
  console.log(`\n== ${title}`);
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { cwd: root, stdio: 'inherit', env: process.env });
    child.once('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? `signal ${signal}`));
  });
}

const tool = (path) => join(root, 'node_modules', ...path.split('/'));
const node = (path, ...parameters) => [process.execPath, [tool(path), ...parameters]];

const broken = [];
const step = async (title, [program, parameters]) => {
  const code = await run(title, program, parameters);
  if (code !== 0) broken.push(`${title} (${code})`);
  return code === 0;
};

await step('types', node('typescript/bin/tsc', '-p', 'tsconfig.json'));
if (filters.length === 0) {
  await step('lint', node('eslint/bin/eslint.js', '.', '--max-warnings', '0', '--cache', '--cache-location', join(root, 'dist', '.eslintcache')));
  await step('layout', [process.execPath, [join(root, 'infra/lint/layout.mjs')]]);
}
// A machine that cannot fetch something still runs the other tests; those that need it fail and say why.
const fetched = await run('what the tests need', process.execPath, ['--enable-source-maps', join(root, 'dist/infra/test/prepare.js')]);
if (fetched !== 0) console.error('  not everything could be fetched: the tests that need it will fail');

const folder = await mkdtemp(join(tmpdir(), 'laurel-test-'));
const resultPath = join(folder, 'results.json');
const [program, parameters] = node('vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${resultPath}`, ...filters);
const vitestCode = await run('tests', program, parameters);
let results;
try {
  results = JSON.parse(await readFile(resultPath, 'utf8'));
} catch (error) {
  broken.push(`the test runner left no result (${vitestCode}): ${error.message}`);
}
await rm(folder, { recursive: true, force: true });

const counts = countResults(results, vitestCode, broken.length);
const failures = describeFailures(results, (path) => relative(root, path));
if (failures.length > 0 || broken.length > 0) {
  console.log('\n== failed');
  for (const one of broken) console.log(`\n${one}`);
  for (const one of failures) console.log(`\n${one}`);
}
const skipped = skippedTests(results);
if (skipped.length > 0) console.log(`\n== left out\n${skipped.map((name) => `  ${name}`).join('\n')}`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
console.log(`\n${counts.passed} passed, ${counts.failed} failed`);
