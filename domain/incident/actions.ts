import { INCIDENT_LIMITS } from '../limits.ts';
import { resolveAlerts } from './alerts.ts';
import {
  type Cause,
  type Draft,
  causeOf,
  firstTime,
  log,
  setState,
  setView,
  stop,
} from './draft.ts';
import {
  armTimer,
  clearAcknowledgement,
  disarm,
  enterRule,
  escalateByPerson,
  pageAssigneesAgain,
  pageNow,
} from './escalation.ts';
import { mergeInto, startMerge } from './merge.ts';
import { pageResponders } from './paging.ts';
import { acknowledge, resolve, snooze } from './status.ts';
import type { Answer, IncidentAction } from './types.ts';
import { isMeantFor, validateAction } from './validate.ts';

type ActionOf<T extends IncidentAction['type']> = Extract<IncidentAction, { type: T }>;

/** Applies a person's action. One seen before, or one that the rules refuse, changes nothing. */
export function takeAction(d: Draft, action: IncidentAction): void {
  if (validateAction(d.state, action) !== null) return;
  if (!firstTime(d, action.actionId)) return;
  // An update comes when it is taken.
  const cause = causeOf(d, action, d.now);
  if (!takeEscalationAction(d, action, cause)) takeOtherAction(d, action, cause);
}

/** Actions that move the status or the escalation. */
function takeEscalationAction(d: Draft, action: IncidentAction, cause: Cause): boolean {
  switch (action.type) {
    case 'acknowledge':
      acknowledge(d, cause);
      return true;
    case 'resolve':
      resolve(d, cause, resolveReason(cause, action.resolution));
      return true;
    case 'reassign':
      reassign(d, action.userIds, cause);
      return true;
    case 'reassign_policy':
      reassignPolicy(d, action, cause);
      return true;
    case 'escalate':
      escalateByPerson(d, action.ruleIndex, cause);
      return true;
    case 'snooze':
      snooze(d, action.durationSec, cause);
      return true;
    case 'set_urgency':
      setUrgency(d, action.urgency, cause);
      return true;
    default:
      return false;
  }
}

function takeOtherAction(d: Draft, action: IncidentAction, cause: Cause): void {
  switch (action.type) {
    case 'note':
      addNote(d, action.content, cause);
      return;
    case 'resolve_alerts':
      resolveAlerts(d, action.alertIds, cause);
      return;
    case 'set_title':
      setTitle(d, action.title, cause);
      return;
    case 'merge':
      startMerge(d, action.sources, cause);
      return;
    case 'merge_into':
      mergeInto(d, action.target, cause);
      return;
    case 'request_responders':
      requestResponders(d, action, cause);
      return;
    case 'responder_reply':
      takeResponderReply(d, action, cause);
      return;
    default:
  }
}

function resolveReason(cause: Cause, resolution: string | null): string {
  const said = resolution ? `: ${resolution.slice(0, INCIDENT_LIMITS.noteChars)}` : '.';
  return `Resolved by ${cause.agent.summary}${said}`;
}

/** As PagerDuty: named users are paged, the policy does not go on by itself, an acknowledgement is void. */
function reassign(d: Draft, userIds: readonly string[], cause: Cause): void {
  clearAcknowledgement(d, cause);
  setState(d, { manualAssignment: true });
  setView(d, { assignments: [...new Set(userIds)].map((userId) => ({ userId, at: cause.at })) });
  armTimer(d, cause.at);
  log(
    d,
    { type: 'assign_log_entry', reason: `Reassigned by ${cause.agent.summary}.`, cause },
    { userIds },
  );
  const targets = [...new Set(userIds)].map((id) => ({ type: 'user', id }) as const);
  pageNow(d, targets, { why: 'reassign', cause, named: true });
}

function reassignPolicy(d: Draft, { policy }: ActionOf<'reassign_policy'>, cause: Cause): void {
  clearAcknowledgement(d, cause);
  setState(d, { settings: { ...d.state.settings, policy }, passReached: false, currentPage: null });
  setView(d, { escalationPolicyId: policy.id, escalationPolicyName: policy.name });
  const reason = `${cause.agent.summary} handed the incident to the policy ${policy.name}.`;
  log(d, { type: 'delegate_log_entry', reason, cause }, { policyId: policy.id });
  enterRule(d, { ruleIndex: 0, loop: 0 }, { why: 'reassign', cause });
}

