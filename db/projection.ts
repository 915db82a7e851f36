import type { Knex } from 'knex';

import type { IncidentView, LogEntry } from '../domain/incident/types.ts';

import type { Database } from './database.ts';

/** What a workflow has to tell: its incident as it is now, and what happened since the last time. */
export interface Projection {
  readonly accountId: string;
  /** Null when only log entries are told. */
  readonly view: IncidentView | null;
  readonly entries: readonly LogEntry[];
}

/**
 * Writes a projection in one transaction. Any order and repetition of projections ends in the same
 * rows: a view replaces only an older revision of its incident, and a log entry is written once.
 * @throws whatever PostgreSQL answers; then nothing was written.
 */
export async function writeProjection(database: Database, projection: Projection): Promise<void> {
  const { accountId, view, entries } = projection;
  await database.inAccount(accountId, async (trx) => {
    if (view) await upsertView(trx, accountId, view);
    if (view) await insertAlertKeys(trx, accountId, view);
    if (entries.length > 0) await insertEntries(trx, accountId, entries);
  });
}

async function upsertView(trx: Knex.Transaction, accountId: string, view: IncidentView) {
  await trx('incidents')
    .insert(incidentRow(accountId, view))
    .onConflict(['account_id', 'id'])
    .merge()
    // Two runs of a workflow may tell the same incident; the newer revision stays.
    .where('incidents.revision', '<', view.revision);
}

/** Keys other than the incident's own. They stay: whoever looks for one wants the incident that it once led to. */
async function insertAlertKeys(trx: Knex.Transaction, accountId: string, view: IncidentView) {
  const keys = new Set(view.alerts.map(({ dedupKey }) => clean(dedupKey)));
  keys.delete(clean(view.incidentKey ?? ''));
  if (keys.size === 0) return;
  const rows = [...keys].map((key) => ({
    account_id: accountId,
    alert_key: key,
    incident_id: view.id,
  }));
  await trx('incident_alert_keys').insert(rows).onConflict().ignore();
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
  entries: readonly LogEntry[],
) {
  const rows = entries.map((entry) => ({
    id: entry.id,
    account_id: accountId,
    incident_id: entry.incidentId,
    seq: entry.seq,
    type: entry.type,
    at: entry.at,
    entry: toJsonb(entry),
  }));
  await trx('log_entries').insert(rows).onConflict(['account_id', 'id']).ignore();
}

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
