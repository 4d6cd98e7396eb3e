/** What went wrong between the store and its bucket, in Laurel's codes. */
import { LaurelError } from '../../proto/errors.js';

/** What to do, by the name of the error. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^NoSuchBucket$/, 'make the bucket, or correct LAUREL_STORE'],
  [/^(AccessDenied|AllAccessDisabled|Forbidden|UnauthorizedAccess)$|^403$/, 'the key may not do this: allow s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket'],
  [/^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|Unauthorized)$|^401$/, 'correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN'],
  [/^CredentialsProviderError$/, 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role'],
  [/^RequestTimeTooSkewed$/, 'set the clock of this machine'],
  [/^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|RegionMissing)$|^301$/, 'set AWS_REGION to the region of the bucket'],
  [/Full$|Quota|^(InsufficientStorage|InsufficientCapacity|ServiceQuotaExceeded)|^507$/, 'the bucket is full: make room, or raise its quota'],
  [/^(SlowDown|TooManyRequests|Throttling|ThrottlingException|RequestLimitExceeded)$|^429$/, 'it asks for fewer requests; this is tried again'],
  [/^(NotImplemented|MethodNotAllowed)$|^501$/, 'use a server that knows conditional writes (If-None-Match)'],
  [/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|TimeoutError|UnknownEndpoint)$/, 'check AWS_ENDPOINT_URL_S3 and the network; this is tried again'],
  [/CERT|SSL|TLS/, 'name the authority of the certificate in NODE_EXTRA_CA_CERTS'],
];

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** The object (not its bucket) is not there. */
export function isMissingObject(error: unknown): boolean {
  const { name } = error as Error;
  return name === 'NoSuchKey' || name === 'NotFound' || (statusOf(error) === 404 && name !== 'NoSuchBucket');
}

/** A write met another write (409), or a removal (404), of the same object: the server asks for it once more. */
export function isUndecided(error: unknown): boolean {
  const status = statusOf(error);
  return status === 409 || (status === 404 && (error as Error).name !== 'NoSuchBucket');
}

export function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412;
}

/** @param what the rest of "expected the bucket to answer while ..." */
export function bucketUnavailable(bucket: string, what: string, error: unknown): LaurelError {
  if (error instanceof LaurelError) return error;
  const code = codeOf(error);
  const status = statusOf(error);
  // The name says more than the status: a full bucket can be forbidden, too.
  const hint = hintOf(code) ?? hintOf(String(status)) ?? 'see the cause';
  const said = (error as Error).message;
  return new LaurelError('LAUREL_STORE_UNAVAILABLE', `expected the bucket ${bucket} to answer while ${what}, got ${code}${said && said !== code ? ` (${said.slice(0, 300)})` : ''}; ${hint}`, { code, ...(status === undefined ? {} : { status }) }, { cause: error });
}

function hintOf(name: string): string | undefined {
  return HINTS.find(([pattern]) => pattern.test(name))?.[1];
}

/** The most telling name of an error: the server's, the system's, else the library's. */
function codeOf(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (/^Region is missing/.test(message)) return 'RegionMissing';
  // An address with several numbers fails with one error for each.
  const inner = (error as AggregateError).errors?.[0] as NodeJS.ErrnoException | undefined;
  if (typeof code === 'string' && code !== '') return code;
  if (typeof inner?.code === 'string') return inner.code;
  return name === 'Error' || name === 'Unknown' || name === 'UnknownError' ? String(statusOf(error) ?? name) : name;
}
