/** The note that a running dev server leaves in the state folder, so that the next command finds it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface ServerRecord {
  /** Process of the server. */
  readonly pid: number;
  /** Process that stops it; where that one is gone, whoever finds the server takes it over. */
  readonly ownerPid: number;
  /** False after a stop: the ports are remembered, the process is gone. */
  readonly running: boolean;
  readonly port: number;
  readonly uiPort: number;
}

export function recordPath(state: string): string {
  return join(state, 'server.json');
}

export async function readRecord(state: string): Promise<ServerRecord | undefined> {
  try {
    const parsed = JSON.parse(await readFile(recordPath(state), 'utf8')) as Partial<ServerRecord>;
    const numbers = [parsed.pid, parsed.ownerPid, parsed.port, parsed.uiPort];
    return numbers.every((value) => Number.isInteger(value)) ? { ...(parsed as ServerRecord), running: parsed.running === true } : undefined;
  } catch {
    return undefined; // No record, or half a record of an older time: the same as none, a server is started and writes it anew.
  }
}

export async function writeRecord(state: string, record: ServerRecord): Promise<void> {
  const path = recordPath(state);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`);
  await rename(temporary, path);
}
