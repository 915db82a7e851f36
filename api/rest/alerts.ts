import { z } from 'zod';

import type { Alert } from '../../domain/incident/types.ts';
import { defineRoute, type Route } from '../route.ts';
import { findOr404 } from './incident-actions.ts';
import { alertJson } from './incident-json.ts';
import { freshness, jsonContext, type IncidentDeps } from './incident-part.ts';
import { pageBody, pageOfAll, pageQuery, readPage } from './shared/pagination.ts';
import { notFound } from './shared/rest-error.ts';
import {
  idParams,
  idSchema,
  includeParam,
  ok,
  pageSchema,
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
const common = { tag: 'Incidents', permission: 'incidents:read', method: 'get' } as const;

/** Alerts of an incident: reading only, an alert is resolved by its own event or with its incident. */
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
        const alerts = found.items.map((alert) => alertJson(context, view, alert));
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
  ];
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
