/** The connection to a bucket, set up from the environment alone. */
import type * as Sdk from '@aws-sdk/client-s3';

export type Variables = Readonly<Record<string, string | undefined>>;

export interface S3Limits {
  /** Of one request, sent again with growing pauses (0.1 s, doubling, drawn) where that may help. */
  readonly attemptsMax: number;
  readonly connectMsMax: number;
  /** Longest time in which nothing moves on a connection. */
  readonly idleMsMax: number;
  /** Longest time until the answer to one attempt begins. */
  readonly answerMsMax: number;
  readonly socketsMax: number;
  /** Keys of one page of a list; the service gives at most 1,000. */
  readonly pageKeysMax: number;
}

export const S3_LIMITS: S3Limits = { attemptsMax: 6, connectMsMax: 5_000, idleMsMax: 15_000, answerMsMax: 120_000, socketsMax: 64, pageKeysMax: 1_000 };

export interface S3Connection {
  readonly sdk: typeof Sdk;
  readonly client: Sdk.S3Client;
}

/** Loads the library: only who has a store of this kind pays for it. */
export async function connectS3(variables: Variables, limits: S3Limits): Promise<S3Connection> {
  // This release, which is pinned, runs on every Node that Laurel runs on; what later ones need is not the operator's matter.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const sdk = await import('@aws-sdk/client-s3');
  return { sdk, client: new sdk.S3Client(s3Config(variables, limits)) };
}

/**
 * `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`: another server than Amazon's. `AWS_REGION` or `AWS_DEFAULT_REGION`: its region
 * (us-east-1 where a server is named). `LAUREL_S3_PATH_STYLE`: `true` puts the bucket into the path (default where a server is
 * named), `false` into the host name. Keys: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, else what the
 * library's own chain finds (the role of the machine or pod).
 */
function s3Config(variables: Variables, { attemptsMax, connectMsMax, idleMsMax, answerMsMax, socketsMax }: S3Limits = S3_LIMITS): Sdk.S3ClientConfig {
  const endpoint = variables['AWS_ENDPOINT_URL_S3'] || variables['AWS_ENDPOINT_URL'] || undefined;
  const region = variables['AWS_REGION'] || variables['AWS_DEFAULT_REGION'] || (endpoint === undefined ? undefined : 'us-east-1');
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = variables;
  const pathStyle = variables['LAUREL_S3_PATH_STYLE'];
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } } : {}),
    forcePathStyle: pathStyle === undefined || pathStyle === '' ? endpoint !== undefined : pathStyle === 'true',
    maxAttempts: attemptsMax,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: connectMsMax,
      socketTimeout: idleMsMax,
      requestTimeout: answerMsMax,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: socketsMax },
      httpsAgent: { keepAlive: true, maxSockets: socketsMax },
    },
    // The body is signed with its sha256 and read against a digest; trailing checksums are unknown to some servers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // A server or proxy that does not answer it would cost seconds for each large object.
    expectContinueHeader: false,
  };
}
