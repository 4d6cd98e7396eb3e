/** LaurelError <-> gRPC status. The code of ours travels in the trailing metadata, and first in the message for other peers. */
import { Metadata, status as Status, type ServiceError } from '@grpc/grpc-js';
import { ERROR_TABLE, errorCodeOf, LaurelError, type ErrorCode } from '../errors.js';

export const CODE_KEY = 'laurel-code';
/** Trailers have a size limit (8 KiB in C++ peers, percent-encoded): the message is cut to stay below it. */
const MESSAGE_LENGTH_MAX = 1500;

const STATUS_OF: Partial<Record<ErrorCode, Status>> = {
  LAUREL_JOB_INVALID: Status.INVALID_ARGUMENT,
  LAUREL_KEY_INVALID: Status.INVALID_ARGUMENT,
  LAUREL_SCHEMA_MISMATCH: Status.FAILED_PRECONDITION,
  LAUREL_STORE_MISSING: Status.NOT_FOUND,
  LAUREL_STORE_CONFLICT: Status.ALREADY_EXISTS,
  LAUREL_STORE_CORRUPT: Status.DATA_LOSS,
  LAUREL_STORE_UNAVAILABLE: Status.UNAVAILABLE,
  LAUREL_TRANSPORT_FAILED: Status.UNAVAILABLE,
};

export interface StatusFields {
  readonly code: Status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** A plain gRPC status, for what no code of ours describes (unknown method, no permission). */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  constructor(
    readonly status: Status,
    message: string,
  ) {
    super(message);
  }
}

export function statusOf(error: unknown): StatusFields {
  const metadata = new Metadata();
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StatusError) return { code: error.status, details: sendable(message), metadata };
  const code = errorCodeOf(error);
  if (!code) return { code: Status.INTERNAL, details: sendable(message), metadata };
  metadata.set(CODE_KEY, code);
  return { code: STATUS_OF[code] ?? Status.INTERNAL, details: sendable(`${code}: ${message}`), metadata };
}

/** @param what the call, for the message: `DoGet at grpc+tcp://…`. */
export function errorOf(error: unknown, what: string): LaurelError {
  if (error instanceof LaurelError) return error;
  const { code, details, metadata } = error as Partial<ServiceError>;
  const sent = metadata?.get(CODE_KEY)[0]?.toString() ?? '';
  if (sent in ERROR_TABLE) {
    const own = sent as ErrorCode;
    return new LaurelError(own, (details ?? '').replace(`${own}: `, ''), { call: what }, { cause: error });
  }
  const name = code === undefined ? 'no status' : Status[code];
  return new LaurelError(
    'LAUREL_TRANSPORT_FAILED',
    `expected ${what} to succeed, got ${name}: ${details ?? (error as Error).message}; it is tried again, or the store is read`,
    { call: what, status: name },
    { cause: error },
  );
}

/** grpc-js percent-encodes the message with encodeURI, which throws on half a surrogate pair. */
function sendable(message: string): string {
  return message.slice(0, MESSAGE_LENGTH_MAX).replace(/\p{Surrogate}/gu, '\uFFFD');
}
