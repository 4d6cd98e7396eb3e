/** The log file of one worker: appended to, and put aside once it is large. */
import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const LOG_BYTES_MAX = 16 * 1024 * 1024;

/** Opens the log for appending; one larger than 16 MiB moves to `<name>.1` first. The caller closes the descriptor. */
export function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  try {
    if (statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  } catch {
    // No log yet.
  }
  return openSync(path, 'a');
}

/** The last lines of a log that say something, oldest first. */
export function logTail(path: string, lines: number): string[] {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const size = statSync(path).size;
    const buffer = Buffer.alloc(Math.min(size, 16 * 1024));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const all = buffer.toString('utf8').split('\n').filter((line) => line.trim() !== '');
    return all.slice(-lines);
  } catch {
    return []; // A log that cannot be read must not hide the death that is being reported.
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
