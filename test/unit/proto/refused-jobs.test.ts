import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ERROR_TABLE, type ErrorCode, LaurelError } from '../../../proto/errors.js';
import { resolveAnyJob, warningsOf, type JobIssue } from '../../../proto/resolve.js';
import { compiledPath } from '../../../infra/folders.js';
import { REFUSED } from '../../support/refused-jobs.js';

const folder = new URL('../../fixtures/refused/', import.meta.url);

describe('the type rules of a job', () => {
  it('have a job file each that triggers them, with a code of its own', () => {
    expect(readdirSync(folder).sort()).toEqual(Object.keys(REFUSED).sort());
    for (const code of Object.values(REFUSED)) expect(ERROR_TABLE).toHaveProperty(code);
  });

  it.each(Object.entries(REFUSED))('%s is refused with %s', (file, code) => {
    const input = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as unknown;
    const error = refusalOf(() => resolveAnyJob(input));
    expect(error.code).toBe(code satisfies ErrorCode);
    const [issue, ...more] = error.details['issues'] as JobIssue[];
    expect(more).toEqual([]);
    expect(issue).toMatchObject({ code, message: expect.stringMatching(/^expected /) as string });
    expect(issue!.path).not.toBe('');
  });

  it('warn of a reward whose state the policy does not see (rule f), unless it is a potential', async () => {
    const job = {
      name: 'ordered',
      environment: { kind: 'grid-world' },
      sources: { order: { kind: 'spec', objective: { kind: 'ltl', propositions: { key: 'contains(text, "key")', door: 'contains(text, "door")' }, formula: 'F (key & X F door)' } } },
      combine: { op: 'linear', weights: { order: 1 } },
      stop: { versions: 1 },
    };
    expect(warningsOf(resolveAnyJob(job))).toMatchObject([{ path: 'sources.order', code: 'LAUREL_REWARD_STATE_HIDDEN' }]);
    expect(warningsOf(resolveAnyJob({ ...job, shape: [{ op: 'potential', on: 'order' }] }))).toEqual([]);
    const check = promisify(execFile)(process.execPath, [compiledPath('infra/cli/main.ts'), 'check', '-'], { timeout: 60_000 });
    check.child.stdin?.end(JSON.stringify(job));
    expect(await check).toMatchObject({ stdout: expect.stringMatching(/^ordered is valid/) as string, stderr: expect.stringMatching(/^warning LAUREL_REWARD_STATE_HIDDEN  sources\.order: /) as string });
  }, 60_000);

  it('are told by `laurel check`, with what to do', { timeout: 60_000 }, async () => {
    for (const [file, code] of Object.entries(REFUSED).slice(0, 3)) {
      const command = promisify(execFile)(process.execPath, [compiledPath('infra/cli/main.ts'), 'check', new URL(file, folder).pathname]);
      await expect(command).rejects.toMatchObject({ code: 2, stderr: expect.stringMatching(new RegExp(`^${code}  [\\s\\S]*what to do:`)) as string });
    }
  });
});

function refusalOf(act: () => unknown): LaurelError {
  try {
    act();
  } catch (error) {
    if (error instanceof LaurelError) return error;
    throw error;
  }
  throw new Error('expected a job that is refused');
}
