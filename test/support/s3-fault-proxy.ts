/** Stands between a store and its S3 server, and does to single requests what networks and servers do to them. */
import { once } from 'node:events';
import { Agent, createServer, request as ask, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type S3Fault =
  /** The server does what was asked; the connection ends before its answer. */
  | { readonly kind: 'lose-answer' }
  /** The server gets half of the body, and the connection ends. */
  | { readonly kind: 'cut-upload' }
  /** Half of the body of the answer comes, and the connection ends. */
  | { readonly kind: 'cut-answer' }
  /** The server gets nothing, and nobody answers. */
  | { readonly kind: 'hang' }
  /** The server gets nothing; this is answered in its place. */
  | { readonly kind: 'answer'; readonly status: number; readonly code?: string };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export class S3FaultProxy {
  /** Every request that came, with the fault that it met. */
  readonly requests: { readonly method: string; readonly path: string; readonly fault: S3Fault['kind'] | undefined }[] = [];
  connections = 0;
  private readonly planned: { readonly method: string; readonly path: string; readonly fault: S3Fault; left: number }[] = [];
  private readonly agent = new Agent({ keepAlive: true });
  private readonly server = createServer((request, response) => {
    void this.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  private constructor(private readonly target: URL) {
    this.server.on('connection', () => this.connections++);
  }

  static async start(endpoint: string): Promise<S3FaultProxy> {
    const proxy = new S3FaultProxy(new URL(endpoint));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests of this method whose path ends so meet the fault. */
  plan(method: string, path: string, fault: S3Fault, times = 1): void {
    this.planned.push({ method, path, fault, left: times });
  }

  /** Requests of a method whose path ends so. */
  count(method: string, path = ''): number {
    return this.requests.filter((one) => one.method === method && one.path.endsWith(path)).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.agent.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const method = request.method as string;
    const path = (request.url as string).split('?')[0] as string;
    const plan = this.planned.find((one) => one.left > 0 && one.method === method && path.endsWith(one.path));
    if (plan) plan.left--;
    this.requests.push({ method, path, fault: plan?.fault.kind });
    switch (plan?.fault.kind) {
      case 'hang':
        return;
      case 'answer': {
        const { status, code } = plan.fault;
        response.writeHead(status, { 'content-type': 'application/xml' }).end(method === 'HEAD' || code === undefined ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>planned by the test</Message></Error>`);
        return;
      }
      case 'cut-upload':
        await this.sendHalf(request, body);
        request.socket.destroy();
        return;
      default:
    }
    const answer = await this.forward(request, body);
    if (plan?.fault.kind === 'lose-answer') {
      request.socket.resetAndDestroy();
      return;
    }
    response.writeHead(answer.status, answer.headers);
    if (plan?.fault.kind !== 'cut-answer') {
      response.end(answer.body);
      return;
    }
    await new Promise((resolve) => response.write(answer.body.subarray(0, answer.body.length / 2), resolve));
    request.socket.destroy();
  }

  private forward(request: IncomingMessage, body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const passed = ask(this.optionsOf(request), (answer) => {
        bodyOf(answer).then((bytes) => resolve({ status: answer.statusCode as number, headers: answer.headers, body: bytes }), reject);
      });
      passed.on('error', reject).end(body);
    });
  }

  /** As a sender does that dies while it sends. */
  private async sendHalf(request: IncomingMessage, body: Buffer): Promise<void> {
    const passed = ask({ ...this.optionsOf(request), agent: false });
    passed.on('error', () => undefined);
    await new Promise((resolve) => passed.write(body.subarray(0, body.length / 2), resolve));
    passed.destroy();
    await once(passed, 'close');
  }

  /** With the host that the sender has signed. */
  private optionsOf(request: IncomingMessage): RequestOptions {
    return { host: this.target.hostname, port: this.target.port, method: request.method, path: request.url, headers: request.headers, agent: this.agent };
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
