import type { AccountIndex } from '../../domain/directory.ts';
import type {
  Agent,
  Alert,
  IncidentView,
  LogEntry,
  Note,
  ResponderRequest,
} from '../../domain/incident/types.ts';
import type { Config } from '../../platform/config.ts';

/** What the JSON of an incident needs besides its view: names, and where things are. */
export interface JsonContext {
  readonly index: AccountIndex;
  readonly config: Pick<Config, 'PUBLIC_URL' | 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>;
  /** PagerDuty's `include[]`: these references become whole objects. */
  readonly include: readonly string[];
}

export interface Reference {
  readonly id: string;
  readonly type: string;
  readonly summary: string | null;
  readonly self: string | null;
  readonly html_url: string | null;
}

/** A reference to something that has a page of its own under `path`. */
function reference(
  context: JsonContext,
  path: string,
  ref: { readonly id: string; readonly type: string; readonly summary: string | null },
): Reference {
  const url = `${context.config.PUBLIC_URL}/${path}/${encodeURIComponent(ref.id)}`;
  return { ...ref, self: url, html_url: url };
}

export function userReference(context: JsonContext, id: string, known?: string): Reference {
  const user = context.index.users.get(id);
  const summary = user?.name ?? known ?? null;
  const ref = reference(context, 'users', { id, type: 'user_reference', summary });
  if (!user || !includes(context, 'users', 'assignees', 'acknowledgers', 'agents')) return ref;
  const { name, email, role } = user;
  return Object.assign(ref, {
    type: 'user',
    name,
    email,
    role,
    time_zone: user.timeZone,
    job_title: user.jobTitle,
    description: user.description,
  });
}

function includes(context: JsonContext, ...names: readonly string[]): boolean {
  return names.some((name) => context.include.includes(name));
}

export function serviceReference(context: JsonContext, id: string, name: string): Reference {
  const ref = reference(context, 'services', { id, type: 'service_reference', summary: name });
  const service = context.index.services.get(id);
  if (!service || !includes(context, 'services')) return ref;
  return Object.assign(ref, {
    type: 'service',
    name: service.name,
    description: service.description,
    status: service.status,
    created_at: service.createdAt,
    auto_resolve_timeout: service.autoResolveTimeoutSec,
    acknowledgement_timeout: service.acknowledgementTimeoutSec,
  });
}

function policyReference(context: JsonContext, id: string, name: string): Reference {
  return reference(context, 'escalation_policies', {
    id,
    type: 'escalation_policy_reference',
    summary: name,
  });
}

function teamReferences(context: JsonContext, serviceId: string): readonly Reference[] {
  const ids = context.index.services.get(serviceId)?.teamIds ?? [];
  return ids.map((id) => {
    const team = context.index.config.teams.find((candidate) => candidate.id === id);
    const ref = { id, type: 'team_reference', summary: team?.name ?? null };
    return reference(context, 'teams', ref);
  });
}

/** Agents without a page of their own (keys, the system) are told as the service that they act in. */
export function agentReference(context: JsonContext, agent: Agent, serviceId?: string): Reference {
  if (agent.type === 'user') return userReference(context, agent.id, agent.summary);
  const { id, summary } = agent;
  if (agent.type === 'service') return serviceReference(context, id, summary);
  if (agent.type === 'integration' && serviceId !== undefined) {
    const path = `services/${serviceId}/integrations`;
    return reference(context, path, { id, type: 'integration_reference', summary });
  }
  return { id, type: 'service_reference', summary, self: null, html_url: null };
}

export function incidentReference(
  context: JsonContext,
  view: Pick<IncidentView, 'id'> & Partial<IncidentView>,
): Reference {
  const { id, number, title } = view;
  const summary = number === undefined ? null : `[#${number}] ${title ?? ''}`;
  return reference(context, 'incidents', { id, type: 'incident_reference', summary });
}

