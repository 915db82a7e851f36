import { parseArgs } from 'node:util';

import { openDatabase } from '../db/database.ts';
import { openDirectory } from '../db/directory.ts';
import { classifyDatabaseError } from '../db/errors.ts';
import { ConfigError, loadConfig, type Config } from '../platform/config.ts';
import { dataFolder } from '../platform/data-folder.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { connectTemporal } from '../temporal-config/client.ts';
import { progressFile, type RebuildState } from './rebuild-progress.ts';
import { rebuildProjections } from './rebuild-projections.ts';

const USAGE = `Usage: pdlite rebuild [--account ID | SUBDOMAIN] [--restart]

Writes the lists and timelines in PostgreSQL anew from the histories in Temporal, while everything runs: what has ended
within Temporal's retention, and what is open. One that was interrupted goes on where it stopped; --restart begins anew.
Exit code: 0 done, 1 interrupted or failed (run it again), 2 wrong use.`;
const FIRST_LOOK_MS = 5000;

/** Something that whoever runs it can mend. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

async function main(config: Config, logger: Logger): Promise<number> {
  const { values } = options();
  const accountId = await accountOf(config, logger, values.account);
  const database = openDatabase(config.DATABASE_URL, { poolMax: 4, logger });
  const temporal = connectTemporal(config, { logger });
  const { hostname, port, pathname } = new URL(config.DATABASE_URL);
  const about = [hostname, port, pathname, config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE];
  const progress = progressFile(dataFolder(config), [...about, accountId ?? 'all']);
  const { client } = temporal;
  try {
    if (values.restart) await progress.clear();
    await refuseUnwritable(database);
    const deps = { client, database, progress, logger, onProgress: say, signal: untilStopped() };
    const state = await rebuildProjections(deps, accountId);
    if (state === null) console.error('Interrupted. Run it again to go on.');
    else console.log(`Done: ${told(state)}.`);
    return state === null ? 1 : 0;
  } finally {
    await Promise.all([database.close(), temporal.close()]);
  }
}

function options() {
  try {
    return parseArgs({
      options: { account: { type: 'string' }, restart: { type: 'boolean', default: false } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : '', { cause: error });
  }
}

/** Null: all accounts. */
async function accountOf(
  config: Config,
  logger: Logger,
  wanted: string | undefined,
): Promise<string | null> {
  if (wanted === undefined) return null;
  const directory = await openDirectory(config.DIRECTORY_DATABASE_URL, { logger });
  try {
    await directory.refresh();
    const found = directory
      .accounts()
      .find(({ account }) => account.id === wanted || account.subdomain === wanted);
    if (found) return found.account.id;
    throw new UsageError(`There is no account ${wanted}.`);
  } finally {
    await directory.close();
  }
}

async function refuseUnwritable(database: ReturnType<typeof openDatabase>): Promise<void> {
  const limit = Date.now() + FIRST_LOOK_MS;
  while (database.mode() === 'unknown' && Date.now() < limit)
    await new Promise((resolve) => setTimeout(resolve, 20));
  if (!(await database.untilWritable(0)))
    throw new UsageError(
      `PostgreSQL is ${database.mode().replace('_', '-')}. Run it when it takes writes.`,
    );
}

/** Ctrl-C ends it after the runs under way. */
function untilStopped(): AbortSignal {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  return stopping.signal;
}

function say(state: RebuildState): void {
  if (state.runs > 0) console.log(`until ${state.doneUntil.slice(0, 16)}Z: ${told(state)}`);
}

function told({ runs, entries, refused }: RebuildState): string {
  const parts = [`${runs} workflow runs`, `${entries} log entries`];
  return [...parts, ...(refused > 0 ? [`${refused} entries refused`] : [])].join(', ');
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`;
  const reason = error instanceof Error ? error.message : String(error);
  return classifyDatabaseError(error) === 'other'
    ? `The rebuild stopped: ${reason}. Run it again to go on.`
    : `PostgreSQL was lost (${reason}). Run it again to go on.`;
}

try {
  const config = loadConfig();
  process.exitCode = await main(config, createLogger({ name: 'rebuild', level: 'warn' }));
} catch (error) {
  console.error(explain(error));
  process.exitCode = error instanceof UsageError || error instanceof ConfigError ? 2 : 1;
}
