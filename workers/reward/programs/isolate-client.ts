/** Programs of users, run in a thread of their own that is ended where one does not come back. */
import { LaurelError } from '../../../proto/errors.js';
import { ThreadClient, threadUrl } from '../../threads.js';
import type { IsolateLimits, Outcome } from './isolate.js';
import type { IsolateRequest } from './isolate-thread.js';

/**
 * Time for one unit after which the thread is ended. Fuel ends a program long before; this is for single built-in
 * operations that are slow. Time is not the same twice, so what it ends is no verdict: the call fails.
 */
const UNIT_MS_MAX = 30_000;
/** Units of one message to the thread. */
const UNITS_PER_CALL = 512;

export class IsolateClient {
  private readonly thread = new ThreadClient(threadUrl(import.meta.url, './isolate-thread.js'), null, { idle: 'unref' });

  constructor(private readonly unitMsMax = UNIT_MS_MAX) {}

  /**
   * An outcome for each unit, in order.
   * @param units JSON
   * @throws LaurelError LAUREL_PROGRAM_TIME
   */
  async run(program: string, units: readonly string[], elements: number | null, limits: IsolateLimits, work: { readonly signal?: AbortSignal | undefined } = {}): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let from = 0; from < units.length; from += UNITS_PER_CALL) {
      work.signal?.throwIfAborted();
      outcomes.push(...(await this.watched({ program, units: units.slice(from, from + UNITS_PER_CALL), elements, limits })));
    }
    return outcomes;
  }

  async close(): Promise<void> {
    await this.thread.close();
  }

  private async watched(request: Omit<IsolateRequest, 'begun'>): Promise<readonly Outcome[]> {
    const begun = new SharedArrayBuffer(4);
    const counter = new Int32Array(begun);
    let [seen, since, late] = [0, Date.now(), false];
    const watch = setInterval(() => {
      const now = Atomics.load(counter, 0);
      if (now !== seen) [seen, since] = [now, Date.now()];
      // A call that has not begun waits for another job's.
      else if (now > 0 && Date.now() - since > this.unitMsMax) {
        late = true;
        void this.thread.close();
      }
    }, Math.min(1000, this.unitMsMax / 2));
    try {
      return await this.thread.call<readonly Outcome[]>('run', { ...request, begun });
    } catch (error) {
      if (!late) throw error;
      throw new LaurelError('LAUREL_PROGRAM_TIME', `expected a program to give a value within ${this.unitMsMax} ms, it did not, within its fuel: a built-in operation on something very long; shorten what it works on, or lower memoryBytes`, { unit: seen - 1 });
    } finally {
      clearInterval(watch);
    }
  }
}

let shared: IsolateClient | undefined;

/** One thread for the process. */
export function sharedIsolate(): IsolateClient {
  return (shared ??= new IsolateClient());
}
