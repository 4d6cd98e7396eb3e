/** The store in a local folder. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { LaurelError } from '../../proto/errors.js';
import { checkKey, compareKeys, folderOf } from './key.js';
import type { ObjectStore, StoredObject } from './object-store.js';

const TEMPORARY_FOLDER = '.temporary';

/**
 * Put-if-absent on a folder: the body goes to a temporary name and is flushed, then linked to its name (a link fails
 * where the name exists, a rename would replace it), then the folder is flushed. A reader never sees half an object.
 */
export class LocalStore implements ObjectStore {
  readonly root: string;
  private readonly folders = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.root = resolve(root);
  }

  async putIfAbsent(key: string, body: Uint8Array): Promise<{ readonly created: boolean }> {
    const path = this.pathOf(key);
    if ((await kindOf(path)) === 'file') return { created: false };
    return this.writing(key, path, body, async (temporary) => {
      try {
        await link(temporary, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return { created: false };
        throw error;
      }
      await syncFolder(dirname(path));
      return { created: true };
    });
  }

  async replace(key: string, body: Uint8Array): Promise<void> {
    const path = this.pathOf(key);
    await this.writing(key, path, body, async (temporary) => {
      await rename(temporary, path);
      await syncFolder(dirname(path));
    });
  }

  /** Writes the body to a flushed temporary file, which `place` gives its name. */
  private async writing<T>(key: string, path: string, body: Uint8Array, place: (temporary: string) => Promise<T>): Promise<T> {
    const temporary = join(this.root, TEMPORARY_FOLDER, `${process.pid}-${randomBytes(9).toString('hex')}`);
    try {
      await this.ensureFolder(dirname(temporary));
      await this.ensureFolder(dirname(path));
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(body);
        await file.sync();
      } finally {
        await file.close();
      }
      return await place(temporary);
    } catch (error) {
      // A folder that somebody removed is made anew by the next attempt.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.folders.clear();
      throw unavailable(`writing ${key}`, error);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.pathOf(key));
    } catch (error) {
      if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
      throw unavailable(`reading ${key}`, error);
    }
  }

  async exists(key: string): Promise<boolean> {
    return (await kindOf(this.pathOf(key))) === 'file';
  }

  async list(prefix: string): Promise<readonly StoredObject[]> {
    const folder = folderOf(prefix);
    const path = folder === '' ? this.root : this.pathOf(folder);
    const found: StoredObject[] = [];
    for (const full of await filesBelow(path, prefix)) {
      const key = full.slice(this.root.length + 1).split(sep).join('/');
      if (!key.startsWith(prefix) || key.startsWith(TEMPORARY_FOLDER)) continue;
      const bytes = await sizeOf(full);
      // Removed since the folder was read: others write and sweep meanwhile.
      if (bytes !== undefined) found.push({ key, bytes });
    }
    return found.sort(compareKeys);
  }

  async delete(key: string): Promise<void> {
    try {
      await unlink(this.pathOf(key));
    } catch (error) {
      if (!isMissing(error)) throw unavailable(`removing ${key}`, error);
    }
  }

  private pathOf(key: string): string {
    return join(this.root, ...checkKey(key).split('/'));
  }

  /** Makes a folder once and flushes its parent, so that the name of the folder survives a power cut too. */
  private ensureFolder(folder: string): Promise<void> {
    const known = this.folders.get(folder);
    if (known) return known;
    const made = (async () => {
      const first = await mkdir(folder, { recursive: true });
      if (first !== undefined) await syncFolder(dirname(first));
    })();
    this.folders.set(folder, made);
    made.catch(() => this.folders.delete(folder));
    return made;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Files below a folder; none where it does not exist. @throws LaurelError LAUREL_STORE_UNAVAILABLE */
async function filesBelow(folder: string, prefix: string): Promise<string[]> {
  for (;;) {
    try {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    } catch (error) {
      if (!isMissing(error)) throw unavailable(`listing ${prefix}`, error);
      // A folder below that was removed while it was read is no reason to call all of it empty.
      if ((await kindOf(folder)) === undefined) return [];
    }
  }
}

/** Bytes of a file; undefined where it is gone. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unavailable(`looking for ${path}`, error);
  }
}

/** What is at a path; undefined: nothing. */
async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isFile() ? 'file' : 'folder';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unavailable(`looking for ${path}`, error);
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function unavailable(what: string, error: unknown): LaurelError {
  if (error instanceof LaurelError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
  const hint = code === 'ENOSPC' ? 'the disk is full: make room' : code === 'EACCES' || code === 'EROFS' ? 'the folder cannot be written: mend its permissions' : 'see the cause';
  return new LaurelError('LAUREL_STORE_UNAVAILABLE', `expected the store to answer while ${what}, got ${code}; ${hint}`, { code }, { cause: error });
}
