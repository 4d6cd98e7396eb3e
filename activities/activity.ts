/** What every activity does around its work: heartbeats, cancellation, error mapping. */
import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import { toFailure } from './failure.js';

const HEARTBEAT_MS = 2_000;

export interface Work {
  /** Aborted when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** A small note on how far the work is; travels with the next heartbeat. */
  readonly onProgress: (note: unknown) => void;
}

/**
 * Runs `body` with a heartbeat every two seconds. The work itself runs in threads or natively, so a heartbeat tells that
 * the process lives; a call that hangs is bounded by its start-to-close time-out.
 */
export async function runActivity<T>(body: (work: Work) => Promise<T>): Promise<T> {
  const context = Context.current();
  // A call that fetches many segments at once listens once for each: that is no leak.
  setMaxListeners(0, context.cancellationSignal);
  let note: unknown = null;
  const timer = setInterval(() => context.heartbeat(note), HEARTBEAT_MS);
  try {
    return await body({ signal: context.cancellationSignal, onProgress: (latest) => void (note = latest) });
  } catch (error) {
    // `cancelled` rejects with the failure that says why; an aborted call ends as that, whatever it threw.
    if (context.cancellationSignal.aborted) await context.cancelled;
    throw toFailure(error, context.info.attempt);
  } finally {
    clearInterval(timer);
  }
}
