/** The short systems through the whole pipeline, as a person runs them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SYSTEMS } from '../../infra/systems/registry.js';
import { projectRoot } from '../../infra/folders.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { Project } from './cli-process.js';

const projects: Project[] = [];
afterEach(async () => {
  for (const project of projects.splice(0)) await project.remove();
});

describe('laurel systems', () => {
  it('runs the short ones, says what each reached, and their runs can be made again', async () => {
    const project = await Project.make();
    projects.push(project);
    const { code, output } = await project.run(['systems', '--short']);
    expect(code, output).toBe(0);
    const short = SYSTEMS.filter((one) => one.short);
    for (const { system } of short) expect(output).toContain(`${system}  holds`);
    expect(output).toContain(`${short.length} of ${short.length} systems hold`);
    expect(await project.leftRunning()).toEqual([]);
    const verified = await project.run(['verify', 'system-secrets']);
    expect(verified, verified.output).toMatchObject({ code: 0, output: expect.stringContaining('no difference') as string });
    expect((await project.run(['status', 'system-secrets'])).output).toMatch(/completed[\s\S]*optimiser steps/);
    const report = await new LocalStore(project.store).get('runs/system-secrets/report.html');
    expect(Buffer.from(report ?? []).toString()).toContain('dropped.precision');
  }, 600_000);

  it('goes on with a run whose learner was killed, to the same models', async () => {
    const project = await Project.make();
    projects.push(project);
    const job = join(projectRoot(), 'examples', 'systems', '2-modpo.json');
    const running = project.start(['run', job]);
    await running.until(/Running/);
    const learner = /"pid":(\d+)/.exec(await readFile(join(project.state, 'logs', 'learner.log'), 'utf8'))?.[1];
    process.kill(Number(learner), 'SIGKILL');
    const { code, output } = await running.ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/worker learner died/);
    const verified = await project.run(['verify', 'modpo']);
    expect(verified, verified.output).toMatchObject({ code: 0, output: expect.stringContaining('no difference') as string });
  }, 600_000);

  it('ends at once where a person interrupts it in the middle of a run, and leaves nothing running', async () => {
    const project = await Project.make();
    projects.push(project);
    const running = project.start(['systems', '9']);
    await running.until(/9: run system-crpo\n/);
    running.kill('SIGINT');
    const { code, output } = await running.ended;
    expect(code, output).toBe(1);
    expect(output).toContain('interrupted by SIGINT');
    expect(await new LocalStore(project.store).exists('runs/system-crpo/summary.json')).toBe(false);
    expect(await project.leftRunning()).toEqual([]);
  }, 120_000);

  it('names a system that is not there', async () => {
    const project = await Project.make();
    projects.push(project);
    expect(await project.run(['systems', '999'])).toMatchObject({ code: 2, output: expect.stringMatching(/LAUREL_JOB_INVALID {2}expected the number or name of a system, got 999/) as string });
  });
});
