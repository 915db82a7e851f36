import { ConfigError, loadConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { createShutdown } from '../platform/shutdown.ts';
import { createProviders } from '../providers/index.ts';
import { startSigning } from './audit-signing.ts';

const STOP_LIMIT_MS = 10_000;

/** `pdlite audit-sign`: signs the audit log, on a host that has the key and nothing else of the product. */
function main(): void {
  const config = loadConfig();
  const logger = createLogger({ name: 'audit-sign', level: config.LOG_LEVEL });
  const providers = createProviders(config, { logger });
  const signer = startSigning(config, providers, logger);
  if (!signer) throw new ConfigError('AUDIT_KEY_FILE and AUDIT_HEADS_FILE must be set.');
  const shutdown = createShutdown({ logger, limitMs: STOP_LIMIT_MS });
  shutdown.add('signer', () => signer.close());
  logger.info({ headsFile: config.AUDIT_HEADS_FILE }, 'signing the audit log');
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
