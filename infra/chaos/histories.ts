/** The history of a run of a state folder, whether or not its server runs just now. */
import type { RunHistory } from '../../workers/verify/history-facts.js';
import { RunClient } from '../cli/run-client.js';
import { connectTo } from '../devserver/connection.js';
import { openDevServer } from '../devserver/dev-server.js';
import { ensureTemporalCli } from '../temporal-cli/temporal-cli.js';

/** All links of the chain, the first one first; the server is started for it where it does not run, and stopped again. */
export async function historiesOf(state: string, run: string): Promise<readonly RunHistory[]> {
  const server = await openDevServer({ state, executable: (await ensureTemporalCli()).path, ports: 'any' });
  try {
    const connection = await connectTo(server.target);
    try {
      return await new RunClient(connection, server.target.namespace).histories(run);
    } finally {
      await connection.close();
    }
  } finally {
    if (!server.reused) await server.stop();
  }
}
