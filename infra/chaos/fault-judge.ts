/**
 * A real judge with the OpenAI interface, on a port of its own, that fails on demand. Its verdict is a function of the
 * message alone, so that a run can be asked later whether it kept to it; its journal says what was asked and answered.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { CounterRandom } from '../../proto/philox.js';
import type { AskerTroubles, JudgeEntry as AskedEntry } from '../../workers/verify/judge-audit.js';
import type { JudgeEvidence } from '../../workers/verify/label-audit.js';

export const JUDGE_FAULTS = ['rate-limit', 'error', 'timeout', 'garbled', 'half-reply', 'reset'] as const;
export type JudgeFault = (typeof JUDGE_FAULTS)[number];

/** What the judge writes down of one request. */
export interface JudgeEntry extends AskedEntry {
  endedAtMs: number;
  outcome: 'open' | 'answered' | 'gone' | JudgeFault;
}

export interface FaultJudgeOptions {
  readonly seed: number;
  /** Share of requests that fail by themselves, 0..1. */
  readonly faultShare: number;
  /** Milliseconds of thought: between the two, drawn by the number of the request. */
  readonly thinkMs: readonly [number, number];
  readonly now?: () => number;
}

/** Probability that the message is helpful, 0.02 .. 0.98: its hash decides. */
export function verdictOf(question: string): number {
  return 0.02 + (0.96 * createHash('sha256').update(question).digest().readUInt16LE(0)) / 0xffff;
}

export class FaultJudge {
  readonly journal: JudgeEntry[] = [];
  /** While set, every request ends so. */
  fault: JudgeFault | null = null;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly random: CounterRandom;
  private readonly now: () => number;
  private port = 0;

  constructor(private readonly options: FaultJudgeOptions) {
    this.random = new CounterRandom(options.seed, 'judgeNoise');
    this.now = options.now ?? Date.now;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** For `checkInvariants`. @param troubles what was done to those who ask @param state their state folder */
  evidence(troubles: AskerTroubles, state: string): JudgeEvidence {
    return { journal: this.journal, troubles, questionOf, verdictOf, spool: join(state, 'spool') };
  }

  /** Listens; again on the same port after `stop`. */
  async start(): Promise<void> {
    const server = createServer((request, response) => this.take(request, response));
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Gone: connections are cut, new ones refused. */
  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { messages } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { messages: readonly { content: string }[] };
      const entry: JudgeEntry = { question: questionOf(messages), askedAtMs: this.now(), endedAtMs: 0, outcome: 'open' };
      const number = this.journal.push(entry) - 1;
      response.once('close', () => {
        entry.endedAtMs = this.now();
        if (entry.outcome === 'open') entry.outcome = 'gone';
      });
      const [low, high] = this.options.thinkMs;
      setTimeout(() => this.answer(entry, response, this.fault ?? this.ownFault(number)), low + (high - low) * this.random.uniform(number, 1));
    });
  }

  private ownFault(number: number): JudgeFault | null {
    if (this.random.uniform(number, 2) >= this.options.faultShare) return null;
    return JUDGE_FAULTS[Math.floor(this.random.uniform(number, 3) * JUDGE_FAULTS.length)] as JudgeFault;
  }

  private answer(entry: JudgeEntry, response: ServerResponse, fault: JudgeFault | null): void {
    if (response.destroyed) return;
    if (fault !== null) {
      entry.outcome = fault;
      fail(response, fault);
      return;
    }
    response.once('finish', () => (entry.outcome = 'answered'));
    response.writeHead(200, { 'content-type': 'application/json' }).end(verdictBody(entry.question));
  }
}

function fail(response: ServerResponse, fault: JudgeFault): void {
  switch (fault) {
    case 'rate-limit':
      response.writeHead(429, { 'retry-after': '1' }).end('{"error":{"message":"too many requests"}}');
      return;
    case 'error':
      response.writeHead(500).end('{"error":{"message":"internal error"}}');
      return;
    case 'timeout':
      return; // Never answered; the client's own deadline ends it.
    case 'garbled':
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>{"choices":');
      return;
    case 'half-reply': {
      const body = verdictBody('half');
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.write(body.slice(0, body.length / 2), () => response.destroy());
      return;
    }
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    default: {
      const never: never = fault;
      throw new TypeError(`unknown fault ${String(never)}`);
    }
  }
}

function verdictBody(question: string): string {
  const helpful = verdictOf(question);
  const top = [
    { token: 'Yes', logprob: Math.log(helpful) },
    { token: 'No', logprob: Math.log(1 - helpful) },
  ];
  const content = helpful > 0.5 ? 'Yes' : 'No';
  return JSON.stringify({
    choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: { content: [{ token: content, logprob: 0, top_logprobs: top }] }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 40, completion_tokens: 1 },
  });
}

/** The goal and the message: two annotators may ask about the same message. */
export function questionOf(messages: readonly { readonly content: string }[]): string {
  const goal = messages[0]?.content.split('\n')[0] ?? '';
  return `${goal} | ${messages.at(-1)?.content ?? ''}`;
}
