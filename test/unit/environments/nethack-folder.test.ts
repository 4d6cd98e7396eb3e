import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorCodeOf } from '../../../proto/errors.js';
import { GameFolder, sweepGameFolders } from '../../../workers/rollout/environments/nethack/game-folder.js';
import { createNetHackGroup } from '../../../workers/rollout/environments/nethack/nethack-group.js';
import { parseNetHackOptions } from '../../../workers/rollout/environments/nethack/options.js';
import { closeGroups, isPlayable, openGroup } from './nethack-support.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'laurel-test-'));
});
afterEach(() => {
  closeGroups();
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const gameFolders = (): string[] => readdirSync(root).filter((name) => name.startsWith('laurel-nethack-'));

describe.runIf(isPlayable)('folders of games', () => {
  it('are made for a game and gone when its group is closed', async () => {
    const playing = await openGroup({}, 2);
    vi.stubEnv('TMPDIR', root);
    playing.start({ high: 0, low: 1 }, 0);
    playing.start({ high: 0, low: 2 }, 1);
    expect(gameFolders()).toHaveLength(2);
    closeGroups();
    expect(gameFolders()).toEqual([]);
    expect(() => playing.start({ high: 0, low: 1 })).toThrow(/reset after close/);
  });

  it('hold nothing of an earlier episode', () => {
    const library = join(root, 'library');
    writeFileSync(library, 'x');
    vi.stubEnv('TMPDIR', root);
    const folder = new GameFolder({ library, data: library });
    const fresh = ['logfile', 'nhdat', 'perm', 'record', 'save', 'xlogfile'];
    expect(readdirSync(folder.playPath).sort()).toEqual(fresh);
    writeFileSync(join(folder.playPath, 'record'), 'a score');
    writeFileSync(join(folder.playPath, '0Agent.1'), 'a level');
    folder.refresh();
    expect(readdirSync(folder.playPath).sort()).toEqual(fresh);
    expect(readFileSync(join(folder.playPath, 'record'), 'utf8')).toBe('');
    folder.remove();
    expect(gameFolders()).toEqual([]);
  });

  it('of dead processes are swept; those of the living and of other containers stay', () => {
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
    const library = join(root, 'library');
    writeFileSync(library, 'x');
    vi.stubEnv('TMPDIR', root);
    const living = new GameFolder({ library, data: library });
    const [own] = gameFolders();
    const dead = `laurel-nethack-4194999-${namespace}-12345-abcdef`;
    const reused = `laurel-nethack-${process.pid}-${namespace}-1-abcdef`;
    const foreign = 'laurel-nethack-4194999-1-12345-abcdef';
    const other = 'laurel-nethack-notes';
    for (const name of [dead, reused, foreign, other]) mkdirSync(join(root, name));
    expect(sweepGameFolders(root).sort()).toEqual([dead, reused].sort());
    expect(readdirSync(root).sort()).toEqual([own, foreign, other, 'library'].sort());
    living.remove();
  });
});

describe.runIf(isPlayable)('a game that cannot be started', () => {
  it('names the file that is missing, what to do, and the example that runs everywhere', async () => {
    vi.stubEnv('LAUREL_NETHACK_LIBRARY', join(root, 'nowhere.so'));
    const error = await createNetHackGroup(parseNetHackOptions({ kind: 'nethack' }), 1).catch((one: unknown) => one);
    expect(errorCodeOf(error)).toBe('LAUREL_ASSET_MISSING');
    expect((error as Error).message).toContain(join(root, 'nowhere.so'));
    expect((error as Error).message).toContain('grid-world');
  });

  it('is an environment that failed when the library is none', async () => {
    const library = join(root, 'libnethack.so');
    writeFileSync(library, 'not a library');
    vi.stubEnv('LAUREL_NETHACK_LIBRARY', library);
    vi.stubEnv('LAUREL_NETHACK_DATA', library);
    const group = await createNetHackGroup(parseNetHackOptions({ kind: 'nethack' }), 1);
    const error = (() => {
      try {
        group.reset(0, { high: 0, low: 1 });
      } catch (one) {
        return one;
      }
      return undefined;
    })();
    group.close();
    expect(errorCodeOf(error)).toBe('LAUREL_ENVIRONMENT_FAILED');
    expect(existsSync(library)).toBe(true);
  });
});
