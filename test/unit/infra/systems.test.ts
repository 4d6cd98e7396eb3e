import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveJobFile } from '../../../infra/cli/job-file.js';
import { projectRoot } from '../../../infra/folders.js';
import { SYSTEMS } from '../../../infra/systems/registry.js';
import { digestOfJobs, jobsOf, merged, recordedResult } from '../../../infra/systems/results.js';
import { atLeast, exactly, measured, within, type StoredRun } from '../../../infra/systems/system-row.js';

describe('the systems', () => {
  it('have one row each, in order, and a row for every job file', () => {
    const rows = SYSTEMS.map((one) => one.row);
    expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
    const files = readdirSync(join(projectRoot(), 'examples', 'systems')).filter((name) => name.endsWith('.json'));
    expect(files.sort()).toEqual(SYSTEMS.map(({ row, name }) => `${row}-${name}.json`).sort());
  });

  it.each(SYSTEMS)('$row $name: all its jobs are valid', (system) => {
    for (const job of Object.values(jobsOf(system))) expect(() => resolveJobFile(job)).not.toThrow();
  });

  it.each(SYSTEMS)('$row $name: the recorded figures are of the job as it is now (else: laurel systems $row --record)', (system) => {
    const result = recordedResult(system);
    expect(result?.jobs).toBe(digestOfJobs(system));
    expect(result?.figures.length).toBeGreaterThan(0);
  });
});

describe('a variant of a job', () => {
  it('changes the fields that it names and no others', () => {
    expect(merged({ a: { b: 1, c: 2 }, d: [1, 2], e: 1 }, { a: { b: 3 }, d: [4] })).toEqual({ a: { b: 3, c: 2 }, d: [4], e: 1 });
    expect(merged({ a: { b: 1, c: 2 }, e: 1 }, { a: { b: null }, e: null })).toEqual({ a: { c: 2 } });
    expect(merged({ a: { kind: 'x', b: 1 } }, { a: { kind: 'y', c: 1 } })).toEqual({ a: { kind: 'y', c: 1 } });
    expect(merged({ a: { kind: 'x', b: 1 } }, { a: { b: 2 } })).toEqual({ a: { kind: 'x', b: 2 } });
  });
});

describe('a figure', () => {
  it('holds within its threshold only, and never where it is no number', () => {
    expect([atLeast('x', 0.5, 0.5).holds, atLeast('x', 0.49, 0.5).holds, atLeast('x', NaN, 0.5).holds]).toEqual([true, false, false]);
    expect([within('x', 1, 0, 2).holds, within('x', 3, 0, 2).holds, exactly('x', 0.5, 0.5).holds, exactly('x', 0.51, 0.5).holds]).toEqual([true, false, true, false]);
  });

  it('that was not measured is an error, not a pass', () => {
    const run: StoredRun = { run: 'r', job: {}, summary: { outcome: 'completed' } as StoredRun['summary'], evaluations: [{ suite: 'e', means: { a: { mean: 1, halfWidth: 0 } } }], metrics: [] };
    expect(measured(run, 'e', 'a')).toBe(1);
    expect(() => measured(run, 'e', 'b')).toThrow(/expected the figure b in the evaluation e of r/);
    expect(() => measured(undefined, 'e', 'a')).toThrow(/missing/);
  });
});
