import type { Database } from '../database.ts';

/**
 * Seconds by which the projections of an account may lag: 0 while PostgreSQL takes writes, else the age of
 * the newest log entry that it holds. Null when there is none.
 */
export async function readLagSeconds(
  database: Database,
  accountId: string,
  now: Date,
): Promise<number | null> {
  return database.inAccount(accountId, async (trx) => {
    const mode = await trx.select<{ read_only: string }[]>(
      trx.raw(`current_setting('transaction_read_only') as read_only`),
    );
    if (mode[0]?.read_only !== 'on') return 0;
    const row = await trx('log_entries')
      .where('account_id', accountId)
      .orderBy('at', 'desc')
      .first<{ at: string } | undefined>('at');
    return row ? Math.max(0, (now.getTime() - Date.parse(row.at)) / 1000) : null;
  });
}
