/** Bounds the bytes that are handed to gRPC and not yet taken by the connection: a slow peer must not fill our memory. */
import { SEND_WINDOW_BYTES } from './limits.js';
import type { MessageSink } from './message-sink.js';
import type { FlightData } from './wire.js';

export class SendWindow {
  private inFlightBytes = 0;
  private wake: (() => void) | undefined;

  constructor(
    private readonly sink: MessageSink,
    private readonly signal: AbortSignal,
    private readonly bytesMax = SEND_WINDOW_BYTES,
  ) {
    // grpc-js never calls back for a message of a call that is gone, so waiting must end here.
    signal.addEventListener('abort', () => this.wake?.(), { once: true });
  }

  /** Sends one message as soon as there is room. @throws the reason of the signal once the call is gone. */
  async send(data: FlightData): Promise<void> {
    const bytes = data.header.byteLength + data.body.byteLength;
    while (this.inFlightBytes > 0 && this.inFlightBytes + bytes > this.bytesMax) {
      this.signal.throwIfAborted();
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    this.signal.throwIfAborted();
    this.inFlightBytes += bytes;
    this.sink.write(data, () => {
      this.inFlightBytes -= bytes;
      this.wake?.();
    });
  }
}

/** The items of a source until the signal is aborted; then its reason is thrown, even where the source never answers. */
export async function* untilAborted<T>(source: Iterable<T> | AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  aborted.catch(() => undefined);
  try {
    for (;;) {
      signal.throwIfAborted();
      const result = await Promise.race([iterator.next(), aborted]);
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source that hangs would hang here too; it is told to stop and ends in its own time.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
