import { Client, Connection } from '@temporalio/client';

import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';

type TemporalConfig = Pick<
  Config,
  'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'TEMPORAL_API_KEY' | 'TEMPORAL_TLS'
>;

/** Where and how to connect; the same for clients and for the worker's NativeConnection. */
export interface TemporalAddress {
  readonly address: string;
  readonly tls: boolean;
  readonly apiKey?: string;
}

export interface TemporalConnection {
  readonly client: Client;
  readonly connection: Connection;
  readonly nativeOptions: TemporalAddress;
  close(): Promise<void>;
}

/**
 * gRPC's own pause between two tries to connect grows to two minutes: after a long outage a worker whose polls have
 * long been back could page nobody.
 */
const RECONNECT = {
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1000,
};

/**
 * The one factory of Temporal clients. Connects with the first call, so that a process starts while Temporal
 * is away. An API key switches TLS on.
 */
export function connectTemporal(
  config: TemporalConfig,
  { logger }: { readonly logger: Logger },
): TemporalConnection {
  const nativeOptions = temporalAddress(config);
  const options = { ...nativeOptions, connectTimeout: '5s', channelArgs: RECONNECT } as const;
  const connection = Connection.lazy(options);
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  logger.debug({ address: nativeOptions.address, tls: nativeOptions.tls }, 'Temporal client made');
  return { client, connection, nativeOptions, close: () => connection.close() };
}

/** Address, TLS and API key as the SDK takes them. */
export function temporalAddress(config: TemporalConfig): TemporalAddress {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: apiKey, TEMPORAL_TLS: tls } = config;
  return apiKey === undefined ? { address, tls } : { address, apiKey, tls: true };
}

/**
 * Runs calls of `work` with one common deadline. Without it the client tries for about 20 s while Temporal is away.
 * @throws the SDK's ServiceError with gRPC code 4 (deadline exceeded) or 14 (unavailable).
 */
export function withDeadline<T>(client: Client, ms: number, work: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + ms, work);
}
