/** A real HTTP server that stands for a judge: what it does with each request is written by the test. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface JudgeRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  /** The message that is asked about. */
  readonly message: string;
  /** Which request about this message it is, from 1. */
  readonly nth: number;
}

export interface JudgeReply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Cut the connection instead of answering. */
  readonly reset?: boolean;
  /** Cut it in the middle of the body. */
  readonly half?: boolean;
}

export interface JudgeServer {
  readonly baseUrl: string;
  readonly requests: JudgeRequest[];
  /** Requests that were open at the same time at most. */
  readonly openMax: () => number;
  readonly close: () => Promise<void>;
}

export async function judgeServer(reply: (request: JudgeRequest) => JudgeReply | Promise<JudgeReply>): Promise<JudgeServer> {
  const requests: JudgeRequest[] = [];
  const sockets = new Set<Socket>();
  let open = 0;
  let openMax = 0;
  const server = createServer((incoming, outgoing) => {
    openMax = Math.max(openMax, ++open);
    outgoing.on('close', () => open--);
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as Record<string, unknown>;
      const message = messageOf(body);
      const nth = requests.filter((one) => one.message === message).length + 1;
      const request = { path: incoming.url ?? '', headers: incoming.headers, body, message, nth };
      requests.push(request);
      void Promise.resolve(reply(request)).then((answer) => {
        if (answer.reset === true) return incoming.socket.resetAndDestroy();
        outgoing.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
        if (answer.half === true) return outgoing.write(JSON.stringify(answer.body).slice(0, 20), () => incoming.socket.resetAndDestroy());
        return outgoing.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
      });
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    openMax: () => openMax,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function messageOf(body: Record<string, unknown>): string {
  const turns = body['messages'] as { readonly content: string }[] | undefined;
  const text = turns ? (turns.at(-1)?.content ?? '') : (body['prompt'] as string);
  const last = text.split('\n').at(-1) ?? '';
  return /^Message:(?: "|) (?<message>.*?)"?(?: ->)?$/su.exec(last)?.groups?.['message'] ?? last;
}

/** A chat reply with these probabilities of the first token. */
export function chatReply(probabilities: Readonly<Record<string, number>>): JudgeReply {
  const top = Object.entries(probabilities).map(([token, probability]) => ({ token, logprob: Math.log(probability) }));
  return { body: { choices: [{ message: { content: top[0]?.token ?? '' }, logprobs: { content: [{ top_logprobs: top }] }, finish_reason: 'length' }], usage: { prompt_tokens: 120, completion_tokens: 1 } } };
}

/** A chat reply with text alone. */
export function textReply(content: string, finish = 'stop'): JudgeReply {
  return { body: { choices: [{ message: { content }, logprobs: null, finish_reason: finish }], usage: { prompt_tokens: 120, completion_tokens: 3 } } };
}
