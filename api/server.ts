import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createApp } from './app.ts';
import type { ApiDeps } from './deps.ts';
import type { IntakeSink } from './intake/sink.ts';

/** A whole request must have arrived within this time, its headers within the shorter one. */
const REQUEST_TIMEOUT_MS = 20_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** How often slow connections are looked for. */
const CHECK_EVERY_MS = 2000;
/** Longer than the idle time of common load balancers, so that they never reuse a closing connection. */
const KEEP_ALIVE_MS = 65_000;
/** Requests under way may finish within this time on shutdown. */
const DRAIN_MS = 10_000;

export interface RunningApi {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Takes no new connection, lets requests under way finish (at most 10 s), then closes. */
  close(): Promise<void>;
}

/**
 * Starts the api on the configured address; port 0 takes a free one.
 * @throws with code EADDRINUSE when the port is taken.
 */
export async function startApi(deps: ApiDeps, sink?: IntakeSink): Promise<RunningApi> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    createApp(deps, sink),
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await listen(server, deps.config.API_PORT, deps.config.API_HOST);
  const { port, address, family } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return { url: `http://${host}:${port}`, port, close: () => close(server) };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
