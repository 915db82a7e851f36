import { INCIDENT_LIMITS } from '../limits.ts';
import { ACTION_REFUSED } from '../messages.ts';
import type { EscalationPolicy } from '../model.ts';
import type { IncidentAction, IncidentAddress, IncidentState } from './types.ts';

export interface Refusal {
  /** One of `ACTION_REFUSED`. */
  readonly type: string;
  /** For people. */
  readonly message: string;
}

/**
 * Null when the action may be applied. One that was applied before may always come again, but one for an
 * earlier incident of this workflow never hits the present one.
 */
export function validateAction(state: IncidentState, action: IncidentAction): Refusal | null {
  if (!isMeantFor(state, action.incidentId)) return alreadyResolved();
  const memory = recall(state, action.actionId);
  if (memory === 'repeated') return null;
  if (memory === 'key_reused') return keyReused();
  if (!state.opened) return invalid('The incident has not been triggered yet.');
  if (state.view.status === 'resolved') return alreadyResolved();
  const message = boundsMessage(state, action);
  return message === null ? null : invalid(message);
}

/** Whether an action came before, as far as ids are remembered; or another request with its `Idempotency-Key` did. */
export type ActionMemory = 'repeated' | 'key_reused' | 'new';

// Made by the api: a hash of the key, a hash of the request, and the action's place in it.
const OF_A_KEY = /^(R[0-9A-F]{24}-)([0-9A-F]{12}-)\d+$/;

/** What the incident remembers of this action. */
export function recall({ seen }: Pick<IncidentState, 'seen'>, actionId: string): ActionMemory {
  if (seen.includes(actionId)) return 'repeated';
  const [, key, request] = OF_A_KEY.exec(actionId) ?? [];
  if (key === undefined || request === undefined) return 'new';
  const reused = seen.some((id) => id.startsWith(key) && !id.startsWith(key + request));
  return reused ? 'key_reused' : 'new';
}

/** False when the workflow has gone on to another incident than the one that was meant. */
export function isMeantFor(state: IncidentState, incidentId: string | undefined): boolean {
  return incidentId === undefined || incidentId === state.view.id;
}

function alreadyResolved(): Refusal {
  return { type: ACTION_REFUSED.alreadyResolved, message: 'Incident Already Resolved' };
}

function keyReused(): Refusal {
  const message = 'The Idempotency-Key belongs to another request.';
  return { type: ACTION_REFUSED.keyReused, message };
}

function invalid(message: string): Refusal {
  return { type: ACTION_REFUSED.invalid, message };
}

function boundsMessage(state: IncidentState, action: IncidentAction): string | null {
  switch (action.type) {
    case 'reassign':
      return countMessage('Assignees', action.userIds.length, INCIDENT_LIMITS.targets);
    case 'reassign_policy':
      return policyMessage(action.policy);
    case 'escalate':
      return ruleMessage(state, action.ruleIndex);
    case 'snooze':
      return snoozeMessage(action.durationSec);
    case 'note':
      return noteMessage(state, action.content);
    case 'resolve_alerts':
      return alertsMessage(state, action.alertIds);
    case 'set_title':
      return textMessage('Title', action.title, INCIDENT_LIMITS.titleChars);
    case 'merge':
      return mergeMessage(state, action.sources);
    case 'merge_into':
      return isSelf(state, action.target) ? 'An incident cannot be merged into itself.' : null;
    case 'request_responders':
      return requestMessage(state, action.targets.length);
    default:
      return null;
  }
}

function countMessage(what: string, count: number, most: number): string | null {
  return count >= 1 && count <= most ? null : `${what} must number 1 to ${most}.`;
}

function textMessage(what: string, text: string, most: number): string | null {
  if (text.trim() === '') return `${what} cannot be empty.`;
  return text.length <= most ? null : `${what} is too long (maximum is ${most} characters).`;
}

function policyMessage(policy: EscalationPolicy): string | null {
  return policy.rules.length > 0 ? null : 'The escalation policy has no rules.';
}

function ruleMessage(state: IncidentState, ruleIndex: number | null): string | null {
  const count = state.settings.policy.rules.length;
  if (ruleIndex === null) return count > 0 ? null : 'The escalation policy has no rules.';
  const known = Number.isInteger(ruleIndex) && ruleIndex >= 0 && ruleIndex < count;
  return known ? null : `The escalation policy has ${count} levels.`;
}

function snoozeMessage(durationSec: number): string | null {
  const { snoozeMinSec, snoozeMaxSec } = INCIDENT_LIMITS;
  const fits =
    Number.isInteger(durationSec) && durationSec >= snoozeMinSec && durationSec <= snoozeMaxSec;
  return fits ? null : `Duration must be ${snoozeMinSec} to ${snoozeMaxSec} seconds.`;
}

function noteMessage(state: IncidentState, content: string): string | null {
  const waiting = state.outbox.filter(({ type }) => type === 'annotate_log_entry').length;
  if (waiting >= INCIDENT_LIMITS.outboxNotes)
    return 'Too many notes are waiting to be stored; try again later.';
  return textMessage('Note', content, INCIDENT_LIMITS.noteChars);
}

function alertsMessage(state: IncidentState, alertIds: readonly string[]): string | null {
  const unknown = alertIds.find((id) => !state.view.alerts.some((alert) => alert.id === id));
  if (unknown !== undefined) return `The incident has no alert ${unknown.slice(0, 64)}.`;
  return countMessage('Alerts', alertIds.length, INCIDENT_LIMITS.alerts);
}

function requestMessage(state: IncidentState, targets: number): string | null {
  if (state.view.responderRequests.length >= INCIDENT_LIMITS.responderRequests)
    return `An incident can have ${INCIDENT_LIMITS.responderRequests} responder requests.`;
  return countMessage('Responder request targets', targets, INCIDENT_LIMITS.targets);
}

function mergeMessage(state: IncidentState, sources: readonly IncidentAddress[]): string | null {
  if (sources.some((source) => isSelf(state, source)))
    return 'An incident cannot be merged into itself.';
  if (state.view.alertCounts.all + sources.length > INCIDENT_LIMITS.alerts)
    return `An incident can have ${INCIDENT_LIMITS.alerts} alerts.`;
  const ahead = state.pendingMerges.length + state.mergedSources.length;
  return countMessage('Source incidents', sources.length, INCIDENT_LIMITS.mergeSources - ahead);
}

function isSelf(state: IncidentState, address: IncidentAddress): boolean {
  return address.incidentId === state.view.id || address.workflowId === state.view.workflowId;
}
