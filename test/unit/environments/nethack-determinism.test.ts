import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compiledPath } from '../../../infra/folders.js';
import { digestEpisodes } from './nethack-digest.js';
import { closeGroups, drawActions, isPlayable, openGroup } from './nethack-support.js';

const COMPILED = compiledPath('test/unit/environments/nethack-digest.ts');

/** Digest of the ten digests on Linux x64. Another value means that something outside seed and actions (date, earlier episodes, machine) reaches the game. */
const GOLDEN = '0714294b067a696e50ca57f39ebf12dff4ba22e8ad2187e4525bb232484730bd';

describe.runIf(isPlayable)('an episode of NetHack is a function of its seed and its actions', () => {
  let here: string[];
  beforeAll(async () => {
    here = await digestEpisodes();
  }, 60_000);
  afterEach(closeGroups);

  it('gives ten different episodes for ten seeds', () => {
    expect(new Set(here).size).toBe(10);
  });

  it('gives the same bytes in another process, in another folder, time zone and environment', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [COMPILED], { cwd: tmpdir(), env: { ...process.env, TZ: 'Pacific/Auckland', USER: 'somebody-else', NETHACKOPTIONS: 'name:Other' } });
    expect(JSON.parse(stdout)).toEqual(here);
  });

  it('gives the same bytes in a worker thread while another group plays in this one', async () => {
    const playing = await openGroup();
    playing.start({ high: 0, low: 1 });
    const worker = new Worker(COMPILED);
    const there = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    const draw = drawActions(77);
    for (let step = 0; step < 200 && playing.outcome.terminated[0] !== 1; step++) {
      playing.act(draw(step));
      if (step % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await there).toEqual(here);
    await worker.terminate();
  });

  it('does not depend on the episodes that were played before', async () => {
    expect(await digestEpisodes(true)).toEqual(here);
  });

  it('gives the bytes that were recorded on another day', () => {
    const all = createHash('sha256').update(here.join()).digest('hex');
    // The build for another processor is another program: its bytes are not promised to be these.
    if (process.arch === 'x64') expect(all).toBe(GOLDEN);
    else expect(here).toHaveLength(10);
  });
});
