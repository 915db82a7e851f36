import type { IncidentView, LogEntry } from '../../domain/incident/types.ts';
import { incidentJson } from './incident-json.ts';
import {
  agentReference,
  includes,
  incidentReference,
  serviceReference,
  teamReferences,
  type JsonContext,
} from './incident-references.ts';

/** `view` is of the entry's incident; undefined where it is not known here. */
export function logEntryJson(context: JsonContext, entry: LogEntry, view?: IncidentView) {
  const url = `${context.config.PUBLIC_URL}/log_entries/${encodeURIComponent(entry.id)}`;
  const channel = { type: entry.channel, summary: entry.reason };
  return {
    id: entry.id,
    type: entry.type,
    summary: entry.reason,
    self: url,
    html_url: url,
    created_at: entry.at,
    agent: agentReference(context, entry.agent, view?.serviceId),
    channel: includes(context, 'channels') ? { ...channel, details: entry.details } : channel,
    incident:
      view && includes(context, 'incidents')
        ? incidentJson({ ...context, include: [] }, view)
        : incidentReference(context, view ?? { id: entry.incidentId }),
    ...(view && {
      service: serviceReference(context, view.serviceId, view.serviceName),
      teams: teamReferences(context, view.serviceId),
    }),
    event_details: { description: entry.reason },
    details: entry.details,
  };
}
