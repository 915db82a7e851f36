import type { Knex } from 'knex';

import type { IncidentStatus, IncidentView } from '../../domain/incident/types.ts';
import type { Urgency } from '../../domain/model.ts';
import type { Database } from '../database.ts';

/** A projected incident, and the instant at which its row was written. */
export interface ProjectedIncident {
  readonly view: IncidentView;
  readonly projectedAt: string;
}

export const SORT_FIELDS = ['incident_number', 'created_at', 'resolved_at', 'urgency'] as const;
export type SortField = (typeof SORT_FIELDS)[number];

export interface Sort {
  readonly field: SortField;
  readonly direction: 'asc' | 'desc';
}

/** Empty lists and nulls do not filter. */
export interface IncidentFilter {
  readonly statuses: readonly IncidentStatus[];
  readonly urgencies: readonly Urgency[];
  readonly serviceIds: readonly string[];
  /** Incidents that are assigned to one of these users now. */
  readonly userIds: readonly string[];
  /** The incident's own key, or the dedup key of one of its alerts. */
  readonly incidentKey: string | null;
  readonly since: string | null;
  readonly until: string | null;
}

export interface Page {
  readonly limit: number;
  readonly offset: number;
  /** Counting costs as much as the list; only on demand. */
  readonly total: boolean;
}

export interface PageOf<T> {
  readonly items: readonly T[];
  readonly more: boolean;
  readonly total: number | null;
}

const COLUMNS: Readonly<Record<SortField, string>> = {
  incident_number: 'number',
  created_at: 'created_at',
  resolved_at: 'resolved_at',
  // `high` is more than `low`
  urgency: `case urgency when 'high' then 1 else 0 end`,
};

interface Row {
  readonly view: IncidentView;
  readonly projected_at: string;
}

/** Lists the account's projected incidents, at most `page.limit`; ties are ordered by id. */
export async function listIncidents(
  database: Database,
  accountId: string,
  query: { readonly filter: IncidentFilter; readonly sort: readonly Sort[]; readonly page: Page },
): Promise<PageOf<ProjectedIncident>> {
  return database.inAccount(accountId, async (trx) => {
    const matching = () => filtered(trx, accountId, query.filter);
    const rows = (await sorted(matching(), query.sort)
      .select('view', 'projected_at')
      .limit(query.page.limit + 1)
      .offset(query.page.offset)) as Row[];
    return {
      items: rows.slice(0, query.page.limit).map(projected),
      more: rows.length > query.page.limit,
      total: query.page.total ? await count(matching()) : null,
    };
  });
}

function filtered(trx: Knex.Transaction, accountId: string, filter: IncidentFilter) {
  const query = trx('incidents').where('account_id', accountId);
  if (filter.statuses.length > 0) whereStatus(query, filter.statuses);
  if (filter.urgencies.length > 0) void query.whereIn('urgency', [...filter.urgencies]);
  if (filter.serviceIds.length > 0) void query.whereIn('service_id', [...filter.serviceIds]);
  if (filter.userIds.length > 0) {
    // Resolved incidents are assigned to nobody, and saying so lets the index of open ones answer.
    void query
      .where('status', '<>', 'resolved')
      .whereRaw('assignee_ids && ?', [[...filter.userIds]]);
  }
  if (filter.incidentKey !== null) whereKey(query, trx, { accountId, key: filter.incidentKey });
  if (filter.since !== null) void query.where('created_at', '>=', filter.since);
  if (filter.until !== null) void query.where('created_at', '<', filter.until);
  return query;
}

/** The incident's own key, or that of an alert which came to it. */
function whereKey(
  query: Knex.QueryBuilder,
  trx: Knex.Transaction,
  { accountId, key }: { readonly accountId: string; readonly key: string },
) {
  const own = trx('incidents').select('id').where({ account_id: accountId, incident_key: key });
  const ofAlerts = trx('incident_alert_keys')
    .select('incident_id')
    .where({ account_id: accountId, alert_key: key });
  void query.whereIn('id', own.union(ofAlerts));
}

/** Written so that the partial index of open incidents can answer whenever only open ones are asked for. */
function whereStatus(query: Knex.QueryBuilder, statuses: readonly IncidentStatus[]) {
  if (!statuses.includes('resolved')) void query.where('status', '<>', 'resolved');
  void query.whereIn('status', [...statuses]);
}

function sorted(query: Knex.QueryBuilder, sort: readonly Sort[]): Knex.QueryBuilder {
  for (const { field, direction } of sort) {
    void query.orderByRaw(`${COLUMNS[field]} ${direction}`);
  }
  return query.orderBy('id');
}

async function count(query: Knex.QueryBuilder): Promise<number> {
  const rows = await query.count<{ count: string }[]>({ count: '*' });
  return Number(rows[0]?.count ?? 0);
}

function projected(row: Row): ProjectedIncident {
  return { view: row.view, projectedAt: row.projected_at };
}

/** The projected incident, or undefined when this account has none with this id (yet). */
export async function readIncident(
  database: Database,
  accountId: string,
  incidentId: string,
): Promise<ProjectedIncident | undefined> {
  return database.inAccount(accountId, async (trx) => {
    const row = await trx('incidents')
      .where({ account_id: accountId, id: incidentId })
      .first<Row | undefined>('view', 'projected_at');
    return row && projected(row);
  });
}

/** The newest incident of this key that is not resolved, as far as it is projected. */
export async function readOpenByKey(
  database: Database,
  accountId: string,
  key: { readonly serviceId: string; readonly incidentKey: string },
): Promise<ProjectedIncident | undefined> {
  return database.inAccount(accountId, async (trx) => {
    const row = await trx('incidents')
      .where({
        account_id: accountId,
        service_id: key.serviceId,
        incident_key: key.incidentKey,
      })
      .where('status', '<>', 'resolved')
      .orderBy('created_at', 'desc')
      .first<Row | undefined>('view', 'projected_at');
    return row && projected(row);
  });
}

/** Those of these incidents that are projected, in no order. */
export async function readIncidents(
  database: Database,
  accountId: string,
  ids: readonly string[],
): Promise<readonly ProjectedIncident[]> {
  if (ids.length === 0) return [];
  return database.inAccount(accountId, async (trx) => {
    const rows = await trx('incidents')
      .where('account_id', accountId)
      .whereIn('id', [...ids])
      .select<Row[]>('view', 'projected_at');
    return rows.map(projected);
  });
}
