import type { Knex } from 'knex';

/** PostgreSQL as the application role. */
export interface Database {
  /** Runs `work` in one transaction that sees only this account's rows. */
  inAccount<T>(accountId: string, work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
