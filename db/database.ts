import knexModule, { type Knex } from 'knex';
import pg from 'pg';

import type { Logger } from '../platform/logger.ts';

const CONNECT_TIMEOUT_MS = 2000;
const ACQUIRE_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 5000;
// Longer than the server's own limit: only for a server that no longer answers at all.
const ANSWER_TIMEOUT_MS = 7000;

/**
 * PostgreSQL as the application role. Rows come with `timestamptz` as ISO 8601 strings in UTC with
 * milliseconds and `bigint` as numbers; `jsonb` columns are parsed, and written with `JSON.stringify`.
 */
export interface Database {
  /**
   * Runs `work` in one transaction that sees only this account's rows; it is rolled back when `work` throws.
   * Waits at most 2 s for a connection and 5 s for a statement; `classifyDatabaseError` classes what it throws.
   */
  inAccount<T>(accountId: string, work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Connections of this process. */
  readonly poolMax: number;
  readonly logger: Logger;
}

/** Connects on first use, so that it never fails and a process starts without its database. */
export function openDatabase(url: string, { poolMax, logger }: DatabaseOptions): Database {
  const knex = connectKnex(url, { poolMax, logger });
  return {
    inAccount: (accountId, work) =>
      knex.transaction(async (trx) => {
        await trx.raw(`select set_config('app.account_id', ?, true)`, [accountId]);
        return await work(trx);
      }),
    close: () => knex.destroy(),
  };
}

/** A knex instance with this room's timeouts and types; `lockTimeoutMs` 0 waits for locks without limit. */
export function connectKnex(
  url: string,
  options: DatabaseOptions & {
    readonly lockTimeoutMs?: number;
    readonly statementTimeoutMs?: number;
  },
): Knex {
  const connection = {
    ...connectionOptions(url, options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS),
    lock_timeout: options.lockTimeoutMs ?? 0,
  };
  return knexModule({
    client: 'pg',
    connection,
    acquireConnectionTimeout: ACQUIRE_TIMEOUT_MS,
    pool: { min: 0, max: options.poolMax, idleTimeoutMillis: 30_000 },
    log: {
      warn: (message: unknown) => options.logger.warn({ knex: message }, 'database driver warns'),
      error: (message: unknown) => options.logger.warn({ knex: message }, 'database driver failed'),
      deprecate: () => undefined,
      debug: () => undefined,
    },
  });
}

/** What every connection of this room has in common. `statementTimeoutMs` 0: no limit. */
export function connectionOptions(url: string, statementTimeoutMs = STATEMENT_TIMEOUT_MS) {
  return {
    connectionString: url,
    application_name: 'pdlite',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs === 0 ? 0 : ANSWER_TIMEOUT_MS,
    keepAlive: true,
    types,
  };
}

const OID_BIGINT: number = pg.types.builtins.INT8;
const OID_TIMESTAMPTZ: number = pg.types.builtins.TIMESTAMPTZ;
const defaultParser: (oid: number, format?: 'text' | 'binary') => unknown = pg.types.getTypeParser;
const types = {
  getTypeParser: (oid: number, format?: string): unknown => {
    if (oid === OID_BIGINT) return Number;
    if (oid === OID_TIMESTAMPTZ) return toIso;
    return defaultParser(oid, format === 'binary' ? 'binary' : 'text');
  },
};

// PostgreSQL writes `2026-11-23 23:30:00.123456+00`; `infinity` is in none of our columns.
function toIso(text: string): string {
  const withMinutes = /[+-]\d\d$/.test(text) ? `${text}:00` : text;
  return new Date(withMinutes.replace(' ', 'T')).toISOString();
}
