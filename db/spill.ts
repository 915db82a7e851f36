import pg from 'pg';

import type { Logger } from '../platform/logger.ts';
import { within } from '../platform/within.ts';
import { connectionOptions } from './database.ts';
import {
  CLAIM,
  INSERT,
  LAST,
  LEAD,
  LOOK,
  PARK,
  PICK_KEYS,
  PICK_ROWS,
  RELEASE,
  COUNT,
} from './spill-sql.ts';

const CONNECT_TIMEOUT_MS = 1000;
const STATEMENT_TIMEOUT_MS = 2000;
/** Longer than the server's own limit: only for a server that no longer answers at all. */
const ANSWER_TIMEOUT_MS = 2500;
/** Two batches on their way in, one look, the drainer's two. */
const CONNECTIONS = 5;
/** A connection that is older may lead to where the address led before. */
const LIFETIME_SEC = 3;

/** An accepted event on its way into the spill. */
export interface SpillRow {
  readonly accountId: string;
  readonly serviceId: string;
  /** Id of the incident workflow: events of one key are drained in the order in which they were inserted. */
  readonly key: string;
  /** 0 is drained first. */
  readonly rank: number;
  /** Milliseconds before which it is not drained, unless its key is drained anyhow. */
  readonly delayMs: number;
  /** JSON. */
  readonly event: string;
  /** Names the call by which it may have reached Temporal already, together with others; null: it has not. */
  readonly claim: string | null;
}

export interface SpilledRow {
  readonly id: number;
  readonly accountId: string;
  readonly serviceId: string;
  readonly key: string;
  readonly event: string;
  readonly bytes: number;
  readonly claim: string | null;
  /** Milliseconds since it was claimed; 0 for what is not. */
  readonly claimedAgoMs: number;
  /** Milliseconds since it was written. */
  readonly waitedMs: number;
}

/** What a process can know of the spill. Counts are some seconds old. */
export interface SpillLook {
  /** Events wait whose time has come. */
  readonly backlog: boolean;
  /** No events wait at all. */
  readonly empty: boolean;
  /** A standby says so: what was inserted last may be missing. */
  readonly standby: boolean;
  /** Those of the keys asked for that have events waiting. */
  readonly pending: ReadonlySet<string>;
  readonly rows: number;
  readonly bytes: number;
  readonly parked: number;
  /** Milliseconds that the oldest waits; 0 when none does. */
  readonly oldestMs: number;
}

/**
 * The table of accepted events that Temporal cannot take right now, over all accounts. Every call waits at most
 * 1 s for a connection and 2.5 s for its answer (`look` as long as it is told); `classifyDatabaseError` classes
 * what it throws.
 */
export interface SpillStore {
  /** Writes all rows in one statement; they are on disk when it resolves. */
  insert(rows: readonly SpillRow[]): Promise<void>;
  look(keys: readonly string[], limitMs: number): Promise<SpillLook>;
  /** The last row of a key that waits; null when none does. */
  last(key: string): Promise<Pick<SpilledRow, 'id' | 'event'> | null>;
  /** Becomes, or stays, the one that drains, for `leaseMs` from before the call. False: somebody else is. */
  lead(holder: string, leaseMs: number): Promise<boolean>;
  release(holder: string): Promise<void>;
  /**
   * The waiting rows of up to `keys` keys, whole keys in the order of their ids (at most 1,000 rows and 1 MB of a
   * key): best rank first, accounts in turns, then the oldest. Keys in `skip` are left out. Turns begin with the
   * accounts that are not in `served`, and go on with those of which the last service is longest ago, in its order.
   */
  pick(
    keys: number,
    skip: readonly string[],
    served?: readonly string[],
  ): Promise<readonly SpilledRow[]>;
  /** Marks rows as under way, each with the name of its call. False when `holder` no longer leads. */
  claim(
    holder: string,
    claims: readonly { readonly id: number; readonly claim: string }[],
  ): Promise<boolean>;
  remove(ids: readonly number[]): Promise<void>;
  /** Sets rows aside that can never be stored, for a person to look at. */
  park(ids: readonly number[], reason: string): Promise<void>;
  /** Counts what waits, for `look`. */
  count(): Promise<void>;
  close(): Promise<void>;
}

