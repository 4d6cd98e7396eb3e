/** Starts flight_peer.py: a pyarrow Flight server, and a client that is told what to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ensurePython } from '../reference/ensure-python.js';

export interface PyarrowPeer {
  /** Of its server. */
  readonly location: string;
  /** Lets its client act; answers what flight_peer.py prints. */
  ask<Answer>(command: Readonly<Record<string, unknown>>): Promise<Answer>;
  close(): Promise<void>;
}

export async function startPyarrowPeer(): Promise<PyarrowPeer> {
  const python = await ensurePython('pyarrow');
  const child = spawn(python, [fileURLToPath(new URL('flight_peer.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`expected an answer of flight_peer.py, it ended: ${errors}`);
    return JSON.parse(line.value);
  };
  const { location } = (await answer()) as { location: string };
  return {
    location,
    async ask<Answer>(command: Readonly<Record<string, unknown>>): Promise<Answer> {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return (await answer()) as Answer;
    },
    async close() {
      // At the end of its input it ends; its server thread ends with it.
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await ended;
      clearTimeout(timer);
    },
  };
}
