/** What the main thread and the thread that plays say to each other. */
import { errorCodeOf, LaurelError, type ErrorCode } from '../../proto/errors.js';
import type { RolloutHost } from './rollout-host.js';

export type HostMethod = keyof RolloutHost;

export type ToThread =
  | { readonly type: 'call'; readonly id: number; readonly method: HostMethod; readonly argument: unknown }
  /** The caller of `id` does not want it any more. */
  | { readonly type: 'abort'; readonly id: number };

export type FromThread =
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'progress'; readonly id: number; readonly ended: number }
  | { readonly type: 'error'; readonly id: number; readonly error: PlainError };

/** An error as data: structured cloning keeps neither its class nor its code. */
export interface PlainError {
  readonly name: string;
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly stack: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export function toPlainError(error: unknown): PlainError {
  return {
    name: error instanceof Error ? error.name : 'Error',
    code: errorCodeOf(error) ?? null,
    message: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error ? (error.stack ?? null) : null,
    details: error instanceof LaurelError ? error.details : {},
  };
}

export function fromPlainError(plain: PlainError): Error {
  const error: Error = plain.code === null ? Object.assign(new Error(plain.message), { name: plain.name }) : new LaurelError(plain.code, plain.message, plain.details);
  if (plain.stack !== null) error.stack = plain.stack;
  return error;
}
