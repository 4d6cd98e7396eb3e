/** Several questions in flight, answers in the order of arrival: a slow one holds back no other. */
import type { AskOptions, Outcome, Questions } from './judge.js';

type AskOne = (text: Uint8Array, index: number, signal: AbortSignal) => Promise<Outcome>;

/**
 * Keeps `concurrency` calls of `askOne` going while there are questions; a question that takes time to come holds back no
 * answer. A rejection of one call (the judge refuses all of them, or the signal) ends the iteration with that error and
 * gives up the rest.
 */
export async function* pipelined(questions: Questions, concurrency: number, askOne: AskOne, { signal }: AskOptions): AsyncGenerator<Outcome> {
  const source = Symbol.asyncIterator in questions ? questions[Symbol.asyncIterator]() : questions[Symbol.iterator]();
  const giveUp = new AbortController();
  const stop = (): void => giveUp.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const running = new Map<number, Promise<Outcome>>();
  let next = 0;
  let exhausted = false;
  let pulling: Promise<undefined> | undefined;
  const pull = async (): Promise<undefined> => {
    const pulled = await source.next();
    pulling = undefined;
    if (pulled.done === true || giveUp.signal.aborted) {
      exhausted = true;
      return undefined;
    }
    const index = next++;
    const call = askOne(pulled.value, index, giveUp.signal);
    // The race below sees the rejection; this keeps Node from calling it unhandled where another call ended the loop.
    call.catch(() => undefined);
    running.set(index, call);
    return undefined;
  };
  try {
    for (;;) {
      signal.throwIfAborted();
      if (!exhausted && running.size < concurrency) pulling ??= pull();
      if (running.size === 0 && pulling === undefined) return;
      const outcome = await Promise.race([...running.values(), ...(pulling === undefined ? [] : [pulling])]).catch((error: unknown) => {
        // What a call throws when it is given up is not the reason.
        signal.throwIfAborted();
        throw error;
      });
      if (outcome === undefined) continue;
      running.delete(outcome.index);
      yield outcome;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    giveUp.abort(new Error('the questions were given up'));
    await Promise.allSettled(running.values());
    pulling?.catch(() => undefined);
    // Not awaited: what is still on its way to be a question holds nobody.
    void source.return?.();
  }
}
