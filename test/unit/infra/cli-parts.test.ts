import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AssetLines } from '../../../infra/cli/asset-progress.js';
import { checkNode } from '../../../infra/cli/checks.js';
import { collectBudget, collectWeight, steerInput } from '../../../infra/cli/commands/steer.js';
import { describeEvent } from '../../../infra/cli/crew.js';
import { describeFailure } from '../../../infra/cli/failure.js';
import { assetsOf, readJobFile } from '../../../infra/cli/job-file.js';
import { guessUiAddress, namedServer, runPage } from '../../../infra/devserver/connection.js';
import { stateFolder, storeRoot } from '../../../infra/folders.js';
import { LaurelError } from '../../../proto/errors.js';
import { resolveJob } from '../../../proto/resolve.js';
import { JOB } from './report-fixture.js';

describe('what a person reads when a command fails', () => {
  it('is the code, the message and what to do; a bad job has its own exit code', () => {
    expect(describeFailure(new LaurelError('LAUREL_JOB_INVALID', 'expected a, got b'))).toEqual({
      exitCode: 2,
      lines: ['LAUREL_JOB_INVALID  expected a, got b', '  what to do: Correct the field that the message names; `laurel schema` prints all fields.'],
    });
    expect(describeFailure(new LaurelError('LAUREL_SERVER_UNREACHABLE', 'gone')).exitCode).toBe(1);
  });

  it('is the code of the workflow where the run failed', () => {
    const cause = ApplicationFailure.create({ type: 'LAUREL_JOB_INVALID', message: 'the job file has a fault' });
    const failure = describeFailure(new WorkflowFailedError('Workflow execution failed', cause, 'NON_RETRYABLE_FAILURE' as never));
    expect(failure).toMatchObject({ exitCode: 2, lines: [expect.stringContaining('LAUREL_JOB_INVALID  the job file has a fault') as string, expect.any(String)] });
  });

  it('is the message where the error is nobody\'s', () => {
    expect(describeFailure(new Error('odd'))).toEqual({ exitCode: 1, lines: ['error  odd'] });
  });
});

describe('a job file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-job-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is submitted as it was written, and checked with all defaults', async () => {
    const path = join(folder, 'job.json');
    const written = { name: 'a', environment: { kind: 'grid-world' }, sources: { goal: { kind: 'env' } }, combine: { op: 'linear', weights: { goal: 1 } }, stop: { transitions: 10 } };
    await writeFile(path, JSON.stringify(written));
    const file = await readJobFile(path);
    expect(file.input).toEqual(written);
    expect(file.job).toEqual(resolveJob(written));
  });

  it('that is missing, no JSON or wrong is refused with its place', async () => {
    await expect(readJobFile(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'LAUREL_JOB_INVALID', message: expect.stringContaining('none.json') as string });
    const path = join(folder, 'bad.json');
    await writeFile(path, '{\n  "name": oops\n}');
    await expect(readJobFile(path)).rejects.toMatchObject({ code: 'LAUREL_JOB_INVALID', message: expect.stringMatching(/line 2|position 12|oops/) as string });
    await writeFile(path, '{"nam": "x"}');
    await expect(readJobFile(path)).rejects.toMatchObject({ code: 'LAUREL_JOB_INVALID', message: expect.stringContaining('did you mean name?') as string });
  });

  it('needs NetHack and the model only where it names them', () => {
    expect(assetsOf(JOB)).toEqual([]);
    const nethack = resolveJob({
      ...{ name: 'n', environment: { kind: 'nethack' }, combine: { op: 'linear', weights: { helpful: 1 } }, stop: { versions: 1 } },
      sources: { helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'g', judge: { kind: 'embedded' } } } },
    });
    expect(assetsOf(nethack).map(({ id }) => id)).toEqual(['nethack', 'gemma3-270m']);
  });
});

