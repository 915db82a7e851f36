import { createServer, type ServerResponse } from 'node:http';

import { Counter, Gauge, Histogram, collectDefaultMetrics, register } from 'prom-client';

import type { Logger } from './logger.ts';

const QUICK = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300] as const;

/** Messages by channel, provider and outcome: `accepted`, `stale` or a failure kind. Never by person. */
export const deliveries = new Counter({
  name: 'pdlite_delivery_total',
  help: 'Messages to people by channel, provider and outcome.',
  labelNames: ['channel', 'provider', 'outcome'] as const,
});

/** When each provider last took a message; its silence while the canary flies is a provider that is not tried, or fails. */
export const lastAccepted = new Gauge({
  name: 'pdlite_provider_last_accepted_timestamp_seconds',
  help: 'When the provider last took a message of this process, by channel and provider.',
  labelNames: ['channel', 'provider'] as const,
});

/** Tries of a provider in vain, by failure kind; the message may have gone by another. */
/** Workflows with which no worker could go on, by what came of the repair; any is a defect to be looked into. */
export const workflowRepairs = new Counter({
  name: 'pdlite_workflow_repairs_total',
  help: 'Workflows that no worker could go on with, by outcome of the repair (reset, failed).',
  labelNames: ['outcome'] as const,
});

export const providerFailures = new Counter({
  name: 'pdlite_provider_failures_total',
  help: 'Tries of a provider in vain, by channel, provider and failure.',
  labelNames: ['channel', 'provider', 'failure'] as const,
});

/** Breakers of this process: 0 closed, 1 half-open, 2 open. */
export const breakerState = new Gauge({
  name: 'pdlite_provider_breaker_state',
  help: 'Breaker of a provider in this process: 0 closed, 1 half-open, 2 open.',
  labelNames: ['channel', 'provider'] as const,
});

/** Questions for a provider’s health, which are asked of those that failed. */
export const providerProbes = new Counter({
  name: 'pdlite_provider_probes_total',
  help: 'Health checks of providers that failed, by result.',
  labelNames: ['channel', 'provider', 'result'] as const,
});

/** 1 while every provider of the channel is down. */
export const channelDown = new Gauge({
  name: 'pdlite_channel_down',
  help: '1 while no provider of this channel works, as this process sees it.',
  labelNames: ['channel'] as const,
});

/** Seconds until a provider answered. */
export const deliveryDuration = new Histogram({
  name: 'pdlite_delivery_duration_seconds',
  help: 'Time that one delivery took, by channel, provider and outcome.',
  labelNames: ['channel', 'provider', 'outcome'] as const,
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

/** Seconds from the trigger to a provider’s acceptance of the first page. */
export const pagingLatency = new Histogram({
  name: 'pdlite_paging_latency_seconds',
  help: 'Time from the trigger to the provider’s acceptance of an incident’s first page.',
  buckets: [...QUICK],
});

/** Seconds from a log entry’s instant to its row in PostgreSQL. */
export const projectionLag = new Histogram({
  name: 'pdlite_projection_lag_seconds',
  help: 'Time from a change of an incident to its row in PostgreSQL.',
  buckets: [...QUICK, 1800, 3600],
});

/** Incidents that are not resolved, by status, as Temporal’s visibility counts them. */
export const openIncidents = new Gauge({
  name: 'pdlite_open_incidents',
  help: 'Incidents that are not resolved, over all accounts, by status.',
  labelNames: ['status'] as const,
});

/** Seconds since the last proof that the directory is current; +Inf before the first load. */
export const directoryAge = new Gauge({
  name: 'pdlite_directory_age_seconds',
  help: 'Age of the configuration in this process’s memory.',
});

/** Every metric of this process, in the registry that prom-client shares between all modules. */
export function startMetrics(sources: { readonly directoryAgeMs?: () => number } = {}): void {
  const { directoryAgeMs } = sources;
  collectDefaultMetrics({ register });
  if (directoryAgeMs === undefined) return;
  // Read when somebody asks, so that a process that stands still does not look fresh.
  Object.assign(directoryAge, { collect: () => directoryAge.set(directoryAgeMs() / 1000) });
}

export interface HealthReport {
  readonly ready: boolean;
  /** What a person needs to see why; no secrets. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
  /** Answers `/health/ready`; without it there is none. */
  readonly health?: () => HealthReport | Promise<HealthReport>;
  /** URL of more metrics (the Temporal SDK’s), appended to ours. */
  readonly alsoFrom?: string;
}

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, `/health/live` and `/health/ready` on a port of their own, so that they never compete
 * with, or are exposed like, the api.
 * @throws Error with code EADDRINUSE when the port is taken.
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    answer(request.url ?? '/', response, options).catch((error: unknown) => {
      options.logger.warn({ err: error }, 'metrics could not be served');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  url: string,
  response: ServerResponse,
  options: MetricsServerOptions,
): Promise<void> {
  const path = url.split('?')[0];
  if (path === '/metrics') {
    const own = await register.metrics();
    const more = options.alsoFrom === undefined ? '' : await fetchText(options.alsoFrom);
    response.writeHead(200, { 'content-type': register.contentType });
    response.end(own + more);
  } else if (path === '/health/live') {
    sendJson(response, 200, { status: 'ok' });
  } else if (path === '/health/ready' && options.health !== undefined) {
    const { ready, details } = await options.health();
    sendJson(response, ready ? 200 : 503, { status: ready ? 'ok' : 'not_ready', ...details });
  } else {
    sendJson(response, 404, { status: 'not_found' });
  }
}

/** What the SDK counts is worth less than our own metrics: its absence never hides them. */
async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
