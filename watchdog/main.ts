import { pingDatabase } from '../db/ping.ts';
import { ConfigError, loadConfig, type Config } from '../platform/config.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { serveMetrics, startMetrics } from '../platform/metrics.ts';
import { createShutdown } from '../platform/shutdown.ts';
import { createProviders } from '../providers/index.ts';
import { connectTemporal, withDeadline } from '../temporal-config/client.ts';
import { Canary } from './canary.ts';
import { httpCheck, httpChecks, providersCheck, type Check } from './checks.ts';
import { readContacts } from './contacts.ts';
import { Pager } from './pager.ts';
import { Watchdog } from './watchdog.ts';

const SHUTDOWN_LIMIT_MS = 10_000;
const TEMPORAL_LIMIT_MS = 3000;

/** Composes the process. It needs nothing of the product to start, and tells people by its own providers. */
async function main(config: Config, logger: Logger): Promise<void> {
  const { WATCHDOG_CONTACTS_FILE: file, WATCHDOG_CONTACTS_KEY: key } = config;
  if (file === undefined || key === undefined) {
    throw new ConfigError('The watchdog needs WATCHDOG_CONTACTS_FILE and WATCHDOG_CONTACTS_KEY.');
  }
  const contacts = await readContacts(file, key).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${file} cannot be used: ${reason}`, { cause });
  });
  const shutdown = createShutdown({ logger, limitMs: SHUTDOWN_LIMIT_MS });
  const list = config.WATCHDOG_PROVIDERS.length > 0 ? config.WATCHDOG_PROVIDERS : config.PROVIDERS;
  const providers = createProviders({ ...config, PROVIDERS: list }, { logger });
  const distinct = [...new Set(Object.values(providers).flat())];
  shutdown.add('providers', () => Promise.all(distinct.map((provider) => provider.close())));
  const temporal = connectTemporal(config, { logger });
  shutdown.add('temporal', () => temporal.close());
  const canary = canaryOf(config, logger);
  if (canary) {
    await canary.start();
    shutdown.add('canary', () => canary.stop());
  }
  startMetrics({});
  const metrics = await serveMetrics({
    ...{ host: config.METRICS_HOST, port: config.WATCHDOG_PORT, logger },
    health: () => ({ ready: true, details: { contacts: contacts.length } }),
  });
  shutdown.add('metrics', () => metrics.close());
  const checks: readonly Check[] = [
    ...httpChecks('intake', config.WATCHDOG_API_URLS, '/health/ready'),
    ...httpChecks('worker', config.WATCHDOG_WORKER_URLS, '/health/ready'),
    providersCheck(config.WATCHDOG_WORKER_URLS),
    temporalCheck(() =>
      withDeadline(temporal.client, TEMPORAL_LIMIT_MS, () =>
        temporal.connection.workflowService.getSystemInfo({}),
      ),
    ),
    postgresCheck(config.DATABASE_URL),
    ...config.WATCHDOG_PEERS.map((url) => httpCheck('other watchdog', `${url}/health/live`)),
    ...(canary ? [canary] : []),
  ];
  const pager = new Pager({ providers, contacts, logger });
  const watchdog = new Watchdog({ checks, pager, logger });
  watchdog.start();
  shutdown.add('watchdog', () => watchdog.stop());
  logger.info({ parts: checks.map(({ name }) => name), contacts: contacts.length }, 'watching');
}

function canaryOf(config: Config, logger: Logger): Canary | undefined {
  const { WATCHDOG_CANARY_KEY: key, WATCHDOG_API_URLS: urls } = config;
  const [apiUrl] = urls;
  if (key === undefined || apiUrl === undefined) return undefined;
  return new Canary({
    ...{ apiUrl, key, logger, everyMs: config.WATCHDOG_CANARY_INTERVAL_SEC * 1000 },
    ...{ host: config.METRICS_HOST, port: config.WATCHDOG_CANARY_PORT },
  });
}

function temporalCheck(ask: () => Promise<unknown>): Check {
  return {
    name: 'Temporal',
    look: async () => {
      await ask();
      return null;
    },
  };
}

function postgresCheck(url: string): Check {
  return {
    name: 'PostgreSQL',
    look: async () => ((await pingDatabase(url)) === 'ok' ? null : 'takes no writes'),
  };
}

try {
  const config = loadConfig();
  await main(config, createLogger({ name: 'watchdog', level: config.LOG_LEVEL }));
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exit(error instanceof ConfigError ? 2 : 1);
}
