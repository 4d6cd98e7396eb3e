/** The one place where errors of workers become failures that Temporal understands. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ERROR_TABLE, errorCodeOf, LaurelError } from '../proto/errors.js';
import { MISSING_TRIES_MAX } from '../proto/restoration.js';

/** Longest message that travels in a history; the rest is in the worker's log. */
const MESSAGE_CHARACTERS_MAX = 2_000;

/**
 * `type` is the code of the error; an error without a code is a defect or a passing fault of the platform, and retried.
 * @param attempt of the call, from 1
 */
export function toFailure(error: unknown, attempt = 1): ApplicationFailure | CancelledFailure {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_CHARACTERS_MAX);
  const code = errorCodeOf(error);
  const cause = error instanceof Error ? error : undefined;
  if (code === undefined) return ApplicationFailure.create({ type: error instanceof Error ? error.name : 'Error', message, nonRetryable: false, ...(cause ? { cause } : {}) });
  const details = error instanceof LaurelError ? [error.details] : [];
  return ApplicationFailure.create({ type: code, message, nonRetryable: !ERROR_TABLE[code].retryable || (code === 'LAUREL_STORE_MISSING' && attempt >= MISSING_TRIES_MAX), details, ...(cause ? { cause } : {}) });
}
