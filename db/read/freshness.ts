import type { Database } from '../database.ts';

/** Longest that a write which failed during an outage waits for its next try. */
const SETTLE_MS = 20_000;

/**
 * Seconds by which the projections of an account may lag. During an outage of PostgreSQL's writes and until the
 * last tries of it are through: since its start, and where that is not known the age of the newest log entry.
 * Else `backlogSeconds`, the age of the oldest write that waits for a worker. Null: nobody knows.
 */
export async function readLagSeconds(
  database: Database,
  accountId: string,
  { now, backlogSeconds }: { readonly now: Date; readonly backlogSeconds: number | null },
): Promise<number | null> {
  const outage = database.outage();
  const isFelt = outage !== null && now.getTime() < (outage.endedAt ?? now.getTime()) + SETTLE_MS;
  if (!isFelt) return backlogSeconds;
  if (outage.startedAt !== null) return secondsSince(outage.startedAt, now);
  const newest = await newestEntryAt(database, accountId);
  return newest === null ? null : secondsSince(newest, now);
}

function newestEntryAt(database: Database, accountId: string): Promise<number | null> {
  return database.inAccount(accountId, async (trx) => {
    const row = await trx('log_entries')
      .where('account_id', accountId)
      .orderBy('at', 'desc')
      .first<{ at: string } | undefined>('at');
    return row ? Date.parse(row.at) : null;
  });
}

function secondsSince(epochMs: number, now: Date): number {
  return Math.max(0, (now.getTime() - epochMs) / 1000);
}
