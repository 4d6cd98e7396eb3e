/** TCP ports for the dev server. */
import { createServer } from 'node:net';

/** Whether a server can listen on this port of 127.0.0.1 now. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error('expected a free port on 127.0.0.1, the system gave none');
  return port;
}

/**
 * The wanted ports where all of them are free, else as many other free ports. Ports are chosen together, so that the
 * address of the user interface never belongs to another server than the address of the service.
 */
export async function choosePorts(wanted: readonly (readonly number[])[], count: number): Promise<number[]> {
  for (const ports of wanted) {
    const free = await Promise.all(ports.map(isPortFree));
    if (free.every(Boolean)) return [...ports];
  }
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(await freePort());
  return [...chosen];
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
