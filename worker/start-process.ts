import { setTimeout as sleep } from 'node:timers/promises';

import { NativeConnection, Runtime } from '@temporalio/worker';

import { openDatabase, type Database } from '../db/database.ts';
import { directoryCopyOptions } from '../db/directory-copy.ts';
import { openDirectory, type LiveDirectory } from '../db/directory.ts';
import type { Config } from '../platform/config.ts';
import { freePort } from '../platform/embedded/process.ts';
import { temporalLogger, type Logger } from '../platform/logger.ts';
import { serveMetrics, startMetrics, type HealthReport } from '../platform/metrics.ts';
import { ageOrNull, meterBacklog, meterStores } from '../platform/store-metrics.ts';
import { createShutdown, type Shutdown } from '../platform/shutdown.ts';
import { startTracing } from '../platform/tracing.ts';
import { createProviders } from '../providers/index.ts';
import { watchBacklog } from '../temporal-config/backlog.ts';
import { connectTemporal, withDeadline } from '../temporal-config/client.ts';
import { TASK_QUEUES } from '../temporal-config/names.ts';
import { setUpNamespace } from '../temporal-config/set-up.ts';
import { startSigning } from './audit-signing.ts';
import { watchOpenIncidents } from './open-incidents.ts';
import { repairWorkflows } from './repair-workflows.ts';
import { startWorker, type RunningWorker, type WorkerDeps } from './worker.ts';
import { workflowBundle } from './workflow-bundle.ts';

const STOP_LIMIT_MS = 13_000;
const SET_UP_LIMIT_MS = 3000;
const RETRY_MS = [100, 200, 500, 1000, 2000, 5000] as const;

/** What there is of the process so far. */
interface Parts {
  worker?: RunningWorker;
  directory?: LiveDirectory;
  database?: Database;
}

/**
 * The worker process. Everything but its port may be missing when it starts: it serves health at once, goes on
 * trying for Temporal, and is ready when it works and knows the configuration.
 */
export async function startProcess(config: Config, logger: Logger): Promise<void> {
  const shutdown = createShutdown({ logger, limitMs: STOP_LIMIT_MS });
  const parts: Parts = {};
  const metricsPort = await startObserving(config, logger, { shutdown, parts });
  const bundle = workflowBundle({ logger: temporalLogger(logger) });
  bundle.catch(() => undefined);
  const temporal = connectTemporal(config, { logger });
  shutdown.add('Temporal client', () => temporal.close());
  const stores = await openStores(config, logger, shutdown);
  Object.assign(parts, { directory: stores.directory, database: stores.database });
  const deps = { config, logger, ...stores, temporal: temporal.client };
  const { worker, connection } = await untilTemporal(logger, async () => {
    await withDeadline(temporal.client, SET_UP_LIMIT_MS, () =>
      setUpNamespace(temporal.connection, config.TEMPORAL_NAMESPACE),
    );
    const native = await NativeConnection.connect(temporal.nativeOptions);
    return startOn(native, { ...deps, bundle: await bundle });
  });
  parts.worker = worker;
  const signer = startSigning(config, stores.providers, logger);
  shutdown.add('audit signer', () => signer?.close());
  shutdown.add('connection', () => connection.close());
  shutdown.add('worker', () => worker.shutdown());
  shutdown.add('open incidents', watchOpenIncidents(temporal.client, logger));
  shutdown.add('repairs', repairWorkflows(temporal.client, logger));
  const queue = { taskQueue: TASK_QUEUES.projection, logger };
  shutdown.add('backlog', watchBacklog(temporal.client, queue, meterBacklog));
  logger.info({ metricsPort }, 'worker is running');
  worker.run.catch((error: unknown) => {
    logger.fatal({ err: error }, 'a worker failed');
    void shutdown.run('a worker failed', 1);
  });
}

/** Tracing, the SDK's runtime, metrics and health. Answers the port of the last two. */
async function startObserving(
  config: Config,
  logger: Logger,
  { shutdown, parts }: { readonly shutdown: Shutdown; readonly parts: Parts },
): Promise<number> {
  const tracing = startTracing({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    service: 'pdlite-worker',
  });
  shutdown.add('tracing', () => tracing.shutdown());
  const metrics = await serveMetrics({
    host: config.METRICS_HOST,
    port: config.WORKER_METRICS_PORT,
    logger,
    alsoFrom: await installRuntime(logger),
    health: () => health(parts),
  });
  shutdown.add('metrics', () => metrics.close());
  startMetrics({ directoryAgeMs: () => parts.directory?.ageMs() ?? Number.POSITIVE_INFINITY });
  return metrics.port;
}

async function openStores(config: Config, logger: Logger, shutdown: Shutdown) {
  const poolMax = config.DATABASE_POOL_MAX;
  const database = openDatabase(config.DATABASE_URL, { poolMax, logger });
  shutdown.add('database', () => database.close());
  const copy = directoryCopyOptions(config, 'worker');
  const directory = await openDirectory(config.DIRECTORY_DATABASE_URL, { logger, copy });
  shutdown.add('directory', () => directory.close());
  meterStores({
    databaseMode: () => database.mode(),
    directoryFromCopy: () => directory.source === 'copy',
    directoryCopyAgeMs: () => directory.copyAgeMs(),
  });
  const providers = createProviders(config, { logger });
  const distinct = [...new Set(Object.values(providers).flat())];
  shutdown.add('providers', () => Promise.all(distinct.map((one) => one.close())));
  return { database, directory, providers };
}

async function startOn(connection: NativeConnection, deps: Omit<WorkerDeps, 'connection'>) {
  try {
    return { connection, worker: await startWorker({ ...deps, connection }) };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Workers end by our own order; the SDK must not act on signals. Answers where the SDK's metrics are. */
async function installRuntime(logger: Logger): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  Runtime.install({
    logger: temporalLogger(logger),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      metrics: { prometheus: { bindAddress: address, useSecondsForDurations: true } },
    },
  });
  return `http://${address}/metrics`;
}

async function untilTemporal<T>(logger: Logger, start: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      const waitMs = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0;
      logger.warn({ err: error, attempt, waitMs }, 'Temporal is not there yet; trying again');
      await sleep(waitMs);
    }
  }
}

/** Without PostgreSQL it stays ready: it pages all the same. */
function health({ worker, directory, database }: Parts): HealthReport {
  const state = worker?.state() ?? 'starting';
  const loaded = directory?.ready ?? false;
  const ageMs = directory?.ageMs() ?? Number.POSITIVE_INFINITY;
  return {
    ready: state === 'running' && loaded,
    details: {
      worker: state,
      directory: { loaded, source: directory?.source ?? 'none', age_ms: ageOrNull(ageMs) },
      directory_copy: { age_ms: ageOrNull(directory?.copyAgeMs()) },
      database: { mode: database?.mode() ?? 'unknown' },
    },
  };
}
