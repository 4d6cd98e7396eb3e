/**
 * A host in a thread of its own, seen from the main thread. It starts with the first call; where it dies, the calls under
 * way fail with LAUREL_WORKER_FAILED and the next call starts another one, which rebuilds its shards from the store.
 */
import { LaurelError } from '../../proto/errors.js';
import { ThreadClient } from '../threads.js';
import type { EvaluationProgress, MadeSegment, OpenShardReply, OpenShardRequest, PlayEvaluationRequest, RolloutHost, ShardName } from './rollout-host.js';

/** The longest call is the replay of a shard: minutes only where episodes have millions of steps. */
const CALL_MS_MAX = 600_000;
/** Time for the thread to close its environments before it is ended. */
const CLOSE_MS_MAX = 5_000;

export class RolloutThread implements RolloutHost {
  private thread: ThreadClient | null = null;

  /**
   * @param entry compiled entry of the thread.
   * @param callMsMax a call that takes longer fails, and the thread is given up.
   */
  constructor(
    private readonly entry: URL,
    private readonly callMsMax = CALL_MS_MAX,
  ) {}

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

  beginEvaluation(request: PlayEvaluationRequest): Promise<void> {
    return this.call('beginEvaluation', request);
  }

  continueEvaluation(id: number): Promise<EvaluationProgress> {
    return this.call('continueEvaluation', id);
  }

  endEvaluation(id: number): Promise<void> {
    return this.call('endEvaluation', id);
  }

  /** Ends the thread; the next call would start it again. */
  async close(): Promise<void> {
    const { thread } = this;
    this.thread = null;
    if (!thread) return;
    await within(thread.call<void>('close', null), CLOSE_MS_MAX).catch(() => undefined);
    await within(thread.close(), CLOSE_MS_MAX).catch(() => undefined);
  }

  private async call<T>(method: keyof RolloutHost, argument: unknown): Promise<T> {
    const thread = (this.thread ??= new ThreadClient(this.entry, null));
    try {
      return await within(thread.call<T>(method, argument), this.callMsMax);
    } catch (error) {
      if (error !== TOO_LATE) throw error;
      // A game may hang in native code, where nothing can end it: leave that thread and take another one.
      if (this.thread === thread) this.thread = null;
      void thread.close();
      throw new LaurelError('LAUREL_WORKER_FAILED', `expected the rollout thread to answer ${method} within ${this.callMsMax} ms, it did not; the thread is given up and the next call starts another one`, { method });
    }
  }
}

const TOO_LATE = Symbol('too late');

/** @throws TOO_LATE */
async function within<T>(answer: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(TOO_LATE as unknown as Error), limitMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