function setUrgency(d: Draft, urgency: 'high' | 'low', cause: Cause): void {
  const old = d.state.view.urgency;
  if (old === urgency) return;
  setView(d, { urgency });
  const reason = `${cause.agent.summary} changed the urgency from ${old} to ${urgency}.`;
  log(d, { type: 'urgency_change_log_entry', reason, cause }, { old, new: urgency });
  if (d.state.view.status !== 'triggered') return;
  if (urgency === 'low') {
    disarm(d, d.state.manualAssignment ? 'manual' : 'low_urgency');
    return;
  }
  armTimer(d, cause.at);
  pageAssigneesAgain(d, 'urgency_change', cause);
}

function addNote(d: Draft, content: string, cause: Cause): void {
  const note = { id: `${d.state.view.id}-N${d.state.nextLogSeq}`, content, createdAt: cause.at };
  const notes = d.state.view.notes.slice(-(INCIDENT_LIMITS.notes - 1));
  setView(d, { notes: [...notes, { ...note, agent: cause.agent }] });
  const reason = `Note by ${cause.agent.summary}.`;
  log(d, { type: 'annotate_log_entry', reason, cause }, { noteId: note.id, content });
}

function setTitle(d: Draft, title: string, cause: Cause): void {
  const old = d.state.view.title;
  if (old === title) return;
  setView(d, { title });
  const reason = `${cause.agent.summary} changed the title.`;
  log(
    d,
    { type: 'field_value_change_log_entry', reason, cause },
    { field: 'title', old, new: title },
  );
}

function requestResponders(d: Draft, action: ActionOf<'request_responders'>, cause: Cause): void {
  const { requesterId, message, targets } = action;
  const id = pageResponders(d, targets);
  const request = { id, requesterId, message, requestedAt: cause.at, responders: [] };
  setView(d, { responderRequests: [...d.state.view.responderRequests, request] });
  const reason = `${cause.agent.summary} asked for responders.`;
  log(d, { type: 'add_responders_log_entry', reason, cause }, { requestId: id, message, targets });
}

function takeResponderReply(
  d: Draft,
  reply: { readonly userId: string; readonly reply: 'joined' | 'declined' },
  cause: Cause,
): void {
  const asked = d.state.view.responderRequests.some(({ responders }) =>
    responders.some(({ userId, state }) => userId === reply.userId && state !== reply.reply),
  );
  if (!asked) return;
  setView(d, {
    responderRequests: d.state.view.responderRequests.map((request) => ({
      ...request,
      responders: request.responders.map((responder) =>
        responder.userId === reply.userId
          ? { userId: reply.userId, state: reply.reply, updatedAt: cause.at }
          : responder,
      ),
    })),
  });
  stopRequested(d, reply.userId, cause);
  const reason = `${cause.agent.summary} ${reply.reply} as a responder.`;
  log(d, { type: 'responder_reply_log_entry', reason, cause }, { ...reply });
}

/** Someone whom the escalation pages as well goes on being paged for that. */
function stopRequested(d: Draft, userId: string, cause: Cause): void {
  const { requestedUserIds, pagedUserIds } = d.state;
  if (!requestedUserIds.includes(userId)) return;
  setState(d, { requestedUserIds: requestedUserIds.filter((id) => id !== userId) });
  if (pagedUserIds.includes(userId)) return;
  stop(d, [userId], { status: d.state.view.status, by: cause.agent, at: cause.at });
}

/** An answer from a phone or a mail. Late ones change nothing; a requested responder joins by answering. */
export function takeAnswer(d: Draft, answer: Answer): void {
  if (!d.state.opened || d.state.view.status === 'resolved') return;
  if (!isMeantFor(d.state, answer.incidentId)) return;
  if (!firstTime(d, answer.actionId)) return;
  const cause = causeOf(d, answer, null);
  takeResponderReply(d, { userId: answer.userId, reply: 'joined' }, cause);
  if (answer.action === 'acknowledge') acknowledge(d, cause);
  else if (answer.action === 'resolve') resolve(d, cause, resolveReason(cause, null));
  else escalateByPerson(d, null, cause);
}
