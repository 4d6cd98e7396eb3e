/**
 * The place of a worker process among those of its machine. A process that is started again after the one before it
 * died takes its place, and with it its queue: calls that wait there are taken at once, not after a time-out. Nothing
 * depends on who takes a call (it rebuilds what it needs from the store), so a mistaken place costs time, never truth.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive } from './process-alive.js';

/**
 * A name for the queue of this process: the same for each process of this name in this folder, as long as only one
 * lives; else one of its own.
 * @param folder holds one small file for each name
 */
export async function claimSlot(folder: string, name: string, pid: number = process.pid): Promise<string> {
  const path = join(folder, `${name.replaceAll(/[^a-z0-9-]/gi, '_')}.pid`);
  const place = `${hostname()}-${createHash('sha256').update(folder).digest('hex').slice(0, 8)}-${name}`;
  await mkdir(folder, { recursive: true });
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  if (holder > 0 && holder !== pid && isProcessAlive(holder)) return `${place}-${pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(path, String(pid));
  return place;
}
