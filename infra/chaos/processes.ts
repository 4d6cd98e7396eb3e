/** The processes of one state folder, found in /proc by their environment (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import type { Pool } from '../../proto/activities.js';
import { isProcessAlive } from '../../workers/process-alive.js';

export type ProcessKind = Pool | 'cli' | 'server' | 'other';

export interface FoundProcess {
  readonly pid: number;
  readonly kind: ProcessKind;
}

/** Every live process that was started with `LAUREL_STATE=<state>`; those that have ended are left out. */
export function findProcesses(state: string): FoundProcess[] {
  const mark = `LAUREL_STATE=${state}`;
  const found: FoundProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(mark)) continue;
      if (!isProcessAlive(Number(name))) continue;
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      found.push({ pid: Number(name), kind: kindOf(words) });
    } catch {
      // It ended meanwhile, or it is another user's.
    }
  }
  return found;
}

export function kindOf(words: readonly string[]): ProcessKind {
  if (words.some((word) => word.endsWith('workers/main.js'))) return words[words.indexOf('--pool') + 1] as Pool;
  if (words.some((word) => word.endsWith('infra/cli/main.js'))) return 'cli';
  return words.includes('start-dev') ? 'server' : 'other';
}

/** Sends a signal; false where the process was gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
