import type { Knex } from 'knex';

import type { LogEntry, Note } from '../../domain/incident/types.ts';
import type { Database } from '../database.ts';

import type { Page, PageOf } from './incidents.ts';

/** With `is_overview` only what changed the incident itself is shown. */
const OVERVIEW = [
  'trigger_log_entry',
  'acknowledge_log_entry',
  'unacknowledge_log_entry',
  'assign_log_entry',
  'escalate_log_entry',
  'resolve_log_entry',
  'merge_log_entry',
  'urgency_change_log_entry',
];

export interface LogEntryFilter {
  /** Null: the whole account. */
  readonly incidentId: string | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly overview: boolean;
  /** Services whose incidents' entries are wanted; null for all. */
  readonly serviceIds: readonly string[] | null;
}

/** Log entries, newest first. */
export async function listLogEntries(
  database: Database,
  accountId: string,
  query: { readonly filter: LogEntryFilter; readonly page: Page },
): Promise<PageOf<LogEntry>> {
  return database.inAccount(accountId, async (trx) => {
    const matching = () => filtered(trx, accountId, query.filter);
    const rows = (await matching()
      .orderBy([
        { column: 'at', order: 'desc' },
        { column: 'seq', order: 'desc' },
        { column: 'id', order: 'desc' },
      ])
      .select('entry')
      .limit(query.page.limit + 1)
      .offset(query.page.offset)) as { entry: LogEntry }[];
    return {
      items: rows.slice(0, query.page.limit).map((row) => row.entry),
      more: rows.length > query.page.limit,
      total: query.page.total ? await count(matching()) : null,
    };
  });
}

function filtered(trx: Knex.Transaction, accountId: string, filter: LogEntryFilter) {
  const query = trx('log_entries').where('account_id', accountId);
  if (filter.incidentId !== null) void query.where('incident_id', filter.incidentId);
  if (filter.since !== null) void query.where('at', '>=', filter.since);
  if (filter.until !== null) void query.where('at', '<', filter.until);
  if (filter.overview) void query.whereIn('type', OVERVIEW);
  if (filter.serviceIds !== null) {
    const serviceIds = [...filter.serviceIds];
    const incidents = trx('incidents')
      .select('id')
      .where('account_id', accountId)
      .whereIn('service_id', serviceIds);
    void query.whereIn('incident_id', incidents);
  }
  return query;
}

async function count(query: Knex.QueryBuilder): Promise<number> {
  const rows = await query.count<{ count: string }[]>({ count: '*' });
  return Number(rows[0]?.count ?? 0);
}

export interface NoteQuery {
  readonly incidentId: string;
  /** Only notes of this time or before. */
  readonly notAfter: string;
  /** Ids of notes that the caller has already; at most as many as an incident holds live. */
  readonly except: readonly string[];
  readonly limit: number;
  readonly offset: number;
}

/** Notes of an incident, newest first, as far as they are projected. */
export async function listNotes(
  database: Database,
  accountId: string,
  query: NoteQuery,
): Promise<readonly Note[]> {
  return database.inAccount(accountId, async (trx) => {
    const rows = (await trx('log_entries')
      .where({ account_id: accountId, incident_id: query.incidentId, type: 'annotate_log_entry' })
      .where('at', '<=', query.notAfter)
      .whereRaw("not (entry #>> '{details,noteId}' = any(?))", [[...query.except]])
      .orderBy([
        { column: 'at', order: 'desc' },
        { column: 'seq', order: 'desc' },
      ])
      .select('entry')
      .limit(query.limit)
      .offset(query.offset)) as { entry: LogEntry }[];
    return rows.map(({ entry }) => noteOf(entry));
  });
}

function noteOf({ at, agent, details }: LogEntry): Note {
  const { noteId, content } = details;
  return { id: String(noteId), content: String(content), createdAt: at, agent };
}

/** Those of these log entries that are projected, in no order. */
export async function readLogEntries(
  database: Database,
  accountId: string,
  ids: readonly string[],
): Promise<readonly LogEntry[]> {
  if (ids.length === 0) return [];
  return database.inAccount(accountId, async (trx) => {
    const rows = await trx('log_entries')
      .where('account_id', accountId)
      .whereIn('id', [...ids])
      .select<{ entry: LogEntry }[]>('entry');
    return rows.map(({ entry }) => entry);
  });
}

/** One log entry, or undefined when this account has none with this id (yet). */
export async function readLogEntry(
  database: Database,
  accountId: string,
  entryId: string,
): Promise<LogEntry | undefined> {
  return database.inAccount(accountId, async (trx) => {
    const row = await trx('log_entries')
      .where({ account_id: accountId, id: entryId })
      .first<{ entry: LogEntry } | undefined>('entry');
    return row?.entry;
  });
}
