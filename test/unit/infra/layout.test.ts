import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../../infra/folders.js';

const { checkLayout } = (await import(pathToFileURL(join(projectRoot(), 'infra/lint/rules.mjs')).href)) as { checkLayout: (files: ReadonlyMap<string, string>) => string[] };
const { countResults, describeFailures, skippedTests } = (await import(pathToFileURL(join(projectRoot(), 'infra/test/results.mjs')).href)) as {
  countResults: (results: unknown, code: number | string, broken: number) => { passed: number; failed: number };
  skippedTests: (results: unknown) => string[];
  describeFailures: (results: unknown, shorten: (path: string) => string) => string[];
};
const faults = (files: Record<string, string>): string[] => checkLayout(new Map(Object.entries(files)));

describe('the layout rule', () => {
  it('lets the one direction through', () => {
    expect(
      faults({
        'infra/cli/a.ts': "import { b } from '../../workers/b.js';\nimport { Client } from '@temporalio/client';\n",
        'workers/b.ts': "import { c } from '../activities/c.js';\nimport x from 'apache-arrow';\n",
        'activities/c.ts': "import { heartbeat } from '@temporalio/activity';\nimport { d } from '../proto/d.js';\n",
        'workflows/e.ts': "import { d } from '../proto/d.js';\nimport type * as activities from '../activities/c.js';\n",
        'proto/d.ts': 'export const d = 1;\n',
        'workers/main.ts': "import { Worker } from '@temporalio/worker';\n",
        'workers/temporal.ts': "import { Worker } from '@temporalio/worker';\n",
      }),
    ).toEqual([]);
  });

  it.each([
    ['workers/a.ts', "import { x } from '../infra/x.js';\n", 'workers, activities, proto only'],
    ['proto/a.ts', "import type { X } from '../workers/x.js';\n", 'proto only'],
    ['workflows/a.ts', "import { x } from '../activities/x.js';\n", 'workflows, proto only'],
    ['activities/a.ts', "export { x } from '../workers/x.js';\n", 'activities, proto only'],
    ['workers/reward/a.ts', "import { heartbeat } from '@temporalio/activity';\n", 'Temporal belongs into'],
    ['workers/a.ts', "const x = await import('../infra/x.js');\n", 'workers, activities, proto only'],
    ['proto/bad_name.ts', '', 'kebab-case'],
    ['proto/BadFolder/a.ts', '', 'kebab-case'],
    ['proto/a.ts', 'export default 1;\n', 'default export'],
    ['proto/a.ts', 'x\n'.repeat(401), 'at most 400 lines, got 401'],
  ])('stops %s with %j', (path, text, reason) => {
    const found = faults({ [path]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(path);
    expect(found[0]).toContain(reason);
  });

  it('counts 400 lines as 400', () => {
    expect(faults({ 'proto/a.ts': 'x\n'.repeat(400) })).toEqual([]);
  });

  it('follows what a workflow loads, however far, and leaves types and comments alone', () => {
    const files = {
      'workflows/a.ts': "import { b } from '../proto/b.js';\n// import { x } from 'node:fs';\n/* import y from 'apache-arrow' */\n",
      'proto/b.ts': "import { c } from './c.js';\nimport type { T } from './types.js';\n",
      'proto/c.ts': "import { createHash } from 'node:crypto';\n",
      'proto/types.ts': "import { Table } from 'apache-arrow';\n",
    };
    const found = faults(files);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('proto/c.ts');
    expect(found[0]).toContain('node:crypto');
  });

  it('reads imports that run over several lines', () => {
    expect(faults({ 'workers/a.ts': "import {\n  one,\n  type Two,\n} from '../infra/x.js';\n" })).toHaveLength(1);
  });
});

describe('the last line of npm test', () => {
  const failedFile = { name: '/p/a.test.ts', status: 'failed', message: '', assertionResults: [{ status: 'failed', fullName: 'adds', failureMessages: ['expected 1\n    at x (/p/a.test.ts:1:1)\n    at runTest (/p/node_modules/y.js:2:2)'] }, { status: 'passed', fullName: 'y' }] };
  const unloaded = { name: '/p/b.test.ts', status: 'failed', message: 'Cannot find module', assertionResults: [] };

  it('counts failed tests, files that could not be run and broken steps', () => {
    expect(countResults({ numPassedTests: 4, numFailedTests: 1, testResults: [failedFile, unloaded] }, 1, 2)).toEqual({ passed: 4, failed: 4 });
    expect(countResults({ numPassedTests: 4, numFailedTests: 0, testResults: [] }, 0, 0)).toEqual({ passed: 4, failed: 0 });
  });

  it('does not call a runner well that ended badly', () => {
    expect(countResults({ numPassedTests: 4, numFailedTests: 0, testResults: [] }, 1, 0)).toEqual({ passed: 4, failed: 1 });
    expect(countResults(undefined, 'signal SIGKILL', 1)).toEqual({ passed: 0, failed: 1 });
  });

  it('has every failure above it', () => {
    const [first, second] = describeFailures({ testResults: [failedFile, unloaded] }, (path) => path.slice(3));
    expect(first).toBe('a.test.ts\n  adds\n    expected 1\n        at x (/p/a.test.ts:1:1)');
    const late = { name: '/p/c.test.ts', assertionResults: [{ status: 'failed', fullName: 'waits', duration: 120_000.4, failureMessages: ['Error: STACK_TRACE_ERROR\n    at c (/p/c.test.ts:1:1)'] }] };
    expect(describeFailures({ testResults: [late] }, (path) => path)[0]).toContain('ran out of time after 120000 ms');
    expect(skippedTests({ testResults: [failedFile, { assertionResults: [{ status: 'skipped', fullName: 'z' }] }] })).toEqual(['z']);
    expect(second).toContain('b.test.ts\n  could not be run\n    Cannot find module');
  });
});
