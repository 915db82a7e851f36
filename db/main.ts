import { parseArgs } from 'node:util';

import { pino } from 'pino';

import { ConfigError, loadConfig, type Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { openDatabase } from './database.ts';
import { classifyDatabaseError } from './errors.ts';
import { migrate } from './migrate.ts';
import { ensureRoles } from './roles.ts';
import { createAccount } from './new-account.ts';
import { seedCanary } from './seed-canary.ts';
import { seed } from './seed.ts';

const options = {
  seed: { type: 'boolean', default: false },
  account: { type: 'string' },
  'owner-name': { type: 'string' },
  'owner-email': { type: 'string' },
} as const;

/**
 * The `migrate` process. `--seed` makes the demo account, whose keys are public, and PD Lite's own;
 * `--account NAME --owner-email MAIL [--owner-name NAME]` makes one for real use and prints its key. Says
 * what it did, or in one sentence why it could not.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  const config = loadConfig();
  const logger: Logger = pino({ level: config.LOG_LEVEL });
  if (config.SUPERUSER_DATABASE_URL) {
    await ensureRoles(config.SUPERUSER_DATABASE_URL, {
      ownerUrl: config.MIGRATION_DATABASE_URL,
      appUrl: config.DATABASE_URL,
      directoryUrl: config.DIRECTORY_DATABASE_URL,
      intakeUrl: config.INTAKE_DATABASE_URL,
    });
  }
  const names = await migrate(config.MIGRATION_DATABASE_URL, { logger });
  console.log(names.length === 0 ? 'The schema is current.' : `Ran ${names.join(', ')}.`);
  if (values.seed) await seedAndTell(config, logger);
  if (values.account !== undefined) {
    await makeAccount(config, logger, {
      name: values.account,
      ownerEmail: values['owner-email'] ?? '',
      ownerName: values['owner-name'] ?? values['owner-email'] ?? '',
    });
  }
}

async function seedAndTell(config: Config, logger: Logger): Promise<void> {
  const database = openDatabase(config.DATABASE_URL, { poolMax: 1, logger });
  try {
    for (const { subdomain, apiKey, integrationKeys } of await seed(database)) {
      console.log(`Account ${subdomain}: REST key ${apiKey}`);
      for (const [name, key] of Object.entries(integrationKeys)) {
        console.log(`  ${name}: integration key ${key}`);
      }
    }
    const { WATCHDOG_CANARY_KEY: key, METRICS_HOST: host, WATCHDOG_CANARY_PORT: port } = config;
    if (key !== undefined)
      await seedCanary(database, { key, url: `http://${host}:${port}/canary` });
  } finally {
    await database.close();
  }
}

async function makeAccount(
  config: Config,
  logger: Logger,
  wanted: Parameters<typeof createAccount>[1],
): Promise<void> {
  const database = openDatabase(config.DATABASE_URL, { poolMax: 1, logger });
  try {
    const { accountId, apiKey } = await createAccount(database, wanted);
    console.log(`Account ${wanted.name} (${accountId}) is made.`);
    console.log(`REST key of its owner, shown this once: ${apiKey}`);
  } finally {
    await database.close();
  }
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const reason = error instanceof Error ? error.message || error.name : String(error);
  switch (classifyDatabaseError(error)) {
    case 'unavailable':
      return `PostgreSQL cannot be reached (${reason}). Is it running, and do the *_DATABASE_URL variables name it?`;
    case 'read_only':
      return `PostgreSQL takes no changes now (${reason}). Migrate when it is writable again.`;
    case 'retry':
      return `A table stayed in use for 3 s (${reason}). Nothing of that migration was kept; run it again.`;
    default:
      return `The migration failed: ${reason}`;
  }
}

try {
  await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
