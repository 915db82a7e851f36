import type { Knex } from 'knex';

import type { IncidentView, LogEntry } from '../domain/incident/types.ts';

import { auditOfEntry, NO_EXECUTION, type Execution } from './audit-entries.ts';
import type { Database } from './database.ts';

/** What a workflow has to tell: its incident as it is now, and what happened since the last time. */
export interface Projection {
  readonly accountId: string;
  /** Null when only log entries are told. */
  readonly view: IncidentView | null;
  readonly entries: readonly LogEntry[];
  /** The workflow that tells it. */
  readonly by?: Execution;
}

/**
 * Writes projections of one account in one transaction, and the audit record of each log entry with it. Any order
 * and repetition of projections ends in the same rows: a view replaces only an older revision of its incident,
 * and a log entry is written once.
 * @throws whatever PostgreSQL answers; then nothing was written.
 */
export async function writeProjections(
  database: Database,
  accountId: string,
  projections: readonly Projection[],
  { replace = false }: WriteOptions = {},
): Promise<void> {
  const views = newestViews(projections);
  await database.inAccount(accountId, async (trx) => {
    if (views.length > 0)
      await upsertViews(
        trx,
        views.map((view) => incidentRow(accountId, view)),
        replace,
      );
    await insertAlertKeys(trx, accountId, projections);
    // Last: from here to the commit no other transaction appends to the account's audit log.
    await insertEntries(trx, accountId, { projections, replace });
  });
}

export interface WriteOptions {
  /** Rows of the same revision, and log entries, are written anew; for a rebuild. */
  readonly replace?: boolean;
}

/** One view an incident, since a statement changes a row once; by id, so that writers lock in the same order. */
function newestViews(projections: readonly Projection[]): readonly IncidentView[] {
  const views = new Map<string, IncidentView>();
  for (const { view } of projections) {
    if (view && view.revision > (views.get(view.id)?.revision ?? -1)) views.set(view.id, view);
  }
  return [...views.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function upsertViews(
  trx: Knex.Transaction,
  rows: readonly ReturnType<typeof incidentRow>[],
  replace: boolean,
) {
  await trx('incidents')
    .insert(rows)
    .onConflict(['account_id', 'id'])
    .merge()
    // Two runs of a workflow may tell the same incident; the newer revision stays.
    .whereRaw(`incidents.revision ${replace ? '<=' : '<'} excluded.revision`);
}

/** Keys other than the incident's own. They stay: whoever looks for one wants the incident that it once led to. */
async function insertAlertKeys(
  trx: Knex.Transaction,
  accountId: string,
  projections: readonly Projection[],
) {
  const rows = projections.flatMap(({ view }) =>
    otherKeys(view).map((key) => ({
      account_id: accountId,
      alert_key: key,
      incident_id: view?.id,
    })),
  );
  if (rows.length > 0) await trx('incident_alert_keys').insert(rows).onConflict().ignore();
}

function otherKeys(view: IncidentView | null): readonly string[] {
  if (view === null) return [];
  const keys = new Set(view.alerts.map(({ dedupKey }) => clean(dedupKey)));
  keys.delete(clean(view.incidentKey ?? ''));
  return [...keys];
}

function incidentRow(accountId: string, view: IncidentView) {
  return {
    id: view.id,
    account_id: accountId,
    number: view.number,
    service_id: view.serviceId,
    escalation_policy_id: view.escalationPolicyId,
    status: view.status,
    urgency: view.urgency,
    title: clean(view.title),
    incident_key: view.incidentKey === null ? null : clean(view.incidentKey),
    created_at: view.createdAt,
    updated_at: view.updatedAt,
    resolved_at: view.resolvedAt,
    assignee_ids: view.assignments.map((assignment) => assignment.userId),
    workflow_id: view.workflowId,
    run_id: view.runId,
    revision: view.revision,
    view: toJsonb(view),
    projected_at: new Date(),
  };
}

async function insertEntries(
  trx: Knex.Transaction,
  accountId: string,
  {
    projections,
    replace,
  }: { readonly projections: readonly Projection[]; readonly replace: boolean },
) {
  const told = projections.flatMap(({ entries, by = NO_EXECUTION }) =>
    entries.map((entry) => ({ ...auditOfEntry(entry, by), entry })),
  );
  // A run that tried again may have told an entry twice.
  const once = new Map(told.map((row) => [row.entry.id, row]));
  const rows = [...once.values()].map((row, place) => ({ ...row, place }));
  if (rows.length === 0) return;
  const given = { account: accountId, rows: toJsonb(rows) };
  await trx.raw(insertEntriesSql(replace ? OVERWRITE : 'nothing'), given);
}

const OVERWRITE = `update set incident_id = excluded.incident_id, seq = excluded.seq, type = excluded.type,
      at = excluded.at, entry = excluded.entry`;

// An entry that is new gets its audit record with it, in one statement; one that is there has it already.
const insertEntriesSql = (onConflict: string): string => `
  with given as (
    select * from jsonb_to_recordset(:rows::jsonb) as r (
      place integer, entry jsonb, id text, occurred_at timestamptz, actor_type text, actor_id text,
      on_behalf_of text, credential_id text, action text, operation text, object_id text, reason text,
      changes text, source text, request_id text, trace_id text, workflow_id text, run_id text,
      producer text, producer_seq bigint)
  ), written as (
    insert into log_entries (id, account_id, incident_id, seq, type, at, entry)
    select g.entry ->> 'id', :account, g.entry ->> 'incidentId', (g.entry ->> 'seq')::integer,
      g.entry ->> 'type', (g.entry ->> 'at')::timestamptz, g.entry
    from given g
    on conflict (account_id, id) do ${onConflict} returning log_entries.id
  )
  insert into audit_records (
    account_id, id, occurred_at, actor_type, actor_id, on_behalf_of, credential_id, action, operation,
    object_type, object_id, root_type, root_id, outcome, reason, after_digest, changes, source, request_id,
    trace_id, workflow_id, run_id, producer, producer_seq)
  select :account, g.id, g.occurred_at, g.actor_type, g.actor_id, g.on_behalf_of, g.credential_id, g.action,
    g.operation, 'incidents', g.object_id, 'incidents', g.object_id, 'success', g.reason,
    audit_digest(:account, g.entry::text), g.changes, g.source, g.request_id, g.trace_id, g.workflow_id,
    g.run_id, g.producer, g.producer_seq
  from given g join written w on w.id = g.entry ->> 'id'
  order by g.place
  on conflict (account_id, id) do nothing`;

/** PostgreSQL stores no NUL character; a sender who writes one must not stop the projection for ever. */
function clean(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}

/** The same for JSON, keys too: `JSON.stringify` writes NUL and lone surrogates as escapes, and only those. */
function toJsonb(value: unknown): string {
  return JSON.stringify(value).replaceAll(/\\(?:u[0-9a-f]{4}|.)/g, (escape) =>
    /^\\u(?:0000|d[89a-f])/.test(escape) ? '\\ufffd' : escape,
  );
}
