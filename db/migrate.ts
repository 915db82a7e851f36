import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { Knex } from 'knex';
import pg from 'pg';

import type { Logger } from '../platform/logger.ts';
import { connectionOptions, connectKnex } from './database.ts';

/** Any number that no other user of the database takes as an advisory lock. */
const LOCK_KEY = 7_343_548_301;
const WAIT_FOR_OTHERS_MS = 120_000;
const LOCK_TIMEOUT_MS = 3000;
const directory = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Brings the schema up to date, as the owner of the tables; forward only, one transaction a migration. A
 * second runner waits (at most 2 min) and then finds nothing to do. A migration waits at most 3 s for a
 * table that somebody uses, and fails then, rather than stopping all traffic behind it.
 * @returns the names of the migrations that it ran.
 * @throws Error in one sentence when a newer PD Lite has migrated the database.
 */
export async function migrate(
  ownerUrl: string,
  { logger }: { readonly logger: Logger },
): Promise<readonly string[]> {
  const guard = new pg.Client(connectionOptions(ownerUrl, 0));
  guard.on('error', (error) => logger.warn({ err: error }, 'lost the migration lock'));
  await guard.connect();
  try {
    await guard.query(`set lock_timeout = ${WAIT_FOR_OTHERS_MS}`);
    await guard.query('select pg_advisory_lock($1)', [LOCK_KEY]);
    return await runPending(ownerUrl, logger);
  } finally {
    await guard.end();
  }
}

async function runPending(ownerUrl: string, logger: Logger): Promise<readonly string[]> {
  const knex = connectKnex(ownerUrl, {
    poolMax: 2,
    logger,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    statementTimeoutMs: 0,
  });
  try {
    const config = { directory, loadExtensions: ['.mjs'], tableName: 'schema_migrations' };
    // A runner that was killed leaves knex's own lock set for ever; ours ended with its connection.
    await knex.migrate.forceFreeMigrationsLock(config);
    await refuseNewer(knex);
    const [, names] = (await knex.migrate.latest(config)) as [number, string[]];
    for (const name of names) logger.info({ migration: name }, 'migrated');
    return names;
  } finally {
    await knex.destroy();
  }
}

/** An older program would write rows that a newer schema does not mean. */
async function refuseNewer(knex: Knex): Promise<void> {
  if (!(await knex.schema.hasTable('schema_migrations'))) return;
  const known = new Set(await readdir(directory));
  const ran = await knex<{ name: string }>('schema_migrations').select('name').orderBy('name');
  const unknown = ran.map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new Error(
    `a newer PD Lite has migrated this database (${unknown.join(', ')}); run that version, or name another database`,
  );
}
