/**
 * The thread that plays, seen from the main thread. It starts with the first call; where it dies, the calls under way
 * fail with LAUREL_WORKER_FAILED and the next call starts another one, which rebuilds its shards from the store.
 */
import { Worker } from 'node:worker_threads';
import { LaurelError } from '../../proto/errors.js';
import type { MadeSegment, OpenShardReply, OpenShardRequest, PlayEvaluationRequest, PlayedEvaluation, RolloutHost, ShardName } from './rollout-host.js';
import { fromPlainError, type FromThread, type HostMethod, type ToThread } from './thread-messages.js';

/** Time for the thread to close its environments. */
const CLOSE_MS_MAX = 5_000;

interface PendingCall {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((ended: number) => void) | undefined;
}

interface RunningThread {
  readonly worker: Worker;
  readonly pending: Map<number, PendingCall>;
  readonly exited: Promise<void>;
}

export class RolloutThread implements RolloutHost {
  private running: RunningThread | null = null;
  private nextId = 0;

  /** `entry`: the compiled shard-thread module. */
  constructor(private readonly entry: URL) {}

  open(request: OpenShardRequest): Promise<OpenShardReply> {
    return this.call('open', request);
  }

  collect(shard: ShardName): Promise<MadeSegment> {
    return this.call('collect', shard);
  }

  release(shard: ShardName): Promise<void> {
    return this.call('release', shard);
  }

  drop(shard: ShardName): Promise<void> {
    return this.call('drop', shard);
  }

  evaluate(request: PlayEvaluationRequest, onEpisode?: (ended: number) => void, signal?: AbortSignal): Promise<PlayedEvaluation> {
    return this.call('evaluate', request, onEpisode, signal);
  }

  /** Ends the thread; calls under way fail. */
  async close(): Promise<void> {
    const { running } = this;
    if (!running) return;
    const closed = this.call('close', null).catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS_MAX)));
    await Promise.race([closed, late]);
    clearTimeout(timer);
    if (this.running === running) this.running = null;
    await running.worker.terminate();
    await running.exited;
  }

  private call<T>(method: HostMethod, argument: unknown, onProgress?: (ended: number) => void, signal?: AbortSignal): Promise<T> {
    const { worker, pending } = (this.running ??= this.start());
    const id = this.nextId++;
    const abort = (): void => worker.postMessage({ type: 'abort', id } satisfies ToThread);
    const answer = new Promise<T>((resolve, reject) => {
      signal?.throwIfAborted();
      pending.set(id, { resolve: resolve as (value: never) => void, reject, onProgress });
      worker.postMessage({ type: 'call', id, method, argument } satisfies ToThread);
      signal?.addEventListener('abort', abort, { once: true });
    });
    return answer.finally(() => signal?.removeEventListener('abort', abort));
  }

  private start(): RunningThread {
    const worker = new Worker(this.entry, { execArgv: [] });
    const pending = new Map<number, PendingCall>();
    let cause: unknown;
    worker.on('error', (error) => (cause = error));
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        if (this.running?.worker === worker) this.running = null;
        const reason = cause instanceof Error ? cause.message : `exit code ${code}`;
        for (const call of pending.values()) call.reject(new LaurelError('LAUREL_WORKER_FAILED', `expected the rollout thread to answer, it died: ${reason}; the next call starts it again`, {}, { cause }));
        pending.clear();
        resolve();
      });
    });
    worker.on('message', (message: FromThread) => {
      const call = pending.get(message.id);
      if (message.type === 'progress') {
        call?.onProgress?.(message.ended);
        return;
      }
      pending.delete(message.id);
      if (message.type === 'error') call?.reject(fromPlainError(message.error));
      else call?.resolve(message.value as never);
    });
    return { worker, pending, exited };
  }
}
