/** One client for each location. Workers come and go with new ports, so the number of connections kept is bounded. */
import { FlightClient, type FlightClientOptions } from './client.js';

export class FlightClientPool {
  private readonly clients = new Map<string, FlightClient>();

  /** @param connectionsMax connections kept open (default 64); above it the one unused longest is closed, never one in use. */
  constructor(
    private readonly options: FlightClientOptions = {},
    private readonly connectionsMax = 64,
  ) {}

  /** @throws LaurelError LAUREL_TRANSPORT_FAILED where the location is none. */
  get(location: string): FlightClient {
    const client = this.clients.get(location) ?? new FlightClient(location, this.options);
    // A Map keeps insertion order: what is used last stands last.
    this.clients.delete(location);
    this.clients.set(location, client);
    if (this.clients.size > this.connectionsMax) this.closeOldest(client);
    return client;
  }

  get size(): number {
    return this.clients.size;
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private closeOldest(except: FlightClient): void {
    for (const [location, client] of this.clients) {
      if (client === except || client.calls > 0) continue;
      client.close();
      this.clients.delete(location);
      return;
    }
  }
}
