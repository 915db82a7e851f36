import { z } from 'zod';

import { classifyDatabaseError } from '../../db/errors.ts';
import { readLagSeconds } from '../../db/read/freshness.ts';
import {
  listIncidents,
  SORT_FIELDS,
  type IncidentFilter,
  type Sort,
} from '../../db/read/incidents.ts';
import type { AccountIndex } from '../../domain/directory.ts';
import type { IncidentView } from '../../domain/incident/types.ts';
import { defineRoute, type Answer, type Route } from '../route.ts';
import type { Actor } from '../../domain/permissions.ts';
import { findOr404 } from './incident-actions.ts';
import { incidentsJson } from './incidents-json.ts';
import type { JsonContext } from './incident-references.ts';
import { freshness, incidentSchema, jsonContext, type IncidentDeps } from './incident-part.ts';
import { listParam, pageBody, pageOfAll, pageQuery, readPage } from './shared/pagination.ts';
import { invalidInput } from './shared/rest-error.ts';
import {
  idParams,
  includeParam,
  instantSchema,
  ok,
  pageSchema,
  timeZoneParam,
  wrapped,
} from './shared/schemas.ts';

const DAY_MS = 86_400_000;
/** PagerDuty's: a list without dates covers a month, and no list more than six. */
const DEFAULT_RANGE_MS = 31 * DAY_MS;
const MAX_RANGE_MS = 184 * DAY_MS;

const listQuery = z.object({
  ...pageQuery,
  'statuses[]': z
    .array(z.enum(['triggered', 'acknowledged', 'resolved']))
    .max(3)
    .optional(),
  'urgencies[]': z
    .array(z.enum(['high', 'low']))
    .max(2)
    .optional(),
  'service_ids[]': listParam,
  'team_ids[]': listParam,
  'user_ids[]': listParam,
  incident_key: z.string().max(255).optional(),
  since: instantSchema.optional(),
  until: instantSchema.optional(),
  date_range: z.literal('all').optional(),
  time_zone: timeZoneParam,
  sort_by: z.string().max(100).default('created_at:asc'),
  'include[]': includeParam,
});
type ListQuery = z.infer<typeof listQuery>;

/** Reading incidents. */
export function createIncidentListRoutes(deps: IncidentDeps): readonly Route[] {
  const common = { tag: 'Incidents', permission: 'incidents:read', method: 'get' } as const;
  return [
    defineRoute({
      ...common,
      path: '/incidents',
      operationId: 'listIncidents',
      summary: 'List incidents; open ones even without the database',
      query: listQuery,
      responses: { 200: ok('Incidents.', pageSchema('incidents', incidentSchema)) },
      handle: async ({ actor, query }) => {
        const context = jsonContext(deps, actor, query['include[]']);
        try {
          return await projectedList(deps, context, query);
        } catch (error) {
          const resolved = query['statuses[]']?.includes('resolved') === true;
          if (resolved || classifyDatabaseError(error) !== 'unavailable') throw error;
          return await liveList(deps, { actor, context }, query);
        }
      },
    }),
    defineRoute({
      ...common,
      path: '/incidents/{id}',
      operationId: 'getIncident',
      summary: 'One incident, as its workflow tells it where that answers',
      params: idParams,
      query: z.object({ 'include[]': includeParam }),
      responses: { 200: ok('The incident.', wrapped('incident', incidentSchema)) },
      handle: async ({ actor, params, query }) => {
        const { view, source, ageSeconds } = await findOr404(deps.live, actor, params.id);
        const context = jsonContext(deps, actor, query['include[]']);
        const headers = freshness(source, ageSeconds);
        const [incident] = await incidentsJson(deps.database, context, [view]);
        return { status: 200, body: { incident }, headers };
      },
    }),
  ];
}

async function projectedList(
  deps: IncidentDeps,
  context: JsonContext,
  query: ListQuery,
): Promise<Answer> {
  const page = readPage(query);
  const { index } = context;
  const filter = filterOf(index, query, deps.now());
  const sort = sortOf(query.sort_by);
  const found = await listIncidents(deps.database, index.account.id, { filter, sort, page });
  const lag = await readLagSeconds(deps.database, index.account.id, {
    now: deps.now(),
    backlogSeconds: deps.projectionBacklogSeconds?.() ?? null,
  });
  const views = found.items.map(({ view }) => view);
  const incidents = await incidentsJson(deps.database, context, views);
  const body = pageBody('incidents', incidents, page, found);
  return { status: 200, body, headers: freshness('projection', lag) };
}

