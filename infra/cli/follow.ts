/** Follows a run on the screen until it ends or a person leaves. */
import type { RunResult, RunStatus } from '../../proto/status.js';
import { RateWindow } from '../screen/rates.js';
import type { Screen } from '../screen/live-screen.js';
import type { WorkersView } from '../screen/view.js';
import type { RunClient } from './run-client.js';

export interface FollowOptions {
  readonly client: RunClient;
  readonly run: string;
  readonly screen: Screen;
  readonly page: string | undefined;
  readonly workers: () => WorkersView;
  readonly events: readonly string[];
  readonly signal: AbortSignal;
}

export type Followed = { readonly kind: 'ended'; readonly result: RunResult; readonly status: RunStatus | undefined } | { readonly kind: 'left' };

/** A look costs the workflow worker some milliseconds. */
const LOOK_EVERY_MS = 1_000;
const LOOK_TIMEOUT_MS = 10_000;
const FIRST_ANSWER = 'the first answer of the run (workers are starting)';
/** Failing calls are looked up more seldom: each look is a request to the server. */
const LOOKS_PER_RETRY_LOOK = 3;

/** @throws WorkflowFailedError where the run failed, was cancelled or terminated */
export async function followRun(options: FollowOptions): Promise<Followed> {
  const { client, run, screen, signal } = options;
  const rates = new RateWindow();
  const startedAtMs = performance.now();
  let status: RunStatus | undefined;
  let over = false;
  let retries: readonly string[] = [];
  let looks = 0;
  let waitingFor: string | undefined = FIRST_ANSWER;
  const show = (): void => {
    const elapsedMs = status?.elapsedMs ?? performance.now() - startedAtMs;
    screen.show({ run, status, rates: rates.rates(), waitingFor, retries, workers: options.workers(), events: options.events, page: options.page, elapsedMs });
  };
  const left = new Promise<Followed>((resolve) => {
    if (signal.aborted) resolve({ kind: 'left' });
    signal.addEventListener('abort', () => resolve({ kind: 'left' }), { once: true });
  });
  const ended = client.result(run, signal).then((result): Followed => ({ kind: 'ended', result, status }));
  // The loop below awaits it; an end before the first look must not count as unhandled.
  ended.catch(() => undefined);
  const look = async (): Promise<void> => {
    while (!over && !signal.aborted) {
      try {
        status = await withTimeout(client.status(run), LOOK_TIMEOUT_MS);
        rates.add(status, Date.now());
        if (looks++ % LOOKS_PER_RETRY_LOOK === 0) retries = await withTimeout(client.retries(run), LOOK_TIMEOUT_MS);
        waitingFor = undefined;
      } catch {
        // Expected while workers or server start or are started again; the screen says so, and the result decides.
        waitingFor = status === undefined ? FIRST_ANSWER : 'the run to answer';
      }
      if (!over) show();
      await pause(LOOK_EVERY_MS, signal);
    }
  };
  show();
  const looking = look();
  // A look can wait long for its answer; the clock and the workers on the screen move on meanwhile.
  const ticking = setInterval(show, LOOK_EVERY_MS);
  try {
    const followed = await Promise.race([ended, left]);
    if (followed.kind === 'left') return followed;
    status = await withTimeout(client.status(run), LOOK_TIMEOUT_MS).catch(() => status);
    over = true;
    clearInterval(ticking);
    [waitingFor, retries] = [undefined, []];
    show();
    return { ...followed, status };
  } finally {
    over = true;
    clearInterval(ticking);
    await Promise.race([looking, pause(LOOK_EVERY_MS, signal)]);
  }
}

function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}
