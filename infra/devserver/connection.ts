/** Which Temporal server is meant, and a connection to it that fails with a clear word. */
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { LaurelError } from '../../proto/errors.js';
import type { Variables } from '../folders.js';

export interface ServerTarget {
  readonly address: string;
  readonly namespace: string;
  /** Variables that lead a worker process to this server. */
  readonly variables: Readonly<Record<string, string>>;
  readonly connection: ConnectionOptions;
  /** Address of the Temporal UI, where one is known. */
  readonly uiAddress: string | undefined;
}

/**
 * The server that the environment (`TEMPORAL_ADDRESS`, ...) or a profile of Temporal's own TOML file names; undefined
 * where neither does.
 * @throws LaurelError LAUREL_SERVER_UNREACHABLE where the configuration itself cannot be read.
 */
export function namedServer(variables: Variables = process.env): ServerTarget | undefined {
  const defined = Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined));
  let config: ReturnType<typeof loadClientConnectConfig>;
  try {
    config = loadClientConnectConfig({ overrideEnvVars: defined });
  } catch (cause) {
    throw new LaurelError('LAUREL_SERVER_UNREACHABLE', `expected a readable Temporal profile, got: ${(cause as Error).message}; correct TEMPORAL_PROFILE, TEMPORAL_CONFIG_FILE or the file itself`, {}, { cause });
  }
  const address = config.connectionOptions.address;
  if (address === undefined || address === '') return undefined;
  const options = Object.fromEntries(Object.entries(config.connectionOptions).filter(([, value]) => value !== undefined));
  return {
    address,
    namespace: config.namespace ?? 'default',
    variables: {},
    connection: options as ConnectionOptions,
    uiAddress: guessUiAddress(address, variables),
  };
}

/** `LAUREL_UI_ADDRESS`, else what is known of the usual addresses. */
export function guessUiAddress(address: string, variables: Variables): string | undefined {
  const own = variables['LAUREL_UI_ADDRESS'];
  if (own !== undefined && own !== '') return own.replace(/\/+$/, '');
  if (/\.tmprl\.cloud(:\d+)?$/.test(address)) return 'https://cloud.temporal.io';
  if (/^(localhost|127\.0\.0\.1):7233$/.test(address)) return 'http://localhost:8233';
  return undefined;
}

/** Page of one run in the Temporal UI. */
export function runPage(target: Pick<ServerTarget, 'uiAddress' | 'namespace'>, workflowId: string): string | undefined {
  if (target.uiAddress === undefined) return undefined;
  return `${target.uiAddress}/namespaces/${encodeURIComponent(target.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}

/**
 * A connection without retries of its own. Every caller here has a loop or a deadline; a retry that is still planned
 * when the connection is closed would end the process.
 */
export function openConnection(target: Pick<ServerTarget, 'connection'>, timeoutMs: number): Promise<Connection> {
  return Connection.connect({ ...target.connection, connectTimeout: timeoutMs, interceptors: [] });
}

/**
 * A connection whose namespace answers. The caller closes it.
 * @throws LaurelError LAUREL_SERVER_UNREACHABLE
 */
export async function connectTo(target: ServerTarget, timeoutMs = 10_000): Promise<Connection> {
  const unreachable = (what: string, cause: unknown): LaurelError =>
    new LaurelError(
      'LAUREL_SERVER_UNREACHABLE',
      `expected Temporal at ${target.address} to answer for namespace ${target.namespace} within ${timeoutMs} ms; ${what}: ${(cause as Error).message}`,
      { address: target.address, namespace: target.namespace },
      { cause },
    );
  let connection: Connection;
  try {
    connection = await openConnection(target, timeoutMs);
  } catch (cause) {
    throw unreachable('no connection', cause);
  }
  try {
    await connection.withDeadline(Date.now() + timeoutMs, () => connection.workflowService.describeNamespace({ namespace: target.namespace }));
    return connection;
  } catch (cause) {
    await connection.close();
    throw unreachable('the namespace did not answer', cause);
  }
}
