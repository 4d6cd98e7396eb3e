/**
 * Answers that are not in the log yet, kept in a file of this machine from the moment they came: what a killed process had
 * been told is not asked again. A write to a file survives the process without being flushed to the disk, so it costs
 * microseconds; the log itself remains the only truth.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isProcessAlive } from '../process-alive.js';
import type { LabelRecord } from './label-record.js';
import { textKey } from './text-key.js';

/** Files of this process. */
const live = new Set<string>();

export class AnswerSpool {
  private readonly path: string;
  private descriptor: number | undefined;
  private readonly pending = new Set<string>();
  /** Texts that are still to be written, by the file of a dead process that holds them. */
  private readonly orphaned = new Map<string, Set<string>>();

  constructor(
    private readonly folder: string,
    private readonly annotator: string,
  ) {
    this.path = join(folder, `${annotator}.${process.pid}.${randomBytes(4).toString('hex')}.jsonl`);
    live.add(this.path);
  }

  /** Keeps a verdict until `written` names it. What cannot be kept is only not kept: the log does without. */
  add(record: LabelRecord): void {
    if (record.status !== 'ok') return; // A failed attempt is asked again anyway.
    try {
      if (this.descriptor === undefined) mkdirSync(this.folder, { recursive: true });
      this.descriptor ??= openSync(this.path, 'a');
      writeSync(this.descriptor, `${JSON.stringify({ ...record, text: Buffer.from(record.text).toString('base64') })}\n`);
      this.pending.add(textKey(record.text));
    } catch {
      // No room or no right to write beside the store.
    }
  }

  /** These texts are in the log. */
  written(keys: readonly string[]): void {
    for (const key of keys) {
      this.pending.delete(key);
      for (const [path, texts] of this.orphaned) {
        if (!texts.delete(key) || texts.size > 0) continue;
        this.orphaned.delete(path);
        remove(path);
      }
    }
    if (this.pending.size === 0 && this.descriptor !== undefined) ftruncateSync(this.descriptor);
  }

  /** What processes that are gone had been told and had not written, as far as it was not given before. */
  async orphans(): Promise<LabelRecord[]> {
    const found: LabelRecord[] = [];
    for (const name of await readdir(this.folder).catch(() => [])) {
      const path = join(this.folder, name);
      const [annotator, pid] = name.split('.');
      if (annotator !== this.annotator || live.has(path) || this.orphaned.has(path)) continue;
      if (Number(pid) !== process.pid && isProcessAlive(Number(pid))) continue;
      const records = (await readFile(path, 'utf8').catch(() => '')).split('\n').flatMap(parse);
      if (records.length === 0) remove(path);
      else this.orphaned.set(path, new Set(records.map((record) => textKey(record.text))));
      found.push(...records);
    }
    return found;
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
    live.delete(this.path);
    if (this.pending.size === 0) remove(this.path);
  }
}

/** A line that a kill has cut is left out. */
function parse(line: string): LabelRecord[] {
  try {
    const { text, ...record } = JSON.parse(line) as Omit<LabelRecord, 'text'> & { text: string };
    return [{ ...record, text: new Uint8Array(Buffer.from(text, 'base64')) }];
  } catch {
    return [];
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another process has removed it, or it never was.
  }
}
