import type { Database } from '../../db/database.ts';
import { classifyDatabaseError } from '../../db/errors.ts';
import { readLogEntries } from '../../db/read/log-entries.ts';
import type { IncidentView, LogEntry } from '../../domain/incident/types.ts';
import { incidentJson } from './incident-json.ts';
import { firstEntryId, includes, type JsonContext } from './incident-references.ts';
import { logEntryJson } from './log-entry-json.ts';

/** Incidents as answered, with their first log entries whole where `include[]` asks for them. */
export async function incidentsJson(
  database: Database,
  context: JsonContext,
  views: readonly IncidentView[],
): Promise<readonly Record<string, unknown>[]> {
  const entries = includes(context, 'first_trigger_log_entries')
    ? await firstEntries(database, context, views)
    : new Map<string, LogEntry>();
  return views.map((view) => {
    const json = incidentJson(context, view);
    const entry = entries.get(view.id);
    if (!entry) return json;
    const shown = logEntryJson({ ...context, include: [] }, entry, view);
    return { ...json, first_trigger_log_entry: shown };
  });
}

/** The first log entry of this incident whole, where `include[]` asks for it and it can be read. */
export async function firstEntryJson(
  database: Database,
  context: JsonContext,
  view: IncidentView,
): Promise<object | undefined> {
  if (!includes(context, 'first_trigger_log_entries')) return undefined;
  const entry = (await firstEntries(database, context, [view])).get(view.id);
  return entry && logEntryJson({ ...context, include: [] }, entry, view);
}

/** By incident; those that are not projected yet, or that PostgreSQL cannot tell now, stay references. */
async function firstEntries(
  database: Database,
  { index }: JsonContext,
  views: readonly IncidentView[],
): Promise<ReadonlyMap<string, LogEntry>> {
  const ids = views.map(({ id }) => firstEntryId(id));
  try {
    const found = await readLogEntries(database, index.account.id, ids);
    return new Map(found.map((entry) => [entry.incidentId, entry]));
  } catch (error) {
    if (classifyDatabaseError(error) !== 'unavailable') throw error;
    return new Map();
  }
}
