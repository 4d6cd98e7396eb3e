/**
 * A bad network between the workers' Flight servers. Workers listen on 127.0.0.1 and are told to advertise 127.0.0.2; this
 * proxy listens there, on the same port numbers, and passes on what it gets, late or not at all.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export const FLIGHT_FAULTS = ['delay', 'refuse', 'reset', 'cut'] as const;
export type FlightFault = (typeof FLIGHT_FAULTS)[number];

export const ADVERTISED_HOST = '127.0.0.2';
const DELAY_MS = 700;
/** A connection that is cut has passed on at most this much of the answer. */
const CUT_BYTES = 2_000;

export class FlightProxy {
  /** While set, every connection suffers it. */
  fault: FlightFault | null = null;
  /** Connections that were passed on, and that a fault has touched. */
  passed = 0;
  touched = 0;
  private readonly servers = new Map<number, Server>();
  private readonly sockets = new Set<Socket>();

  /** Listens for the Flight servers at these ports of 127.0.0.1. */
  serve(ports: Iterable<number>): void {
    for (const port of ports) {
      if (this.servers.has(port)) continue;
      const server = createServer((client) => this.pass(client, port));
      server.on('error', () => this.servers.delete(port)); // Somebody else's port; the next look tries again.
      server.listen(port, ADVERTISED_HOST);
      this.servers.set(port, server);
    }
  }

  close(): void {
    for (const server of this.servers.values()) server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Connections that are open now suffer too. */
  disturb(fault: FlightFault): void {
    this.fault = fault;
    if (fault === 'delay') return;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  private pass(client: Socket, port: number): void {
    if (this.fault !== null) this.touched++;
    if (this.fault === 'refuse' || this.fault === 'reset') {
      client.resetAndDestroy();
      return;
    }
    this.passed++;
    const worker = connect(port, '127.0.0.1');
    for (const socket of [client, worker]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        worker.destroy();
      });
    }
    const toWorker = this.slowly(worker);
    const toClient = this.slowly(client);
    let answered = 0;
    client.on('data', toWorker);
    worker.on('data', (bytes) => {
      answered += bytes.length;
      if (this.fault === 'cut' && answered > CUT_BYTES) client.resetAndDestroy();
      else toClient(bytes);
    });
  }

  /** In order, whatever changes meanwhile. */
  private slowly(to: Socket): (bytes: Buffer) => void {
    let before: Promise<unknown> = Promise.resolve();
    return (bytes) => {
      const pause = this.fault === 'delay' ? DELAY_MS : 0;
      before = before.then(async () => {
        if (pause > 0) await wait(pause);
        if (to.writable) to.write(bytes);
      });
    };
  }
}
