import type { IncidentView, Note, ResponderRequest } from '../../domain/incident/types.ts';
import {
  agentReference,
  firstEntry,
  includes,
  incidentReference,
  policyReference,
  serviceReference,
  teamReferences,
  userReference,
  type JsonContext,
} from './incident-references.ts';

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
    responder_request_targets: request.responders.map(({ userId }) => {
      const asked = respondersJson(context, view, request);
      const responders = asked.filter(({ user }) => user.id === userId);
      const target = { ...userReference(context, userId), type: 'user' };
      // PagerDuty's description shows targets bare, its examples and clients each in an object of its own
      return {
        ...{ ...target, incident_responders: responders },
        responder_request_target: { ...target, incidents_responders: responders },
      };
    }),
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
