import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimSlot } from '../../../workers/slot.js';

describe('the place of a worker process', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-slot-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('goes to the process that follows a dead one, so that it serves the same queue', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const pid = child.pid as number;
    const first = await claimSlot(folder, 'rollout', pid);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await claimSlot(folder, 'rollout')).toBe(first);
  });

  it('is not taken from a process that lives', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      const first = await claimSlot(folder, 'rollout', child.pid);
      const second = await claimSlot(folder, 'rollout');
      expect(second).not.toBe(first);
      expect(await claimSlot(folder, 'rollout')).not.toBe(second);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('differs by name and by folder, and keeps its file inside the folder', async () => {
    const names = await Promise.all([claimSlot(folder, 'rollout-1'), claimSlot(folder, 'rollout-2'), claimSlot(join(folder, 'other'), 'rollout-1')]);
    expect(new Set(names).size).toBe(3);
    await claimSlot(folder, '../escape');
    expect((await readdir(folder)).sort()).toEqual(['___escape.pid', 'other', 'rollout-1.pid', 'rollout-2.pid']);
  });
});
