/** The inner side of a RolloutThread: answers calls with a host of this thread. */
import type { MessagePort } from 'node:worker_threads';
import type { MadeSegment, OpenShardRequest, PlayEvaluationRequest, RolloutHost, ShardName } from './rollout-host.js';
import { toPlainError, type FromThread, type ToThread } from './thread-messages.js';

export function serveHost(host: RolloutHost, port: MessagePort): void {
  const underWay = new Map<number, AbortController>();
  port.on('message', (message: ToThread) => {
    if (message.type === 'abort') underWay.get(message.id)?.abort();
    else void answer(message);
  });

  async function answer(call: Extract<ToThread, { type: 'call' }>): Promise<void> {
    const { id } = call;
    const abort = new AbortController();
    underWay.set(id, abort);
    try {
      const value = await perform(call, abort.signal);
      port.postMessage({ type: 'result', id, value } satisfies FromThread, buffersOf(value));
    } catch (error) {
      port.postMessage({ type: 'error', id, error: toPlainError(error) } satisfies FromThread);
    } finally {
      underWay.delete(id);
    }
  }

  function perform({ id, method, argument }: Extract<ToThread, { type: 'call' }>, signal: AbortSignal): Promise<unknown> {
    switch (method) {
      case 'open':
        return host.open(argument as OpenShardRequest);
      case 'collect':
        return host.collect(argument as ShardName);
      case 'release':
        return host.release(argument as ShardName);
      case 'drop':
        return host.drop(argument as ShardName);
      case 'evaluate':
        return host.evaluate(argument as PlayEvaluationRequest, (ended) => port.postMessage({ type: 'progress', id, ended } satisfies FromThread), signal);
      case 'close':
        return host.close();
    }
  }
}

/** A segment's bytes move to the other thread without a copy. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const bytes = (value as MadeSegment | undefined)?.bytes;
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength ? [bytes.buffer] : [];
}