/** Open incidents from their workflows; says in `Pdlite-Incomplete` when some are missing. */
async function liveList(
  deps: IncidentDeps,
  { actor, context }: { readonly actor: Actor; readonly context: JsonContext },
  query: ListQuery,
): Promise<Answer> {
  const page = readPage(query);
  const live = await deps.live.listOpen(actor.accountId);
  const filter = filterOf(context.index, { ...query, date_range: 'all' }, deps.now());
  const matching = live.views.filter((view) => matches(view, filter));
  const found = pageOfAll(matching, page);
  const incidents = await incidentsJson(deps.database, context, found.items);
  const missing = live.more || live.unanswered > 0;
  const incomplete = missing
    ? { 'pdlite-incomplete': `more=${live.more}, unanswered=${live.unanswered}` }
    : {};
  return {
    status: 200,
    body: pageBody('incidents', incidents, page, found),
    headers: { ...freshness('workflow', 0), ...incomplete },
  };
}

function matches(view: IncidentView, filter: IncidentFilter): boolean {
  const among = (wanted: readonly string[], value: string) =>
    wanted.length === 0 || wanted.includes(value);
  const assigned = view.assignments.some(({ userId }) => filter.userIds.includes(userId));
  return (
    among(filter.statuses, view.status) &&
    among(filter.urgencies, view.urgency) &&
    among(filter.serviceIds, view.serviceId) &&
    (filter.userIds.length === 0 || assigned) &&
    (filter.incidentKey === null ||
      filter.incidentKey === view.incidentKey ||
      view.alerts.some(({ dedupKey }) => dedupKey === filter.incidentKey))
  );
}

function filterOf(index: AccountIndex, query: ListQuery, now: Date): IncidentFilter {
  return {
    statuses: query['statuses[]'] ?? [],
    urgencies: query['urgencies[]'] ?? [],
    serviceIds: servicesOf(index, query),
    userIds: query['user_ids[]'] ?? [],
    incidentKey: query.incident_key ?? null,
    ...rangeOf(query, now),
  };
}

/** Teams are told by their services; an id that no service has finds nothing. */
function servicesOf(index: AccountIndex, query: ListQuery): readonly string[] {
  const given = query['service_ids[]'] ?? [];
  const teamIds = query['team_ids[]'] ?? [];
  if (teamIds.length === 0) return given;
  const ofTeams = index.config.services
    .filter((service) => service.teamIds.some((id) => teamIds.includes(id)))
    .map((service) => service.id)
    .filter((id) => given.length === 0 || given.includes(id));
  return ofTeams.length > 0 ? ofTeams : [''];
}

function rangeOf(query: ListQuery, now: Date): Pick<IncidentFilter, 'since' | 'until'> {
  if (query.date_range === 'all') return { since: null, until: null };
  const until = query.until ?? null;
  const end = until === null ? now.getTime() : Date.parse(until);
  const since = query.since ?? new Date(end - DEFAULT_RANGE_MS).toISOString();
  if (end - Date.parse(since) > MAX_RANGE_MS) {
    throw invalidInput('The range between since and until must not exceed 6 months');
  }
  return { since, until };
}

/** `created_at:desc,urgency`: at most two fields. @throws RestError 400 */
function sortOf(text: string): readonly Sort[] {
  const parts = text.split(',');
  if (parts.length > 2) throw invalidInput('sort_by: at most two fields');
  return parts.map((part) => {
    const [name, direction = 'asc'] = part.trim().split(':');
    const field = SORT_FIELDS.find((candidate) => candidate === name);
    if (!field || (direction !== 'asc' && direction !== 'desc')) {
      throw invalidInput(`sort_by: ${SORT_FIELDS.join(', ')}, each with :asc or :desc`);
    }
    return { field, direction };
  });
}
