/** Worker threads: where their compiled entry is, and calls to them. */
import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { errorCodeOf, LaurelError, type ErrorCode } from '../proto/errors.js';

/**
 * Entry of a thread beside a module: `threadUrl(import.meta.url, './updater-thread.js')`. A thread cannot load
 * TypeScript on every supported Node, so from a source file the compiled twin in `dist/` is named.
 */
export function threadUrl(moduleUrl: string, entry: string): URL {
  if (!moduleUrl.endsWith('.ts')) return new URL(entry, moduleUrl);
  const source = fileURLToPath(new URL(entry, moduleUrl));
  let root = dirname(source);
  while (!existsSync(join(root, 'package.json'))) {
    if (dirname(root) === root) throw new LaurelError('LAUREL_ASSET_MISSING', `expected package.json above ${source}, found none`);
    root = dirname(root);
  }
  return pathToFileURL(join(root, 'dist', ...relative(root, source).split(sep)));
}

interface Request {
  readonly id: number;
  readonly method: string;
  readonly argument?: unknown;
  readonly abort?: true;
}
interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly progress?: unknown;
  readonly error?: { readonly code: ErrorCode | null; readonly name: string; readonly message: string; readonly stack: string | undefined; readonly details: Readonly<Record<string, unknown>> };
}

export interface ThreadWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}
export type ThreadMethods = Readonly<Record<string, (argument: never, work: Required<ThreadWork>) => Promise<unknown>>>;

/** The inner side: answers calls with these methods, one after another. To be called once, in the thread's entry. */
export function serveThread(methods: ThreadMethods): void {
  const port = parentPort;
  if (!port) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected to run in a worker thread');
  const underWay = new Map<number, AbortController>();
  let turn: Promise<void> = Promise.resolve();
  const answer = async ({ id, method, argument }: Request, signal: AbortSignal): Promise<void> => {
    const post = (reply: Reply): void => port.postMessage(reply);
    try {
      signal.throwIfAborted();
      const run = methods[method];
      if (!run) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected one of the methods ${Object.keys(methods).join(', ')}, got ${method}`);
      post({ id, value: await run(argument as never, { signal, onProgress: (progress) => post({ id, progress }) }) });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      post({ id, error: { code: errorCodeOf(error) ?? null, name: error.name, message: error.message, stack: error.stack, details: error instanceof LaurelError ? error.details : {} } });
    } finally {
      underWay.delete(id);
    }
  };
  port.on('message', (request: Request) => {
    if (request.abort) return underWay.get(request.id)?.abort();
    const abort = new AbortController();
    // A call that fetches many segments at once listens once for each: that is no leak.
    setMaxListeners(0, abort.signal);
    underWay.set(request.id, abort);
    turn = turn.then(() => answer(request, abort.signal));
  });
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((note: unknown) => void) | undefined;
}

/** The outer side: starts the thread with the first call, and again after it died (its calls fail with LAUREL_WORKER_FAILED). */
export class ThreadClient {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;

  /** @param options `idle: 'unref'`: a thread that has nothing to do does not keep the process alive */
  constructor(
    private readonly entry: URL,
    private readonly workerData: unknown,
    private readonly options: { readonly idle?: 'unref' } = {},
  ) {}

  async call<T>(method: string, argument: unknown, work: ThreadWork = {}): Promise<T> {
    work.signal?.throwIfAborted();
    const worker = (this.worker ??= this.start());
    if (this.options.idle) worker.ref();
    const id = this.nextId++;
    const abort = (): void => worker.postMessage({ id, method, abort: true } satisfies Request);
    work.signal?.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        this.pending.set(id, { resolve: resolve as (value: never) => void, reject, onProgress: work.onProgress });
        worker.postMessage({ id, method, argument } satisfies Request);
      });
    } finally {
      this.pending.delete(id);
      if (this.options.idle && this.pending.size === 0) worker.unref();
      work.signal?.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(this.entry, { workerData: this.workerData, execArgv: [] });
    let cause: unknown;
    worker.on('error', (error) => (cause = error));
    worker.on('exit', (code) => {
      if (this.worker === worker) this.worker = undefined;
      const reason = cause instanceof Error ? cause.message : `exit code ${code}`;
      for (const call of this.pending.values()) call.reject(new LaurelError('LAUREL_WORKER_FAILED', `expected the thread to answer, it ended: ${reason}; the next call starts it again`, {}, { cause }));
      this.pending.clear();
    });
    worker.on('message', (reply: Reply) => {
      const call = this.pending.get(reply.id);
      if (!call) return;
      if ('progress' in reply) call.onProgress?.(reply.progress);
      else if (reply.error) call.reject(fromPlain(reply.error));
      else call.resolve(reply.value as never);
    });
    return worker;
  }
}

function fromPlain({ code, name, message, stack, details }: NonNullable<Reply['error']>): Error {
  const error = code === null ? Object.assign(new Error(message), { name }) : new LaurelError(code, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}
