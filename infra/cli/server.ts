/** The server that a command works with: the one that is named, the one that runs, or one that is started. */
import type { Connection } from '@temporalio/client';
import { LaurelError } from '../../proto/errors.js';
import type { OnProgress } from '../../workers/assets/index.js';
import { connectTo, namedServer, type ServerTarget } from '../devserver/connection.js';
import { findDevServer } from '../devserver/dev-server.js';
import { ServerKeeper } from '../devserver/keeper.js';
import { ensureSearchAttributes } from '../devserver/search-attributes.js';
import { stateFolder } from '../folders.js';
import { ensureTemporalCli } from '../temporal-cli/temporal-cli.js';

export interface OpenServer {
  readonly target: ServerTarget;
  readonly connection: Connection;
  /** For a person: where the server is and whose it is. */
  readonly note: string;
  /** Closes the connection, and stops the server where this process has to. */
  close(): Promise<void>;
}

/**
 * Uses the server that the environment or Temporal's TOML profile names, else starts (or joins) the dev server of the
 * state folder and keeps it alive.
 * @throws LaurelError LAUREL_SERVER_UNREACHABLE, LAUREL_ASSET_MISSING
 */
export async function openServer(options: { readonly onProgress?: OnProgress; readonly onEvent: (text: string) => void }): Promise<OpenServer> {
  const named = namedServer();
  if (named) {
    const connection = await connectTo(named);
    const added = await ensureSearchAttributes(connection, named.namespace).catch(async (error: unknown) => {
      await connection.close();
      throw error;
    });
    const note = `server at ${named.address}, namespace ${named.namespace}${added.length > 0 ? `; registered ${added.join(', ')}` : ''}`;
    return { target: named, connection, note, close: () => connection.close() };
  }
  const cli = await ensureTemporalCli({ ...(options.onProgress && { onProgress: options.onProgress }) });
  const keeper = await ServerKeeper.open({ state: stateFolder(), executable: cli.path, ports: process.env['LAUREL_SERVER_PORTS'] === 'any' ? 'any' : 'usual' }, options.onEvent);
  const { target, reused } = keeper.server;
  try {
    const connection = await connectTo(target);
    return {
      target,
      connection,
      note: `development server at ${target.address}${reused ? ' (was running)' : ''}, its page ${target.uiAddress}`,
      close: async () => {
        await connection.close();
        await keeper.close();
      },
    };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/**
 * The server for a command that starts none: the named one, else the one that runs for this state folder.
 * @throws LaurelError LAUREL_SERVER_UNREACHABLE
 */
export async function findServer(): Promise<OpenServer> {
  const target = namedServer() ?? (await findDevServer(stateFolder()));
  if (target === undefined) {
    throw new LaurelError('LAUREL_SERVER_UNREACHABLE', `expected a server: TEMPORAL_ADDRESS and Temporal's profile name none, and none runs for the state folder ${stateFolder()}; start one with \`laurel up\``, { state: stateFolder() });
  }
  const connection = await connectTo(target);
  return { target, connection, note: `server at ${target.address}`, close: () => connection.close() };
}
