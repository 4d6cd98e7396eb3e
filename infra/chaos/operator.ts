/** The person at the desk: looks at the run now and then, and asks for another try where a step is parked. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RunStatus } from '../../proto/status.js';
import { RunClient } from '../cli/run-client.js';
import { connectTo } from '../devserver/connection.js';
import { findDevServer } from '../devserver/dev-server.js';

const LOOK_EVERY_MS = 5_000;

export class Operator {
  /** The newest answer of the run. */
  status: RunStatus | undefined;
  /** Steps that were parked, as one line each. */
  readonly parked: string[] = [];
  private closed = false;
  private readonly working: Promise<void>;

  constructor(
    private readonly state: string,
    private readonly run: string,
    private readonly onEvent: (text: string) => void,
  ) {
    this.working = this.work();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.closed) {
      // Server and workers are shot at: an answer that does not come is no news.
      await this.look().catch(() => undefined);
      for (let waited = 0; waited < LOOK_EVERY_MS && !this.closed; waited += 250) await wait(250);
    }
  }

  private async look(): Promise<void> {
    const target = await findDevServer(this.state);
    if (!target) return;
    const connection = await connectTo(target, 3_000);
    try {
      const client = new RunClient(connection, target.namespace);
      this.status = await connection.withDeadline(Date.now() + 5_000, () => client.status(this.run));
      for (const { id, step, code, message } of this.status.attention) {
        const said = `parked: ${step}: ${code} ${message.split('\n')[0]?.slice(0, 160)}`;
        this.parked.push(said);
        this.onEvent(`${said}; asking for another try`);
        await connection.withDeadline(Date.now() + 5_000, () => client.update(this.run, 'retry', { id, by: 'chaos' }));
      }
    } finally {
      await connection.close();
    }
  }
}
