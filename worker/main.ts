import { ConfigError, loadConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { startProcess } from './start-process.ts';

try {
  const config = loadConfig();
  await startProcess(config, createLogger({ name: 'worker', level: config.LOG_LEVEL }));
} catch (error) {
  console.error(explain(error));
  process.exit(error instanceof ConfigError ? 2 : 1);
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `The worker cannot start: ${error.message}. Choose another WORKER_METRICS_PORT.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
