import knexModule, { type Knex } from 'knex';
import pg from 'pg';

import type { Logger } from '../platform/logger.ts';
import { classifyDatabaseError, OutcomeUnknownError } from './errors.ts';
import { socketMaker } from './server-probe.ts';
import { ServerWatch, type DatabaseMode, type Outage } from './server-watch.ts';

export type { DatabaseMode } from './server-watch.ts';

const CONNECT_TIMEOUT_MS = 2000;
const ACQUIRE_TIMEOUT_MS = 2000;
const STATEMENT_TIMEOUT_MS = 5000;
// Longer than the server's own limit: only for a server that no longer answers at all.
const ANSWER_TIMEOUT_MS = 7000;
/** A transaction of ours that stands still (its process was stopped) holds its locks no longer. */
const IDLE_IN_TRANSACTION_MS = 15_000;
const IDLE_MS = 30_000;
/** Whatever a connection has missed (an address that moved, a setting), it misses no longer. */
const LIFETIME_SEC = 300;
/** A connection this young shows the server as the address leads to it now. */
const FRESH_MS = 1000;

/**
 * PostgreSQL as the application role. Rows come with `timestamptz` as ISO 8601 strings in UTC with
 * milliseconds and `bigint` as numbers; `jsonb` columns are parsed, and written with `JSON.stringify`.
 */
export interface Database {
  /**
   * Runs `work` in one transaction that sees only this account's rows; it is rolled back when `work` throws.
   * Waits at most 2 s for a connection and 5 s for a statement; a server that no longer answers at all is
   * found out within 2 s, and from then on costs nothing. `classifyDatabaseError` classes what it throws:
   * `OutcomeUnknownError` when the connection ended while it committed.
   */
  inAccount<T>(accountId: string, work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  /** How the server was half a second ago; `unknown` before the first look. */
  mode(): DatabaseMode;
  /** The latest time without writes; null when there was none since this process began. */
  outage(): Outage | null;
  /** Whether the server takes writes, or may; waits up to `limitMs` for it. */
  untilWritable(limitMs: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Connections of this process, besides the one that watches the server. */
  readonly poolMax: number;
  readonly logger: Logger;
}

/** Connects in the background, so that it never fails and a process starts without its database. */
export function openDatabase(url: string, options: DatabaseOptions): Database {
  return new PooledDatabase(url, options);
}

class PooledDatabase implements Database {
  // Builds statements only; connections come from the pool below, which knows when one has to go.
  readonly #knex = knexModule({ client: 'pg' });
  readonly #pool: pg.Pool;
  readonly #watch: ServerWatch;
  readonly #sockets = socketMaker();
  readonly #bornAt = new WeakMap<pg.ClientBase, number>();
  #changedAt = 0;

  constructor(url: string, { poolMax, logger }: DatabaseOptions) {
    const options = connectionOptions(url);
    this.#pool = new pg.Pool({
      ...options,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      stream: this.#sockets.make,
      max: poolMax,
      idleTimeoutMillis: IDLE_MS,
      maxLifetimeSeconds: LIFETIME_SEC,
    });
    this.#pool.on('error', (error) => logger.debug({ err: error }, 'idle connection lost'));
    this.#pool.on('connect', (client) => {
      this.#bornAt.set(client, performance.now());
      // While it is in use its statements fail; nobody else listens.
      client.on('error', (error) => logger.debug({ err: error }, 'connection lost'));
    });
    this.#watch = new ServerWatch(options, { logger, onChange: (mode) => this.#renew(mode) });
    this.#watch.start();
  }

  mode = (): DatabaseMode => this.#watch.mode;

  outage = (): Outage | null => this.#watch.outage;

  untilWritable = (limitMs: number): Promise<boolean> => this.#watch.untilWritable(limitMs);

  inAccount<T>(accountId: string, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
    return this.#watch.guard(async () => {
      try {
        const first = await this.#once({ accountId, work, leavesStale: true });
        // The address may lead elsewhere by now; a new connection shows where.
        const last = first ?? (await this.#once({ accountId, work, leavesStale: false }));
        if (last === null) throw new Error('a new connection is never stale');
        return last.value;
      } catch (error) {
        if (isServers(error)) this.#watch.noteFailure(error);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#watch.close();
    await this.#pool.end();
  }

  /** Null, before any work, when it met an older connection to a server that takes no writes. */
  async #once<T>(task: Task<T>): Promise<{ readonly value: T } | null> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      const result = await this.#transact(client, task);
      broken = result === null;
      this.#watch.noteAnswer();
      return result;
    } catch (error) {
      broken = isServers(error);
      throw error;
    } finally {
      client.release(broken || this.#born(client) < this.#changedAt);
    }
  }

  async #transact<T>(
    client: pg.PoolClient,
    { accountId, work, leavesStale }: Task<T>,
  ): Promise<{ readonly value: T } | null> {
    const old = leavesStale && performance.now() - this.#born(client) > FRESH_MS;
    const progress = { committing: false };
    try {
      return await this.#knex.transaction(
        async (trx) => {
          const readOnly = await enter(trx, accountId);
          if (readOnly && old) return null;
          const value = await work(trx);
          progress.committing = true;
          return { value };
        },
        { connection: client },
      );
    } catch (error) {
      if (!progress.committing || classifyDatabaseError(error) !== 'unavailable') throw error;
      throw new OutcomeUnknownError('the connection ended while it committed', { cause: error });
    }
  }

  #born(client: pg.ClientBase): number {
    return this.#bornAt.get(client) ?? 0;
  }

  /** Another server, or none: no connection from before is used again. */
  #renew(mode: DatabaseMode): void {
    this.#changedAt = performance.now();
    if (mode === 'unavailable') this.#sockets.cutAll();
    else void this.#endIdle().catch(() => undefined);
  }

  async #endIdle(): Promise<void> {
    while (this.#pool.idleCount > 0) (await this.#pool.connect()).release(true);
  }
}

interface Task<T> {
  readonly accountId: string;
  readonly work: (trx: Knex.Transaction) => Promise<T>;
  /** Whether to do nothing on an older connection that takes no writes. */
  readonly leavesStale: boolean;
}

/** Confines the transaction to one account. Answers whether it can only read. */
async function enter(trx: Knex.Transaction, accountId: string): Promise<boolean> {
  const { rows }: { rows: { read_only: string }[] } = await trx.raw(
    `select set_config('app.account_id', ?, true), current_setting('transaction_read_only') as read_only`,
    [accountId],
  );
  return rows[0]?.read_only === 'on';
}

/** What speaks against the server or the connection rather than against what was asked. */
function isServers(error: unknown): boolean {
  const kind = classifyDatabaseError(error);
  return kind === 'unavailable' || kind === 'read_only';
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
