import { z } from 'zod';

import { readIncidents } from '../../db/read/incidents.ts';
import { listLogEntries, readLogEntry } from '../../db/read/log-entries.ts';
import type { IncidentView, LogEntry } from '../../domain/incident/types.ts';
import { defineRoute, type Route } from '../route.ts';
import { findOr404 } from './incident-actions.ts';
import { logEntryJson } from './log-entry-json.ts';
import { freshness, jsonContext, type IncidentDeps } from './incident-part.ts';
import { listParam, pageBody, pageQuery, readPage } from './shared/pagination.ts';
import { notFound } from './shared/rest-error.ts';
import {
  idParams,
  includeParam,
  instantSchema,
  ok,
  pageSchema,
  resourceSchema,
  timeZoneParam,
  wrapped,
} from './shared/schemas.ts';

const entrySchema = resourceSchema({
  created_at: z.string(),
  agent: z.unknown(),
  channel: z.unknown(),
});
const entryQuery = { 'include[]': includeParam, time_zone: timeZoneParam };
const listQuery = z.object({
  ...pageQuery,
  ...entryQuery,
  since: instantSchema.optional(),
  until: instantSchema.optional(),
  is_overview: z.enum(['true', 'false']).default('false'),
});
const accountQuery = listQuery.extend({ 'team_ids[]': listParam });
const common = { tag: 'Log entries', permission: 'incidents:read', method: 'get' } as const;

/** Timelines, from the projections; what they do not hold yet is in the workflow. */
export function createLogEntryRoutes(deps: IncidentDeps): readonly Route[] {
  return [
    defineRoute({
      ...common,
      path: '/incidents/{id}/log_entries',
      operationId: 'listIncidentLogEntries',
      summary: 'Log entries of an incident, newest first',
      params: idParams,
      query: listQuery,
      responses: { 200: ok('The log entries.', pageSchema('log_entries', entrySchema)) },
      handle: async ({ actor, params, query }) => {
        const { view } = await findOr404(deps.live, actor, params.id);
        const page = readPage(query);
        const filter = { ...filterOf(query), incidentId: view.id, serviceIds: null };
        const found = await listLogEntries(deps.database, actor.accountId, { filter, page });
        const context = jsonContext(deps, actor, query['include[]']);
        const entries = found.items.map((entry) => logEntryJson(context, entry, view));
        const body = pageBody('log_entries', entries, page, found);
        return { status: 200, body, headers: freshness('projection', null) };
      },
    }),
    defineRoute({
      ...common,
      path: '/log_entries',
      operationId: 'listLogEntries',
      summary: 'Log entries of the account, newest first',
      query: accountQuery,
      responses: { 200: ok('The log entries.', pageSchema('log_entries', entrySchema)) },
      handle: async ({ actor, query }) => {
        const page = readPage(query);
        const context = jsonContext(deps, actor, query['include[]']);
        const teamIds = query['team_ids[]'] ?? [];
        const serviceIds =
          teamIds.length === 0
            ? null
            : context.index.config.services
                .filter((service) => service.teamIds.some((id) => teamIds.includes(id)))
                .map((service) => service.id);
        const filter = { ...filterOf(query), incidentId: null, serviceIds };
        const found = await listLogEntries(deps.database, actor.accountId, { filter, page });
        const views = await viewsOf(deps, actor.accountId, found.items);
        const entries = found.items.map((entry) =>
          logEntryJson(context, entry, views.get(entry.incidentId)),
        );
        const body = pageBody('log_entries', entries, page, found);
        return { status: 200, body, headers: freshness('projection', null) };
      },
    }),
    defineRoute({
      ...common,
      path: '/log_entries/{id}',
      operationId: 'getLogEntry',
      summary: 'One log entry',
      params: idParams,
      query: z.object(entryQuery),
      responses: { 200: ok('The log entry.', wrapped('log_entry', entrySchema)) },
      handle: async ({ actor, params, query }) => {
        const entry = await readLogEntry(deps.database, actor.accountId, params.id);
        if (!entry) throw notFound();
        const views = await viewsOf(deps, actor.accountId, [entry]);
        const context = jsonContext(deps, actor, query['include[]']);
        const body = { log_entry: logEntryJson(context, entry, views.get(entry.incidentId)) };
        return { status: 200, body, headers: freshness('projection', null) };
      },
    }),
  ];
}

function filterOf(query: z.infer<typeof listQuery>) {
  return {
    since: query.since ?? null,
    until: query.until ?? null,
    overview: query.is_overview === 'true',
  };
}

/** The projected incidents of a page of log entries, at most 100. */
async function viewsOf(
  { database }: IncidentDeps,
  accountId: string,
  entries: readonly LogEntry[],
): Promise<ReadonlyMap<string, IncidentView>> {
  const ids = [...new Set(entries.map((entry) => entry.incidentId))];
  const rows = await readIncidents(database, accountId, ids);
  return new Map(rows.map(({ view }) => [view.id, view]));
}
