/** Putting a program into the cache: one installer at a time, and never half a program under its name. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import lockfile from 'proper-lockfile';

/** Longer than a build on a slow machine; a lock whose holder died goes stale much earlier. */
const WAIT_MS = 45 * 60_000;
const STALE_MS = 30_000;

/** Runs `install` while no other process installs the same program. `onWait` is called once where another does. */
export async function withInstallLock<T>(target: string, install: () => Promise<T>, onWait: () => void): Promise<T> {
  await mkdir(dirname(target), { recursive: true });
  const lockfilePath = `${target}.lock`;
  const deadline = Date.now() + WAIT_MS;
  let told = false;
  let release: (() => Promise<void>) | undefined;
  while (release === undefined) {
    try {
      release = await lockfile.lock(dirname(target), { lockfilePath, stale: STALE_MS, realpath: false });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED' || Date.now() > deadline) throw error;
      if (!told) onWait();
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    return await install();
  } finally {
    await release();
  }
}

/** A name beside the target that no other process uses; the same file system, so that a rename can follow. */
export function temporaryBeside(target: string): string {
  return join(dirname(target), `.${basename(target)}-${process.pid}-${randomBytes(6).toString('hex')}`);
}

/** Makes a complete file the program of that name, at once and durably. */
export async function moveIntoPlace(temporary: string, target: string): Promise<void> {
  await chmod(temporary, 0o755);
  const file = await open(temporary, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, target);
}
