import { openDatabase } from '../db/database.ts';
import { directoryCopyOptions } from '../db/directory-copy.ts';
import { openDirectory } from '../db/directory.ts';
import { openSpill } from '../db/spill.ts';
import { ConfigError, loadConfig, type Config } from '../platform/config.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { serveMetrics, startMetrics } from '../platform/metrics.ts';
import { meterStores } from '../platform/store-metrics.ts';
import { createShutdown, type Shutdown } from '../platform/shutdown.ts';
import { startTracing } from '../platform/tracing.ts';
import { createProviders } from '../providers/index.ts';
import { watchBacklog, type Backlog } from '../temporal-config/backlog.ts';
import { connectTemporal, type TemporalConnection } from '../temporal-config/client.ts';
import { TASK_QUEUES } from '../temporal-config/names.ts';
import { setUpNamespace } from '../temporal-config/set-up.ts';
import type { ApiDeps } from './deps.ts';
import { tellingRefusals } from './inbound/refused-replies.ts';
import { createResponders } from './inbound/responders.ts';
import { startInboundSmtp } from './inbound/smtp.ts';
import { openIntake } from './intake/open-intake.ts';
import { createMailIntake } from './intake/mail.ts';
import { createRefusalLog } from './refusals.ts';
import { createTextSender } from './send-text.ts';
import { createVerificationSender } from './send-verification.ts';
import { startApi } from './server.ts';

const SHUTDOWN_LIMIT_MS = 15_000;
const SET_UP_RETRY_MS = 2000;

/** Composes the process. Neither PostgreSQL nor Temporal needs to be there yet. */
async function main(config: Config, logger: Logger, shutdown: Shutdown): Promise<void> {
  const tracing = startTracing({
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    service: 'pdlite-api',
  });
  shutdown.add('tracing', () => tracing.shutdown());
  const deps = await openDeps(config, logger, shutdown);
  startMetrics({ directoryAgeMs: () => deps.directory.ageMs() });
  const metrics = await serveMetrics({
    host: config.METRICS_HOST,
    port: config.API_METRICS_PORT,
    logger,
  }).catch(portTaken('API_METRICS_PORT', config.API_METRICS_PORT));
  shutdown.add('metrics', () => metrics.close());
  const spill = openSpill(config.INTAKE_DATABASE_URL, { logger });
  shutdown.add('spill', () => spill.close());
  const intake = openIntake(deps, spill);
  shutdown.add('intake', () => intake.close());
  const { sink } = intake;
  const readers = {
    responders: tellingRefusals(createResponders(deps.temporal), deps.refusals),
    intake: createMailIntake({ deps, sink }),
  };
  const smtp = await startInboundSmtp(deps, readers).catch(
    portTaken('INBOUND_SMTP_PORT', config.INBOUND_SMTP_PORT),
  );
  shutdown.add('inbound smtp', () => smtp.close());
  const api = await startApi(deps, sink).catch(portTaken('API_PORT', config.API_PORT));
  shutdown.add('api', () => api.close());
  logger.info({ url: api.url, smtpPort: smtp.port, metricsPort: metrics.port }, 'api is listening');
}

async function openDeps(config: Config, logger: Logger, shutdown: Shutdown): Promise<ApiDeps> {
  const database = openDatabase(config.DATABASE_URL, { poolMax: config.DATABASE_POOL_MAX, logger });
  shutdown.add('database', () => database.close());
  const copy = directoryCopyOptions(config, 'api');
  const directory = await openDirectory(config.DIRECTORY_DATABASE_URL, { logger, copy });
  shutdown.add('directory', () => directory.close());
  meterStores({
    databaseMode: () => database.mode(),
    directoryFromCopy: () => directory.source === 'copy',
    directoryCopyAgeMs: () => directory.copyAgeMs(),
  });
  const temporal = connectTemporal(config, { logger });
  shutdown.add('temporal', () => temporal.close());
  shutdown.add('temporal set-up', setUpTemporal(temporal, config.TEMPORAL_NAMESPACE, logger));
  const now = () => new Date();
  const refusals = createRefusalLog({ database, logger, now });
  shutdown.add('refusals', () => refusals.close());
  let backlog: Backlog | null = null;
  const queue = { taskQueue: TASK_QUEUES.projection, logger };
  const stopLooking = watchBacklog(temporal.client, queue, (seen) => (backlog = seen));
  shutdown.add('backlog', stopLooking);
  const providers = createProviders(config, { logger });
  const distinct = [...new Set(Object.values(providers).flat())];
  shutdown.add('providers', () => Promise.all(distinct.map((provider) => provider.close())));
  return {
    config,
    logger,
    directory,
    database,
    temporal: temporal.client,
    now,
    refusals,
    projectionBacklogSeconds: () => backlog?.ageSeconds ?? null,
    sendVerification: createVerificationSender(providers, directory),
    sendText: createTextSender(config, providers),
  };
}

/**
 * Registers the search attributes without which no incident can start, in the background and until it has
 * worked: alerts must come in although no worker has ever run. Answers how to stop it.
 */
function setUpTemporal(
  temporal: TemporalConnection,
  namespace: string,
  logger: Logger,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const attempt = (): void => {
    setUpNamespace(temporal.connection, namespace).then(
      () => logger.info({ temporalNamespace: namespace }, 'Temporal is set up'),
      (error: unknown) => {
        logger.warn({ err: error }, 'Temporal is not reachable yet');
        timer = setTimeout(attempt, SET_UP_RETRY_MS);
      },
    );
  };
  attempt();
  return () => clearTimeout(timer);
}

/** Something that whoever started the process can mend. */
class StartError extends Error {
  override readonly name = 'StartError';
}

function portTaken(variable: string, port: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'EADDRINUSE') throw error;
    throw new StartError(
      `Port ${port} is taken. Stop what listens there, or choose another port by ${variable}.`,
    );
  };
}

function fail(error: unknown): void {
  const known = error instanceof ConfigError || error instanceof StartError;
  console.error(known ? error.message : error);
  process.exitCode = 1;
}

try {
  const config = loadConfig();
  const logger = createLogger({ name: 'api', level: config.LOG_LEVEL });
  const shutdown = createShutdown({ logger, limitMs: SHUTDOWN_LIMIT_MS });
  await main(config, logger, shutdown).catch(async (error: unknown) => {
    fail(error);
    await shutdown.run('could not start', 1);
  });
} catch (error) {
  fail(error);
}
