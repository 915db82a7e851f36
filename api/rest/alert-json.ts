import type { Alert, IncidentView } from '../../domain/incident/types.ts';
import { incidentJson } from './incident-json.ts';
import {
  firstEntry,
  includes,
  incidentReference,
  reference,
  serviceReference,
  type JsonContext,
} from './incident-references.ts';

/** An alert as PagerDuty shows one. */
export function alertJson(context: JsonContext, view: IncidentView, alert: Alert) {
  const url = `${context.config.PUBLIC_URL}/incidents/${view.id}/alerts/${alert.id}`;
  return {
    id: alert.id,
    type: 'alert',
    summary: alert.payload?.summary ?? view.title,
    self: url,
    html_url: url,
    created_at: alert.createdAt,
    resolved_at: alert.resolvedAt,
    status: alert.status,
    alert_key: alert.dedupKey,
    suppressed: false,
    ...(alert.payload && { severity: alert.payload.severity }),
    service: serviceReference(context, view.serviceId, view.serviceName),
    incident: includes(context, 'incidents')
      ? incidentJson({ ...context, include: [] }, view)
      : incidentReference(context, view),
    first_trigger_log_entry: firstEntry(context, view.id),
    ...integration(context, view, alert),
    body: alertBody(alert),
  };
}

function integration(context: JsonContext, view: IncidentView, alert: Alert) {
  if (alert.integrationId === null) return {};
  const known = context.index.integrations.get(alert.integrationId);
  const ref = {
    id: alert.integrationId,
    type: `${known?.type ?? 'events_api_v2_inbound_integration'}_reference`,
    summary: known?.name ?? null,
  };
  return { integration: reference(context, `services/${view.serviceId}/integrations`, ref) };
}

function alertBody({ payload, links, images, client, clientUrl }: Alert) {
  const own = clientUrl === null ? [] : [{ href: clientUrl, text: client ?? clientUrl }];
  return {
    type: 'alert_body',
    contexts: [
      ...[...own, ...links].map((link) => ({ type: 'link', ...link })),
      ...images.map((image) => ({ type: 'image', ...image })),
    ],
    details: payload?.customDetails ?? {},
    cef_details: payload && {
      source_origin: payload.source,
      source_component: payload.component,
      service_group: payload.group,
      event_class: payload.class,
      severity: payload.severity,
    },
  };
}
