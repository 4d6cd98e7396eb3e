/** The log file of one worker: appended to, and put aside once it is large. */
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const LOG_BYTES_MAX = 16 * 1024 * 1024;
/** A complaint is looked for in this much of the end of a log. */
const TAIL_BYTES = 32 * 1024;
const LEVEL_ERROR = 50;

export interface OpenLog {
  /** The caller closes it. */
  readonly descriptor: number;
  /** Where the lines of this life begin. */
  readonly start: number;
}

/** Opens the log for appending; one larger than 16 MiB moves to `<name>.1` first. */
export function openLog(path: string): OpenLog {
  mkdirSync(dirname(path), { recursive: true });
  try {
    if (statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  } catch {
    // No log yet.
  }
  const descriptor = openSync(path, 'a');
  return { descriptor, start: fstatSync(descriptor).size };
}

/**
 * The last line since `start` that complains: an error of a worker's JSON log, or text that is no JSON (a crash of Node
 * itself); empty where none does.
 */
export function lastComplaint(path: string, start: number): string {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const size = fstatSync(file).size;
    const from = Math.max(start, size - TAIL_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    readSync(file, buffer, 0, buffer.length, from);
    return buffer.toString('utf8').split('\n').findLast(isComplaint) ?? '';
  } catch {
    return ''; // A log that cannot be read must not hide the death that is being reported.
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isComplaint(line: string): boolean {
  if (line.trim() === '') return false;
  try {
    const level = (JSON.parse(line) as { level?: unknown }).level;
    return typeof level === 'number' && level >= LEVEL_ERROR;
  } catch {
    // Of the text of a crash, the line with the error, not its stack.
    return !/^\s*(at |\^)|^Node\.js v|^\s*throw |^\s*}/.test(line);
  }
}