describe('the server that is meant', () => {
  it('is none where neither variables nor a profile name one', () => {
    expect(namedServer({ TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml', HOME: '/nonexistent' })).toBeUndefined();
  });

  it('is that of TEMPORAL_ADDRESS, with its namespace', () => {
    const target = namedServer({ TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'lab', TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml', HOME: '/nonexistent' });
    expect(target).toMatchObject({ address: 'temporal.example:7233', namespace: 'lab', variables: {} });
  });

  it('is that of a profile of Temporal\'s own file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-profile-'));
    try {
      const path = join(folder, 'temporal.toml');
      await writeFile(path, '[profile.lab]\naddress = "lab.example:7233"\nnamespace = "rl"\n');
      expect(namedServer({ TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: 'lab' })).toMatchObject({ address: 'lab.example:7233', namespace: 'rl' });
      expect(() => namedServer({ TEMPORAL_CONFIG_FILE: path, TEMPORAL_PROFILE: 'other' })).toThrowError(expect.objectContaining({ code: 'LAUREL_SERVER_UNREACHABLE' }) as Error);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('has a page for each run where its user interface is known', () => {
    expect(guessUiAddress('127.0.0.1:7233', {})).toBe('http://localhost:8233');
    expect(guessUiAddress('ns.acct.tmprl.cloud:7233', {})).toBe('https://cloud.temporal.io');
    expect(guessUiAddress('far:7233', { LAUREL_UI_ADDRESS: 'https://ui.example/' })).toBe('https://ui.example');
    expect(guessUiAddress('far:7233', {})).toBeUndefined();
    expect(runPage({ uiAddress: 'http://u', namespace: 'n/s' }, 'a b')).toBe('http://u/namespaces/n%2Fs/workflows/a%20b');
  });
});

describe('small parts', () => {
  it('folders follow their variables', () => {
    expect(stateFolder({ LAUREL_STATE: '/s' })).toBe('/s');
    expect(storeRoot({ LAUREL_STATE: '/s' })).toBe('/s/store');
    expect(storeRoot({ LAUREL_STATE: '/s', LAUREL_STORE: '/t' })).toBe('/t');
    expect(storeRoot({ LAUREL_STATE: '/s', LAUREL_STORE: 's3://bucket/a/' })).toBe('s3://bucket/a');
    expect(stateFolder({})).toBe(join(process.cwd(), '.laurel'));
  });

  it('Node is old before 20.3', () => {
    expect(['18.20.1', '20.2.0', '20.3.0', '24.0.0'].map((version) => checkNode(version).state)).toEqual(['bad', 'bad', 'good', 'good']);
  });

  it('steering takes weights and stop criteria, and refuses what is neither', () => {
    expect(steerInput({ weight: collectWeight('b=0.5', collectWeight('a=1')), transitions: 10 })).toEqual({ weights: { a: 1, b: 0.5 }, stop: { transitions: 10 } });
    for (const wrong of ['a', 'a=', '=1', 'a=b', 'a=1=2']) expect(() => collectWeight(wrong)).toThrow('source=number');
    expect(() => steerInput({})).toThrow('expected --weight');
    expect(steerInput({ budget: collectBudget('helpful.hour.money=1.5', collectBudget('helpful.run.calls=10')) })).toEqual({ annotation: { helpful: { budget: { run: { calls: 10 }, hour: { money: 1.5 } } } } });
    for (const wrong of ['helpful.run=1', 'run.calls=1', 'helpful.day.calls=1', 'helpful.run.calls=x', 'helpful.run.calls']) expect(() => collectBudget(wrong)).toThrow('expected source.scope.unit');
  });

  it('a death is told with the message of the last log line', () => {
    const event = { kind: 'died', worker: 'reward', pid: 7, why: 'exit code 1', logPath: '/l/reward.log', retryInMs: 500, logEnd: '{"level":60,"msg":"cannot connect","err":{"message":"refused"}}' } as const;
    expect(describeEvent(event)).toBe('worker reward died (exit code 1), next start in 500 ms; log /l/reward.log: cannot connect: refused');
    expect(describeEvent({ ...event, logEnd: 'plain', retryInMs: 4000 })).toContain('next start in 4 s; log /l/reward.log: plain');
  });

  it('the progress of a fetch is a line for each phase, and one in ten seconds', () => {
    const lines: string[] = [];
    let now = 0;
    const view = new AssetLines((text) => lines.push(text), () => now);
    view.report({ asset: 'x', phase: 'download', doneBytes: 0, totalBytes: 2e8, note: 'loading' });
    now = 9_000;
    view.report({ asset: 'x', phase: 'download', doneBytes: 5e7, totalBytes: 2e8, note: 'loading' });
    now = 11_000;
    view.report({ asset: 'x', phase: 'download', doneBytes: 1e8, totalBytes: 2e8, note: 'loading' });
    view.report({ asset: 'x', phase: 'ready', note: 'x is ready' });
    expect(lines).toEqual(['x: loading (0.0 of 200 MB)', 'x: loading (100 of 200 MB)', 'x: x is ready']);
  });
});
