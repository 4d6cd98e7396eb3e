/** Keeps the dev server alive while a command needs it: one that dies is started again at the same address. */
import { openDevServer, type DevServer, type DevServerOptions } from './dev-server.js';
import { isProcessAlive } from '../../workers/process-alive.js';

const LOOK_EVERY_MS = 1_000;
const RETRY_MS_MAX = 30_000;

export class ServerKeeper {
  private timer: NodeJS.Timeout | undefined;
  private opening: Promise<void> = Promise.resolve();
  private closed = false;
  private failures = 0;

  private constructor(
    public server: DevServer,
    private readonly options: DevServerOptions,
    private readonly onEvent: (text: string) => void,
  ) {
    this.look(LOOK_EVERY_MS);
  }

  /** @throws LaurelError LAUREL_SERVER_UNREACHABLE where the first start fails */
  static async open(options: DevServerOptions, onEvent: (text: string) => void): Promise<ServerKeeper> {
    return new ServerKeeper(await openDevServer(options), options, onEvent);
  }

  /** Stops the server where it is this process's own. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.opening;
    await this.server.stop();
  }

  private look(inMs: number): void {
    if (this.closed) return;
    this.timer = setTimeout(() => {
      if (isProcessAlive(this.server.pid)) this.look(LOOK_EVERY_MS);
      else this.opening = this.reopen();
    }, inMs);
  }

  private async reopen(): Promise<void> {
    this.onEvent('the development server died; starting it again');
    try {
      this.server = await openDevServer({ ...this.options, samePorts: true });
      this.failures = 0;
      this.onEvent(`the development server is back at ${this.server.target.address}`);
      this.look(LOOK_EVERY_MS);
    } catch (error) {
      this.failures += 1;
      const retryMs = Math.min(RETRY_MS_MAX, 1000 * 2 ** this.failures);
      this.onEvent(`the development server does not start (${(error as Error).message.split('\n')[0]}); next try in ${Math.round(retryMs / 1000)} s`);
      this.look(retryMs);
    }
  }
}
