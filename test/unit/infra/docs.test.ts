import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GENERATED_PAGES } from '../../../infra/cli/commands/docs.js';
import { jobPage, jobTables } from '../../../infra/docs/job-page.js';
import { projectRoot } from '../../../infra/folders.js';
import { ERROR_TABLE } from '../../../proto/errors.js';
import { jobSchema } from '../../../proto/job.js';
import { resolveAnyJob } from '../../../proto/resolve.js';

const page = (name: string): Promise<string> => readFile(join(projectRoot(), 'docs', name), 'utf8');

describe('the pages made from the code', () => {
  it.each(Object.entries(GENERATED_PAGES))('docs/%s is current (else: npm run build && node dist/infra/cli/main.js docs --write)', async (name, make) => {
    const current = await page(name);
    expect(make(current)).toBe(current);
  });

  it('tell each error code with what to do', async () => {
    const text = await page('errors.md');
    for (const [code, { action }] of Object.entries(ERROR_TABLE)) {
      expect(text).toContain(`## ${code}\n`);
      expect(text).toContain(action);
    }
  });

  it('tell each field of a job, and leave none without a word', () => {
    const tables = jobTables();
    for (const name of Object.keys(jobSchema.shape)) expect(tables).toContain(`| \`${name}\` |`);
    for (const deep of ['`episodeStepsMax`', '`massFloor`', '`exponent`', '`logprobs`', '`pattern`']) expect(tables).toContain(`| ${deep} |`);
    expect(tables).not.toMatch(/undefined|\[object/);
    const silent = tables.split('\n').filter((line) => /^\| `/.test(line) && /\|\s*\|$/.test(line) && !/\| `"/.test(line) && !/see below|\(below\)|list of|object of/.test(line));
    expect(silent).toEqual([]);
  });

  it('keep what was written by hand', () => {
    expect(jobPage('# Mine\n\nby hand\n')).toMatch(/^# Mine\n\nby hand\n\n<!-- Below/);
  });

  it('show jobs that are valid', async () => {
    const jobs = [...(await page('job-spec.md')).matchAll(/```json\n([\s\S]*?)```/g)].map((match) => JSON.parse(match[1] as string) as unknown);
    expect(jobs.length).toBeGreaterThan(0);
    for (const job of jobs) expect(() => resolveAnyJob(job)).not.toThrow();
  });
});

describe("the reference's weak points", () => {
  const rowsOf = async (): Promise<{ number: number; shown: string }[]> =>
    [...(await page('oni.md')).matchAll(/^\| (\d+) \|.*\|([^|]*)\|$/gm)].map(([, number, shown]) => ({ number: Number(number), shown: shown as string }));

  it('have a line each', async () => {
    expect((await rowsOf()).map(({ number }) => number)).toEqual(Array.from({ length: 38 }, (_, index) => index + 1));
  });

  it('name tests and files that there are, and titles that stand in them', async () => {
    for (const { number, shown } of await rowsOf()) {
      // Within a line, names without a folder stand in that of the one before.
      let folder = '';
      let last = '';
      for (const [, name, title] of shown.matchAll(/`([^`]+)`|"([^"]+)"/g) as Iterable<[string, string | undefined, string | undefined]>) {
        if (title !== undefined) expect(last, `line ${number}: ${title}`).toContain(title);
        if (name === undefined || /^(laurel|npm) /.test(name)) continue;
        const path = name.includes('/') || name.includes('.') ? name : `${folder}/${name}`;
        folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
        const places = [`test/${path}.test.ts`, `test/${path}`, `workers/${path}`, path];
        const found = places.find((place) => existsSync(join(projectRoot(), place)));
        expect(found, `line ${number}: ${name}`).toBeDefined();
        last = /\.\w+$/.test(found ?? '') ? await readFile(join(projectRoot(), found as string), 'utf8') : '';
      }
      expect(shown.trim(), `line ${number}`).not.toBe('');
    }
  });
});
