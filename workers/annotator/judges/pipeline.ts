/** Several questions in flight, answers in the order of arrival: a slow one holds back no other. */
import type { AskOptions, Outcome } from './judge.js';

type AskOne = (text: Uint8Array, index: number, signal: AbortSignal) => Promise<Outcome>;

/**
 * Keeps `concurrency` calls of `askOne` going while there are questions. A rejection of one call (the judge refuses all
 * of them, or the signal) ends the iteration with that error and gives up the rest.
 */
export async function* pipelined(questions: Iterable<Uint8Array>, concurrency: number, askOne: AskOne, { signal }: AskOptions): AsyncGenerator<Outcome> {
  const source = questions[Symbol.iterator]();
  const giveUp = new AbortController();
  const stop = (): void => giveUp.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const running = new Map<number, Promise<Outcome>>();
  let next = 0;
  const fill = (): void => {
    while (running.size < concurrency) {
      const pulled = source.next();
      if (pulled.done === true) return;
      const index = next++;
      const call = askOne(pulled.value, index, giveUp.signal);
      // The race below sees the rejection; this keeps Node from calling it unhandled where another call ended the loop.
      call.catch(() => undefined);
      running.set(index, call);
    }
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      fill();
      if (running.size === 0) return;
      const outcome = await Promise.race(running.values()).catch((error: unknown) => {
        // What a call throws when it is given up is not the reason.
        signal.throwIfAborted();
        throw error;
      });
      running.delete(outcome.index);
      yield outcome;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    giveUp.abort(new Error('the questions were given up'));
    await Promise.allSettled(running.values());
    source.return?.();
  }
}
