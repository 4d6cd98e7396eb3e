/** Runs a program of the user's machine to its end, for assets that are fetched or built by one. */
import { spawn } from 'node:child_process';

/** What is kept of a program's output for an error message. */
const TAIL_BYTES_MAX = 4096;

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly signal?: AbortSignal;
  /** Whole lines of both streams as they come. */
  readonly onLine?: (line: string) => void;
  readonly timeoutMs?: number;
}

export interface ProgramResult {
  readonly code: number | null;
  readonly stdout: string;
  /** Last part of both streams together. */
  readonly tail: string;
}

/** Thrown where the program is not on the PATH. */
export class ProgramNotFound extends Error {
  override readonly name = 'ProgramNotFound';
}

/**
 * Resolves when the program has ended, whatever its exit code.
 * @throws ProgramNotFound; the signal's reason when aborted; Error on the time-out.
 */
export function runProgram(command: string, parameters: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, {
      cwd: options.folder,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let tail = '';
    let failure: Error | undefined;
    const stop = (reason: Error): void => {
      failure ??= reason;
      child.kill('SIGTERM');
    };
    const onAbort = (): void => stop(options.signal?.reason as Error);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stop(new Error(`${command} did not end within ${options.timeoutMs} ms`)), options.timeoutMs);
    const listen = (stream: NodeJS.ReadableStream, isOutput: boolean): void => {
      let open = '';
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        if (isOutput) stdout += text;
        tail = (tail + text).slice(-TAIL_BYTES_MAX);
        const lines = (open + text).split(/[\r\n]+/);
        open = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') options.onLine?.(line.trim());
      });
    };
    listen(child.stdout, true);
    listen(child.stderr, false);
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      settle();
      reject(error.code === 'ENOENT' ? new ProgramNotFound(`${command} is not on the PATH`) : error);
    });
    child.once('close', (code) => {
      settle();
      if (failure) reject(failure);
      else resolve({ code, stdout, tail: tail.trim() });
    });
  });
}