/** PagerDuty's incident, without a field where its description allows no null, and `temporal_ui_url`, where an engineer sees the workflow. */
export function incidentJson(context: JsonContext, view: IncidentView) {
  return {
    ...incidentReference(context, view),
    type: 'incident',
    incident_number: view.number,
    title: view.title,
    description: view.title,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
    ...(view.resolvedAt !== null && { resolved_at: view.resolvedAt }),
    status: view.status,
    urgency: view.urgency,
    // PagerDuty makes a key where none was given
    incident_key: view.incidentKey ?? view.id,
    service: serviceReference(context, view.serviceId, view.serviceName),
    escalation_policy: policyReference(context, view.escalationPolicyId, view.escalationPolicyName),
    teams: teamReferences(context, view.serviceId),
    alert_counts: view.alertCounts,
    pending_actions: view.pendingActions.map(pendingAction),
    is_mergeable: view.status !== 'resolved',
    first_trigger_log_entry: firstEntry(context, view.id),
    ...resolveReason(context, view),
    temporal_ui_url: temporalUiUrl(context.config, view.workflowId),
    ...people(context, view),
    ...body(context, view),
  };
}

/** Who is asked, who answered, and who changed it last. */
function people(context: JsonContext, view: IncidentView) {
  return {
    assigned_via: 'escalation_policy',
    assignments: view.assignments.map(({ at, userId }) => ({
      at,
      assignee: userReference(context, userId),
    })),
    acknowledgements: view.acknowledgements.map(({ at, agent }) => ({
      at,
      acknowledger: agentReference(context, agent),
    })),
    last_status_change_at: view.lastStatusChangeAt,
    last_status_change_by: agentReference(context, view.lastStatusChangeBy, view.serviceId),
    responder_requests: view.responderRequests.map((request) =>
      responderRequestJson(context, view, request),
    ),
    incidents_responders: view.responderRequests.flatMap((request) =>
      respondersJson(context, view, request),
    ),
  };
}

function pendingAction({ type, at }: IncidentView['pendingActions'][number]) {
  return type === 'urgency_change' ? { type, at, to: 'high' } : { type, at };
}

function resolveReason(context: JsonContext, { resolveReason: reason }: IncidentView) {
  if (!reason) return {};
  const incident = incidentReference(context, { id: reason.incidentId });
  return { resolve_reason: { type: reason.type, incident } };
}

function body(context: JsonContext, { description }: IncidentView) {
  if (!includes(context, 'body')) return {};
  return { body: { type: 'incident_body', details: description ?? '' } };
}

/** The workflow numbers its log entries from 1, and the trigger is the first. */
function firstEntry(context: JsonContext, incidentId: string): Reference {
  return reference(context, 'log_entries', {
    id: `${incidentId}-1`,
    type: 'trigger_log_entry_reference',
    summary: 'Triggered',
  });
}

function temporalUiUrl(config: JsonContext['config'], workflowId: string): string {
  const namespace = encodeURIComponent(config.TEMPORAL_NAMESPACE);
  const id = encodeURIComponent(workflowId);
  return `${config.TEMPORAL_UI_URL.replace(/\/+$/, '')}/namespaces/${namespace}/workflows/${id}`;
}

export function responderRequestJson(
  context: JsonContext,
  view: IncidentView,
  request: ResponderRequest,
) {
  return {
    id: request.id,
    incident: incidentReference(context, view),
    requester: userReference(context, request.requesterId),
    requested_at: request.requestedAt,
    message: request.message,
    responder_request_targets: request.responders.map(({ userId }) => ({
      ...userReference(context, userId),
      incident_responders: respondersJson(context, view, request).filter(
        (responder) => responder.user.id === userId,
      ),
    })),
  };
}

function respondersJson(context: JsonContext, view: IncidentView, request: ResponderRequest) {
  return request.responders.map(({ userId, state, updatedAt }) => ({
    state,
    user: userReference(context, userId),
    incident: incidentReference(context, view),
    updated_at: updatedAt,
    message: request.message,
    requester: userReference(context, request.requesterId),
    requested_at: request.requestedAt,
    escalation_policy_requests: [],
  }));
}

export function noteJson(context: JsonContext, note: Note) {
  return {
    id: note.id,
    content: note.content,
    created_at: note.createdAt,
    user: agentReference(context, note.agent),
    channel: { summary: 'The PD Lite api', type: 'api' },
  };
}

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
