import type { NormalisedChange } from '../domain/intake/types.ts';
import type { Database } from './database.ts';

/** A change event on its way into the table. */
export interface ChangeEventRow {
  readonly id: string;
  readonly accountId: string;
  readonly serviceId: string;
  readonly integrationId: string;
  /** When the change happened: the sender's time, else when it was received. */
  readonly at: string;
  readonly change: NormalisedChange;
}

/** Stores one change event; the same id twice is stored once. Throws what `classifyDatabaseError` classes. */
export async function insertChangeEvent(database: Database, row: ChangeEventRow): Promise<void> {
  const { change } = row;
  await database.inAccount(row.accountId, async (trx) => {
    await trx('change_events')
      .insert({
        id: row.id,
        account_id: row.accountId,
        service_id: row.serviceId,
        integration_id: row.integrationId,
        at: row.at,
        summary: change.summary,
        source: change.source,
        event: JSON.stringify(change),
      })
      .onConflict(['account_id', 'id'])
      .ignore();
  });
}
