/** Ctrl-C: the first asks for an orderly end, the second ends at once. */

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Resolves with the name of the signal that came. */
  readonly requested: Promise<NodeJS.Signals>;
  close(): void;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** npm passes a Ctrl-C on to its child, which the terminal has told already: one key press can arrive twice. */
const SAME_PRESS_MS = 500;

/** @param onSecond called where a person insists; the process then ends with the exit code of a signal. */
export function watchInterrupt(onSecond: () => void): Interrupt {
  const abort = new AbortController();
  let first = 0;
  let resolveRequested: (name: NodeJS.Signals) => void = () => undefined;
  const requested = new Promise<NodeJS.Signals>((resolve) => (resolveRequested = resolve));
  const handle = (name: NodeJS.Signals): void => {
    if (!abort.signal.aborted) {
      first = performance.now();
      abort.abort(new Error(`interrupted by ${name}`));
      resolveRequested(name);
    } else if (performance.now() - first > SAME_PRESS_MS) {
      onSecond();
      process.exit(130);
    }
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { signal: abort.signal, requested, close: () => SIGNALS.forEach((name) => process.off(name, handle)) };
}
