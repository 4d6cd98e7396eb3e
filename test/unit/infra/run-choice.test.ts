import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseRun, RunMemory, type RunFacts } from '../../../infra/cli/run-choice.js';

const NONE: RunFacts = { workflow: undefined, ended: undefined, stored: false, summarised: false };
const OPEN: RunFacts = { ...NONE, workflow: 'open', stored: true };
const DONE: RunFacts = { workflow: 'closed', ended: 'COMPLETED', stored: true, summarised: true };
const choose = (known: Record<string, RunFacts>, run: string, fresh = false) => chooseRun({ run, jobName: 'job', fresh }, (id) => Promise.resolve(known[id] ?? NONE));

describe('which run a start means', () => {
  it('is a new one where the id was never used', async () => {
    expect(await choose({}, 'job')).toEqual({ kind: 'new', run: 'job', supersedes: undefined });
  });

  it('is the open one of the start before', async () => {
    expect(await choose({ 'job-2': OPEN }, 'job-2')).toEqual({ kind: 'continue', run: 'job-2' });
  });

  it('is none where the run is finished, and says so', async () => {
    expect(await choose({ job: DONE }, 'job')).toEqual({ kind: 'finished', run: 'job' });
  });

  it('is none where the run failed, or is in the store but unknown to the server: its names are taken', async () => {
    expect(await choose({ job: { ...NONE, workflow: 'closed', ended: 'TERMINATED', stored: true } }, 'job')).toMatchObject({ kind: 'closed', why: expect.stringContaining('TERMINATED') as string });
    expect(await choose({ job: { ...NONE, stored: true } }, 'job')).toMatchObject({ kind: 'closed', why: expect.stringContaining('does not know') as string });
  });

  it('is the next free id when a fresh one is asked for, and names the open run that it takes the place of', async () => {
    expect(await choose({ job: DONE, 'job-2': { ...NONE, stored: true }, 'job-3': OPEN }, 'job-3', true)).toEqual({ kind: 'new', run: 'job-4', supersedes: 'job-3' });
    expect(await choose({ job: DONE }, 'job', true)).toEqual({ kind: 'new', run: 'job-2', supersedes: undefined });
    expect(await choose({}, 'job', true)).toEqual({ kind: 'new', run: 'job', supersedes: undefined });
  });
});

describe('the memory of the last run of a job', () => {
  it('survives, keeps jobs apart, and begins anew where its file is damaged', async () => {
    const state = await mkdtemp(join(tmpdir(), 'laurel-memory-'));
    try {
      const memory = new RunMemory(join(state, 'new'));
      expect(await memory.last('a')).toBeUndefined();
      await memory.remember('a', 'a-2');
      await memory.remember('b', 'b');
      expect(await new RunMemory(join(state, 'new')).last('a')).toBe('a-2');
      await writeFile(join(state, 'new', 'runs.json'), '{"a": "a-');
      expect(await memory.last('a')).toBeUndefined();
    } finally {
      await rm(state, { recursive: true });
    }
  });
});
