/** A process that is told what to do in lines and answers each with the seconds that it took. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Peer {
  /** The first line that it printed. */
  readonly greeting: string;
  /** Seconds that a command took; fails where it did not give that many rows. */
  time(command: string, rows: number): Promise<number>;
  close(): Promise<void>;
}

/** @param first a line that it is given before it greets */
export async function startPeer([program = '', ...parameters]: readonly string[], first?: string): Promise<Peer> {
  const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error(`expected ${program} ${parameters.join(' ')} to answer, it ended`);
    return next.value;
  };
  if (first !== undefined) child.stdin.write(`${first}\n`);
  const greeting = await line();
  return {
    greeting,
    async time(command, rows) {
      child.stdin.write(`${command}\n`);
      const answer = JSON.parse(await line()) as { seconds: number; rows: number };
      if (answer.rows !== rows) throw new Error(`expected ${rows} rows from ${command}, got ${answer.rows}`);
      return answer.seconds;
    },
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The middle one; of an even number, the upper of both. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
