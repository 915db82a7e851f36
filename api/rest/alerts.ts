import { z } from 'zod';

import type { Alert } from '../../domain/incident/types.ts';
import { defineRoute, type Answer, type Route } from '../route.ts';
import { act, findOr404, type Acted, type Caller } from './incident-actions.ts';
import { alertJson } from './alert-json.ts';
import { firstEntryJson } from './incidents-json.ts';
import { freshness, jsonContext, type IncidentDeps } from './incident-part.ts';
import { pageBody, pageOfAll, pageQuery, readPage } from './shared/pagination.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import {
  idParams,
  idSchema,
  includeParam,
  ok,
  pageSchema,
  referenceInput,
  resourceSchema,
  wrapped,
} from './shared/schemas.ts';

const SORTS = [
  'created_at',
  'created_at:asc',
  'created_at:desc',
  'resolved_at',
  'resolved_at:asc',
  'resolved_at:desc',
] as const;
const alertSchema = resourceSchema({
  status: z.enum(['triggered', 'resolved']),
  alert_key: z.string(),
  created_at: z.string(),
  suppressed: z.boolean(),
});
const listQuery = z.object({
  ...pageQuery,
  alert_key: z.string().max(255).optional(),
  'statuses[]': z
    .array(z.enum(['triggered', 'resolved']))
    .max(2)
    .optional(),
  sort_by: z.enum(SORTS).default('created_at'),
  'include[]': includeParam,
});
/** PagerDuty's bound of a bulk update. */
const BULK_MAX = 250;
const alertInput = z.object({
  status: z.enum(['triggered', 'resolved']).optional(),
  incident: referenceInput.nullish(),
});
const updateBody = z.object({ alert: alertInput });
const bulkBody = z.object({
  alerts: z
    .array(alertInput.extend({ id: idSchema }))
    .min(1)
    .max(BULK_MAX),
});
const common = { tag: 'Incidents', permission: 'incidents:read', method: 'get' } as const;

const write = { ...common, permission: 'incidents:write', method: 'put' } as const;

/** Alerts of an incident. A person can resolve one; nobody can open it again or move it but by a merge. */
export function createAlertRoutes(deps: IncidentDeps): readonly Route[] {
  return [
    defineRoute({
      ...common,
      path: '/incidents/{id}/alerts',
      operationId: 'listIncidentAlerts',
      summary: 'Alerts of an incident',
      params: idParams,
      query: listQuery,
      responses: { 200: ok('The alerts.', pageSchema('alerts', alertSchema)) },
      handle: async ({ actor, params, query }) => {
        const page = readPage(query);
        const { view, source, ageSeconds } = await findOr404(deps.live, actor, params.id);
        const context = jsonContext(deps, actor, query['include[]']);
        const found = pageOfAll(matching(view.alerts, query), page);
        const first = await firstEntryJson(deps.database, context, view);
        const alerts = found.items.map((alert) => ({
          ...alertJson(context, view, alert),
          ...(first && { first_trigger_log_entry: first }),
        }));
        const body = pageBody('alerts', alerts, page, found);
        return { status: 200, body, headers: freshness(source, ageSeconds) };
      },
    }),
    defineRoute({
      ...common,
      path: '/incidents/{id}/alerts/{alert_id}',
      operationId: 'getIncidentAlert',
      summary: 'One alert of an incident',
      params: idParams.extend({ alert_id: idSchema }),
      responses: { 200: ok('The alert.', wrapped('alert', alertSchema)) },
      handle: async ({ actor, params }) => {
        const { view, source, ageSeconds } = await findOr404(deps.live, actor, params.id);
        const alert = view.alerts.find((candidate) => candidate.id === params.alert_id);
        if (!alert) throw notFound();
        const body = { alert: alertJson(jsonContext(deps, actor), view, alert) };
        return { status: 200, body, headers: freshness(source, ageSeconds) };
      },
    }),
    defineRoute({
      ...write,
      path: '/incidents/{id}/alerts',
      operationId: 'updateIncidentAlerts',
      summary: 'Resolve up to 250 alerts; with its last open alert the incident resolves',
      params: idParams,
      body: bulkBody,
      responses: { 200: ok('The alerts.', pageSchema('alerts', alertSchema)) },
      handle: async (input) => {
        const { alerts: wanted } = input.body;
        const acted = await resolveThose(deps, input, input.params.id, wanted);
        const page = { limit: BULK_MAX, offset: 0, total: false };
        const found = { items: [], more: false, total: null };
        const alerts = wanted.map(({ id }) => shown(deps, input, acted, id));
        return { status: 200, body: pageBody('alerts', alerts, page, found) };
      },
    }),
    defineRoute({
      ...write,
      path: '/incidents/{id}/alerts/{alert_id}',
      operationId: 'updateIncidentAlert',
      summary: 'Resolve an alert; with its last open alert the incident resolves',
      params: idParams.extend({ alert_id: idSchema }),
      body: updateBody,
      responses: { 200: ok('The alert.', wrapped('alert', alertSchema)) },
      handle: async (input): Promise<Answer> => {
        const { id, alert_id: alertId } = input.params;
        const wanted = [{ id: alertId, ...input.body.alert }];
        const acted = await resolveThose(deps, input, id, wanted);
        return { status: 200, body: { alert: shown(deps, input, acted, alertId) } };
      },
    }),
  ];
}

type Wanted = { readonly id: string } & z.infer<typeof alertInput>;

/** Those whose wanted status is resolved; without one nothing changes. @throws RestError 404, 400 */
async function resolveThose(
  deps: IncidentDeps,
  caller: Caller,
  incidentId: string,
  wanted: readonly Wanted[],
): Promise<Acted> {
  const { view } = await findOr404(deps.live, caller.actor, incidentId);
  for (const { id, status, incident } of wanted) {
    if (incident && incident.id !== incidentId) {
      throw invalidInput('incident: an alert goes to another incident by a merge only');
    }
    const alert = view.alerts.find((candidate) => candidate.id === id);
    if (!alert) throw notFound();
    if (status === 'triggered' && alert.status === 'resolved') {
      throw invalidInput('status: an alert cannot be triggered again');
    }
  }
  const alertIds = wanted.filter(({ status }) => status === 'resolved').map(({ id }) => id);
  const actions = alertIds.length > 0 ? [{ type: 'resolve_alerts', alertIds } as const] : [];
  return act(deps, caller, incidentId, actions);
}

function shown(deps: IncidentDeps, { actor }: Caller, { view }: Acted, id: string) {
  const alert = view.alerts.find((candidate) => candidate.id === id);
  if (!alert) throw notFound();
  return alertJson(jsonContext(deps, actor), view, alert);
}

function matching(alerts: readonly Alert[], query: z.infer<typeof listQuery>): readonly Alert[] {
  const statuses = query['statuses[]'] ?? [];
  const [field, direction] = query.sort_by.split(':');
  const at = (alert: Alert) => (field === 'resolved_at' ? alert.resolvedAt : alert.createdAt) ?? '';
  const sign = direction === 'desc' ? -1 : 1;
  return alerts
    .filter((alert) => statuses.length === 0 || statuses.includes(alert.status))
    .filter((alert) => query.alert_key === undefined || alert.dedupKey === query.alert_key)
    .toSorted((a, b) => sign * at(a).localeCompare(at(b)));
}