/** Connects on first use, as the role that reads and writes the spill and nothing else. */
export function openSpill(url: string, { logger }: { readonly logger: Logger }): SpillStore {
  const pool = new pg.Pool({
    ...connectionOptions(url, STATEMENT_TIMEOUT_MS),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    max: CONNECTIONS,
    maxLifetimeSeconds: LIFETIME_SEC,
  });
  // While it is in use its statements fail; nobody else listens.
  pool.on('connect', (client) => {
    client.on('error', (error) => logger.debug({ err: error }, 'connection lost'));
  });
  pool.on('error', (error) => logger.debug({ err: error }, 'idle connection lost'));
  return {
    insert: async (rows) => {
      await pool.query({ name: 'spill-insert', text: INSERT, values: columns(rows) });
    },
    look: (keys, limitMs) => look(pool, keys, limitMs),
    last: async (key) => {
      const query = { name: 'spill-last', text: LAST, values: [key] };
      const { rows } = await pool.query<Pick<SpilledRow, 'id' | 'event'>>(query);
      return rows[0] ?? null;
    },
    lead: async (holder, leaseMs) => {
      const { rowCount } = await pool.query(LEAD, [holder, leaseMs / 1000]);
      return rowCount === 1;
    },
    release: async (holder) => {
      await pool.query(RELEASE, [holder]);
    },
    pick: (keys, skip, served = []) => pick(pool, { keys, skip, served }),
    claim: async (holder, claims) => {
      const ids = claims.map(({ id }) => id);
      const names = claims.map(({ claim }) => claim);
      const { rowCount } = await pool.query(CLAIM, [holder, ids, names]);
      return rowCount === claims.length;
    },
    remove: async (ids) => {
      await pool.query('delete from spill where id = any($1)', [ids]);
    },
    park: async (ids, reason) => {
      await pool.query(PARK, [ids, reason]);
    },
    count: async () => {
      await pool.query(COUNT);
    },
    close: () => pool.end(),
  };
}

function columns(rows: readonly SpillRow[]): unknown[] {
  return [
    rows.map((row) => row.accountId),
    rows.map((row) => row.serviceId),
    rows.map((row) => row.key),
    rows.map((row) => row.rank),
    rows.map((row) => row.delayMs / 1000),
    rows.map((row) => row.event),
    rows.map((row) => row.claim),
  ];
}

interface LookRow {
  readonly empty: boolean;
  readonly standby: boolean;
  readonly backlog: boolean;
  readonly pending: readonly string[] | null;
  readonly rows: number;
  readonly bytes: number;
  readonly parked: number;
  readonly oldest_ms: number;
}

async function look(pool: pg.Pool, keys: readonly string[], limitMs: number): Promise<SpillLook> {
  const query = { name: 'spill-look', text: LOOK, values: [keys], query_timeout: limitMs };
  // The driver's own limit begins only when there is a connection.
  const { rows } = await within(limitMs, pool.query<LookRow>(query));
  const [row] = rows;
  if (!row) throw new Error('the spill has no lease row');
  const { oldest_ms: oldestMs, pending, ...counts } = row;
  return { ...counts, oldestMs, pending: new Set(pending) };
}

interface PickedRow {
  readonly id: number;
  readonly account_id: string;
  readonly service_id: string;
  readonly key: string;
  readonly event: string;
  readonly bytes: number;
  readonly claim: string | null;
  readonly claimed_ago_ms: number;
  readonly waited_ms: number;
}

async function pick(
  pool: pg.Pool,
  wanted: {
    readonly keys: number;
    readonly skip: readonly string[];
    readonly served: readonly string[];
  },
): Promise<readonly SpilledRow[]> {
  const values = [wanted.skip, wanted.keys, wanted.served];
  const first = { name: 'spill-keys', text: PICK_KEYS, values };
  const { rows: heads } = await pool.query<{ key: string }>(first);
  const keys = [...new Set(heads.map(({ key }) => key))].slice(0, wanted.keys);
  if (keys.length === 0) return [];
  const second = { name: 'spill-rows', text: PICK_ROWS, values: [keys] };
  const { rows } = await pool.query<PickedRow>(second);
  return rows.map((row) => ({
    id: row.id,
    accountId: row.account_id,
    serviceId: row.service_id,
    key: row.key,
    event: row.event,
    bytes: row.bytes,
    claim: row.claim,
    claimedAgoMs: row.claimed_ago_ms,
    waitedMs: row.waited_ms,
  }));
}
