/** What every call of the server needs: authorisation, cancellation, errors as statuses. */
import { timingSafeEqual } from 'node:crypto';
import { status as Status, type handleBidiStreamingCall, type handleServerStreamingCall, type handleUnaryCall, type Metadata, type ServerDuplexStream, type ServerWritableStream } from '@grpc/grpc-js';
import { statusOf, StatusError } from './status.js';

export interface CallContext {
  /** Aborted when the peer cancels, goes away or its deadline passes. */
  readonly signal: AbortSignal;
  /** `host:port` of the peer. */
  readonly peer: string;
}

export type Authorise = (metadata: Metadata) => void;

/** @throws from the result: StatusError UNAUTHENTICATED where the call does not carry the token. */
export function bearer(token: string | undefined): Authorise {
  if (token === undefined) return () => undefined;
  const expected = Buffer.from(`Bearer ${token}`);
  return (metadata) => {
    const got = Buffer.from(metadata.get('authorization')[0] ?? '');
    if (got.byteLength !== expected.byteLength || !timingSafeEqual(got, expected)) {
      throw new StatusError(Status.UNAUTHENTICATED, 'expected the metadata authorization: Bearer with the token of this server; give the client the same token');
    }
  };
}

export function unary<Request, Response>(authorise: Authorise, work: (request: Request, context: CallContext) => Promise<Response>): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const abort = new AbortController();
    call.once('cancelled', () => abort.abort(cancelled()));
    const answer = async (): Promise<Response> => {
      authorise(call.metadata);
      return work(call.request, { signal: abort.signal, peer: call.getPeer() });
    };
    answer().then(
      (response) => callback(null, response),
      (error: unknown) => callback(statusOf(error)),
    );
  };
}

type StreamWork<Call> = (call: Call, context: CallContext) => Promise<void>;

export function serverStream<Request, Response>(authorise: Authorise, work: StreamWork<ServerWritableStream<Request, Response>>): handleServerStreamingCall<Request, Response> {
  return (call) => void runStream(call, authorise, work);
}

export function bidiStream<Request, Response>(authorise: Authorise, work: StreamWork<ServerDuplexStream<Request, Response>>): handleBidiStreamingCall<Request, Response> {
  return (call) => void runStream(call, authorise, work);
}

async function runStream<Call extends ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>>(call: Call, authorise: Authorise, work: StreamWork<Call>): Promise<void> {
  const abort = new AbortController();
  call.once('cancelled', () => abort.abort(cancelled()));
  try {
    authorise(call.metadata);
    await work(call, { signal: abort.signal, peer: call.getPeer() });
    call.end();
  } catch (error) {
    // `emit`, not `destroy`: grpc-js turns an error event into a status, and a destroyed call into silence.
    if (!abort.signal.aborted) call.emit('error', statusOf(error));
  }
}

function cancelled(): StatusError {
  return new StatusError(Status.CANCELLED, 'the peer cancelled the call, went away, or its deadline passed');
}
