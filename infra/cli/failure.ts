/** What a person reads when a command fails, and the exit code that a script reads. */
import { isGrpcServiceError, WorkflowFailedError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ERROR_TABLE, errorCodeOf, LaurelError, type ErrorCode } from '../../proto/errors.js';

/** 1: it failed. 2: what was asked cannot be asked (usage, job file). */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

const USAGE_CODES: readonly ErrorCode[] = [
  'LAUREL_JOB_INVALID',
  'LAUREL_ENVIRONMENT_UNKNOWN',
  'LAUREL_REWARD_GRANULARITY',
  'LAUREL_REWARD_WIDTH',
  'LAUREL_REWARD_CONTEXT',
  'LAUREL_REWARD_THRESHOLD',
  'LAUREL_REWARD_CACHED',
  'LAUREL_REWARD_NOT_CAUSAL',
  'LAUREL_RELATION_MISSING',
  'LAUREL_LEARNER_OFFLINE',
  'LAUREL_EVALUATION_OVERLAP',
];

export interface Failure {
  readonly exitCode: number;
  readonly lines: readonly string[];
}

/** Code, message and what to do. Pure. */
export function describeFailure(error: unknown): Failure {
  const known = asLaurelError(error);
  if (known) {
    const { action } = ERROR_TABLE[known.code];
    return { exitCode: USAGE_CODES.includes(known.code) ? EXIT_USAGE : EXIT_FAILED, lines: [`${known.code}  ${known.message}`, `  what to do: ${action}`] };
  }
  const message = error instanceof Error ? error.message : String(error);
  const details = process.env['LAUREL_DEBUG'] && error instanceof Error && error.stack ? error.stack.split('\n').slice(1) : [];
  return { exitCode: EXIT_FAILED, lines: [`error  ${message}`, ...details] };
}

function asLaurelError(error: unknown): LaurelError | undefined {
  if (error instanceof LaurelError) return error;
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) return fromCause(error.cause) ?? asOwn(error);
  if (isGrpcServiceError(error) && Number(error.code) === GRPC_UNAVAILABLE) return new LaurelError('LAUREL_SERVER_UNREACHABLE', `expected Temporal to answer, got: ${error.details || error.message}`);
  return asOwn(error);
}

/** UNAVAILABLE, as the client gives it where the server is gone. */
const GRPC_UNAVAILABLE = 14;

/** An application failure of a workflow carries our code as its type. */
function fromCause(cause: unknown): LaurelError | undefined {
  for (let at: unknown = cause; at instanceof Error; at = at.cause) {
    const type = (at as { type?: unknown }).type;
    if (typeof type === 'string' && type in ERROR_TABLE) return new LaurelError(type as ErrorCode, at.message);
  }
  return undefined;
}

function asOwn(error: unknown): LaurelError | undefined {
  const code = errorCodeOf(error);
  return code === undefined ? undefined : new LaurelError(code, (error as Error).message);
}

export function isUnknownWorkflow(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}
