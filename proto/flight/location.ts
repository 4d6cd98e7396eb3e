/** Flight locations: `grpc+tcp://host:port` (also `grpc://`), `grpc+tls://host:port`; IPv6 hosts in brackets. */
import { LaurelError } from '../errors.js';

export interface Location {
  /** `host:port`, as gRPC takes it. */
  readonly address: string;
  readonly tls: boolean;
}

/** @throws LaurelError LAUREL_TRANSPORT_FAILED */
export function parseLocation(uri: string): Location {
  const match = /^(grpc|grpc\+tcp|grpc\+tls):\/\/((?:\[[0-9A-Fa-f:.%]+\]|[^\s:/[\]]+):([0-9]{1,5}))\/?$/.exec(uri);
  const [, scheme, address, port] = match ?? [];
  if (address === undefined || Number(port) > 65535) {
    throw new LaurelError('LAUREL_TRANSPORT_FAILED', `expected a Flight location such as grpc+tcp://host:port or grpc+tls://host:port, got ${JSON.stringify(uri)}`, { uri });
  }
  return { address, tls: scheme === 'grpc+tls' };
}

export function formatLocation(host: string, port: number, tls: boolean): string {
  return `${tls ? 'grpc+tls' : 'grpc+tcp'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
