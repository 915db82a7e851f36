import { INCIDENT_LIMITS } from '../limits.ts';
import { numberAt } from './alerts.ts';
import type {
  Agent,
  IncidentCommand,
  IncidentInput,
  IncidentSettings,
  IncidentState,
  IncidentView,
  Leftover,
} from './types.ts';

export interface WorkflowIds {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * The state at the start of a run: the carried one, or an incident that waits for its trigger. Until then it says
 * that it was created when the engine started the run.
 */
export function openIncident(
  input: IncidentInput,
  startedAt: string,
  ids: WorkflowIds,
): IncidentState {
  const { carried } = input;
  if (carried) return { ...carried, view: { ...carried.view, ...ids } };
  return {
    settings: input.settings,
    view: blankView(input, startedAt, ids),
    opened: false,
    pagedUserIds: [],
    requestedUserIds: [],
    currentPage: null,
    passReached: false,
    manualAssignment: false,
    nextCommand: 1,
    nextLogSeq: 1,
    nextAlert: 1,
    repeatsLogged: 0,
    foldedAlerts: { triggered: 0, resolved: 0 },
    outbox: [],
    entriesDropped: 0,
    projectedRevision: 0,
    leftovers: [],
    seen: [],
    acknowledgementDueAt: null,
    autoResolveDueAt: null,
    mergedInto: null,
    released: false,
    handedOver: null,
    mergedSources: [],
    pendingMerges: [],
    releases: [],
    held: [],
    traceparent: null,
  };
}

function blankView(
  { incidentId, settings }: Pick<IncidentInput, 'incidentId' | 'settings'>,
  nowIso: string,
  ids: WorkflowIds,
): IncidentView {
  const { service, policy } = settings;
  const agent: Agent = { type: 'service', id: service.id, summary: service.name };
  return {
    id: incidentId,
    number: numberAt(nowIso),
    accountId: settings.accountId,
    serviceId: service.id,
    serviceName: service.name,
    escalationPolicyId: policy.id,
    escalationPolicyName: policy.name,
    ...ids,
    title: '',
    description: null,
    status: 'triggered',
    urgency: 'high',
    incidentKey: null,
    createdAt: nowIso,
    updatedAt: nowIso,
    resolvedAt: null,
    resolveReason: null,
    assignments: [],
    acknowledgements: [],
    lastStatusChangeAt: nowIso,
    lastStatusChangeBy: agent,
    alerts: [],
    alertCounts: { all: 0, triggered: 0, resolved: 0 },
    notes: [],
    responderRequests: [],
    pendingActions: [],
    escalation: { ruleIndex: 0, loop: 0, timer: { kind: 'none', reason: 'manual' } },
    snoozedUntil: null,
    revision: 0,
  };
}

/** The next incident of the same workflow, and its argument: what is not yet projected and seen goes along. */
export function succeed(
  over: IncidentState,
  next: { readonly incidentId: string; readonly settings: IncidentSettings; readonly at: string },
): IncidentInput {
  const { workflowId, runId } = over.view;
  const input = { incidentId: next.incidentId, settings: next.settings, manual: null };
  const leftover: Leftover = { view: over.view, entries: over.outbox };
  return {
    ...input,
    carried: {
      ...openIncident(input, next.at, { workflowId, runId }),
      seen: over.seen,
      held: over.held,
      releases: over.releases,
      unfinished: stopsOf(over),
      leftovers: [...over.leftovers, leftover].slice(-INCIDENT_LIMITS.leftovers),
    },
  };
}

/** Stops outlive their incident: a responder who was not told yet still pages. */
function stopsOf({ view, unfinished }: IncidentState): readonly IncidentCommand[] {
  return (unfinished ?? []).flatMap((command) =>
    command.type === 'stop' ? [{ incidentId: view.id, ...command }] : [],
  );
}
