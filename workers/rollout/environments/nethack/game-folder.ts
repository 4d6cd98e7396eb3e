/**
 * The folder of one live game below the system's temporary folder: a copy of the library (the game keeps its state in
 * globals, so each game loads a file of its own) and the folder it plays in. Removed on close and when the process
 * ends; what a killed process left is removed by the next one.
 */
import { constants, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LaurelError } from '../../../../proto/errors.js';

export interface NetHackAssets {
  /** Path of libnethack.so. */
  readonly library: string;
  /** Path of nhdat. */
  readonly data: string;
}

const PREFIX = 'laurel-nethack-';
/** Files that the game wants to find and adds to; empty at the start, because it names statues and ghosts after the scores it finds. */
const SCORE_FILES: ReadonlySet<string> = new Set(['record', 'logfile', 'xlogfile']);
/** What else belongs in its folder and is never written. */
const LASTING: ReadonlySet<string> = new Set(['nhdat', 'perm', 'save']);

const live = new Set<GameFolder>();
let prepared = false;

/** Start time of a process in clock ticks, which tells it from a later one of the same number; '' where there is none. */
function startOf(pid: number | 'self'): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Process numbers mean something only within their namespace: containers may share a temporary folder. */
function namespaceId(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

/**
 * Removes folders of processes that are no more; gives their names. Safe at any time: a folder belongs to a process
 * number, its namespace and its start time.
 */
export function sweepGameFolders(root: string = tmpdir()): string[] {
  const own = namespaceId();
  const removed: string[] = [];
  for (const name of readdirSync(root)) {
    const [, pid, namespace, start] = /^laurel-nethack-(\d+)-(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid === undefined || namespace !== own || startOf(Number(pid)) === start) continue;
    rmSync(join(root, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

function prepareOnce(): void {
  if (prepared) return;
  prepared = true;
  process.on('exit', () => {
    for (const folder of live) folder.remove();
  });
  sweepGameFolders();
}

export class GameFolder {
  private readonly root: string;
  readonly libraryPath: string;
  /** Names the content of the library file: the same for all copies of one file that has not been changed. */
  readonly libraryContent: string;
  /** The folder that the game reads and writes; as new after `refresh`. */
  readonly playPath: string;

  /** @throws LaurelError LAUREL_ENVIRONMENT_FAILED where the temporary folder cannot be written. */
  constructor(assets: NetHackAssets) {
    try {
      prepareOnce();
      this.root = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${namespaceId()}-${startOf('self') || '0'}-`));
      live.add(this);
      this.libraryPath = join(this.root, 'libnethack.so');
      this.playPath = join(this.root, 'play');
      const { dev, ino, size, mtimeMs } = statSync(assets.library);
      this.libraryContent = [dev, ino, size, mtimeMs].join(':');
      copyFileSync(assets.library, this.libraryPath, constants.COPYFILE_FICLONE);
      mkdirSync(join(this.playPath, 'save'), { recursive: true });
      symlinkSync(assets.data, join(this.playPath, 'nhdat'));
      for (const name of ['perm', ...SCORE_FILES]) writeFileSync(join(this.playPath, name), '');
    } catch (error) {
      throw new LaurelError('LAUREL_ENVIRONMENT_FAILED', `expected to make a game folder in ${tmpdir()} (about 5 MB for each game); got: ${(error as Error).message}. Make room there or set TMPDIR.`, {}, { cause: error });
    }
  }

  /** Clears what an earlier episode left (levels, scores), so that no episode depends on another. */
  refresh(): void {
    for (const name of readdirSync(this.playPath)) {
      if (SCORE_FILES.has(name)) truncateSync(join(this.playPath, name));
      else if (!LASTING.has(name)) rmSync(join(this.playPath, name), { recursive: true, force: true });
    }
  }

  remove(): void {
    live.delete(this);
    rmSync(this.root, { recursive: true, force: true });
  }
}
