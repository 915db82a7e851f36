import type { Knex } from 'knex';

import { AUDIT_FIELDS, type AuditRecord } from '../domain/audit/record.ts';
import type { Database } from './database.ts';

/** Where a page of records ended: newest first by when it happened, then by place. */
export interface AuditCursor {
  readonly occurredAt: string;
  readonly seq: number;
}

/** A record without what proves it. */
export type ListedRecord = Omit<AuditRecord, 'prev_hash' | 'hash'>;

/** Empty lists and nulls do not filter. */
export interface AuditFilter {
  readonly since: string;
  readonly until: string;
  /** Kinds of what was changed, such as `users`; null: everything but incidents, which have their log entries. */
  readonly rootTypes: readonly string[] | null;
  readonly actorTypes: readonly string[];
  readonly actorId: string | null;
  /** Whether a key of the api was used; null: does not matter. */
  readonly byKey: boolean | null;
  readonly actions: readonly string[];
  readonly outcomes: readonly AuditRecord['outcome'][];
}

/** One page of an account's records, newest first, and where the next one begins. */
export async function listAuditRecords(
  database: Database,
  accountId: string,
  query: {
    readonly filter: AuditFilter;
    readonly limit: number;
    readonly after: AuditCursor | null;
  },
): Promise<{ readonly records: readonly ListedRecord[]; readonly next: AuditCursor | null }> {
  const { filter, limit, after } = query;
  const rows = await database.inAccount(accountId, async (trx) => {
    const found = filtered(trx, accountId, filter);
    if (after) void found.whereRaw('(occurred_at, seq) < (?, ?)', [after.occurredAt, after.seq]);
    return (await found
      .select([...AUDIT_FIELDS])
      .orderBy([
        { column: 'occurred_at', order: 'desc' },
        { column: 'seq', order: 'desc' },
      ])
      .limit(limit + 1)) as ListedRecord[];
  });
  const records = rows.slice(0, limit);
  const last = rows.length > limit ? records.at(-1) : undefined;
  return { records, next: last ? { occurredAt: last.occurred_at, seq: last.seq } : null };
}

function filtered(trx: Knex.Transaction, accountId: string, filter: AuditFilter) {
  const query = trx('audit_records')
    .where('account_id', accountId)
    .where('occurred_at', '>=', filter.since)
    .where('occurred_at', '<', filter.until);
  if (filter.rootTypes) void query.whereIn('root_type', [...filter.rootTypes]);
  else void query.whereRaw(`root_type is distinct from 'incidents'`);
  if (filter.actorTypes.length > 0) void query.whereIn('actor_type', [...filter.actorTypes]);
  if (filter.actorId !== null) void query.where('actor_id', filter.actorId);
  if (filter.byKey === true) void query.whereNotNull('credential_id');
  if (filter.byKey === false) void query.whereNull('credential_id');
  if (filter.actions.length > 0) void query.whereIn('action', [...filter.actions]);
  if (filter.outcomes.length > 0) void query.whereIn('outcome', [...filter.outcomes]);
  return query;
}
