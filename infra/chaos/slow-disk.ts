/**
 * A slow disk without rights on the machine: loaded before everything else into the processes of a disturbed run
 * (`slowDiskVariables`). While the flag file is there, each opening, reading and linking of a file takes longer.
 */
import { existsSync, writeFileSync, rmSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { compiledPath } from '../folders.js';

const FLAG = 'LAUREL_CHAOS_SLOW_DISK';
const SLOW_MS = 250;

/** For the processes whose disk is to be slow on demand. */
export function slowDiskVariables(state: string): Readonly<Record<string, string>> {
  return { [FLAG]: flagOf(state), NODE_OPTIONS: `--import ${pathToFileURL(compiledPath('infra/chaos/slow-disk.ts')).href}` };
}

export function setSlowDisk(state: string, slow: boolean): void {
  if (slow) writeFileSync(flagOf(state), '');
  else rmSync(flagOf(state), { force: true });
}

function flagOf(state: string): string {
  return join(state, 'slow-disk');
}

const flag = process.env[FLAG];
if (flag !== undefined) {
  const mutable = files as unknown as Record<string, (...parameters: unknown[]) => Promise<unknown>>;
  for (const name of ['open', 'readFile', 'link']) {
    const fast = mutable[name] as (...parameters: unknown[]) => Promise<unknown>;
    mutable[name] = async (...parameters) => {
      if (existsSync(flag)) await wait(SLOW_MS);
      return fast(...parameters);
    };
  }
  syncBuiltinESMExports();
}
