import { INCIDENT_LIMITS } from '../limits.ts';
import type { TargetRef } from '../model.ts';
import {
  type Cause,
  type Draft,
  latest,
  log,
  plusMs,
  setState,
  setStatus,
  setView,
  takeCommandId,
} from './draft.ts';
import type { CurrentPage, EscalationTimer, IncidentState } from './types.ts';

type Why = CurrentPage['why'];

/** Goes to a rule of the policy: arms its timer and pages its targets. */
export function enterRule(
  d: Draft,
  position: { readonly ruleIndex: number; readonly loop: number },
  page: { readonly why: Why; readonly cause: Cause },
): void {
  setState(d, { manualAssignment: false });
  setView(d, { escalation: { ...position, timer: d.state.view.escalation.timer } });
  armTimer(d, page.cause.at);
  pageNow(d, ruleTargets(d.state), page);
}

/** Arms the timer of the rule in force, or records why there is none. */
export function armTimer(d: Draft, from: string): void {
  const { escalation } = d.state.view;
  setView(d, { escalation: { ...escalation, timer: timerFrom(d, from) } });
}

export function disarm(
  d: Draft,
  reason: Extract<EscalationTimer, { kind: 'none' }>['reason'],
): void {
  setView(d, { escalation: { ...d.state.view.escalation, timer: { kind: 'none', reason } } });
}

/**
 * Deadlines are absolute: a step is due its delay after the step before was due. After an outage a step
 * still keeps a minute (or its shorter delay), so that nobody is passed over unheard. What comes a moment
 * late has had no outage: otherwise steps of a minute would drift.
 */
function timerFrom(d: Draft, from: string): EscalationTimer {
  if (d.state.manualAssignment) return { kind: 'none', reason: 'manual' };
  if (d.state.view.urgency === 'low') return { kind: 'none', reason: 'low_urgency' };
  const delayMs = ruleDelayMs(d.state);
  const dueAt = plusMs(from, delayMs);
  const isPunctual = Date.parse(d.now) - Date.parse(from) <= INCIDENT_LIMITS.punctualMs;
  if (isPunctual && !d.asBefore) return { kind: 'armed', dueAt };
  const soonest = plusMs(d.now, Math.min(delayMs, INCIDENT_LIMITS.minStepMs));
  return { kind: 'armed', dueAt: latest(dueAt, soonest) };
}

/** A policy without a usable rule still has a rhythm: PagerDuty's usual 30 minutes. */
function ruleDelayMs(state: IncidentState): number {
  const minutes =
    state.settings.policy.rules[state.view.escalation.ruleIndex]?.escalationDelayInMinutes ?? 30;
  return Math.max(1, minutes) * 60_000;
}

function ruleTargets(state: IncidentState): readonly TargetRef[] {
  return state.settings.policy.rules[state.view.escalation.ruleIndex]?.targets ?? [];
}

/** Queues the page; what was queued before for the escalation is not wanted any more. */
export function pageNow(
  d: Draft,
  targets: readonly TargetRef[],
  page: {
    readonly why: Why;
    readonly cause: Cause;
    readonly named?: boolean;
    readonly lastResort?: boolean;
  },
): void {
  const commandId = takeCommandId(d);
  const ruleIndex = d.state.view.escalation.ruleIndex;
  d.commands.push({
    type: 'page',
    commandId,
    targets,
    ruleIndex,
    notAfter: notAfter(d),
    why: page.why,
  });
  setState(d, {
    passReached: d.state.passReached || hasReached(d.state.currentPage),
    currentPage: {
      commandId,
      why: page.why,
      agent: page.cause.agent,
      named: page.named ?? false,
      userIds: [],
      unreachableIds: [],
      lastResort: page.lastResort ?? false,
    },
  });
}

/** The next step's deadline; a day where no later step takes over. */
export function notAfter(d: Draft): string {
  const { timer } = d.state.view.escalation;
  const final = timer.kind === 'none' || isLastStep(d.state);
  return final ? plusMs(d.now, INCIDENT_LIMITS.lastPageMs) : timer.dueAt;
}

function isLastStep(state: IncidentState): boolean {
  const { ruleIndex, loop } = state.view.escalation;
  const { rules, numLoops } = state.settings.policy;
  return ruleIndex + 1 >= rules.length && loop >= numLoops;
}

export function hasReached(page: CurrentPage | null): boolean {
  return page !== null && page.userIds.some((id) => !page.unreachableIds.includes(id));
}

/** The rule's time is over: next rule, next pass, or the end of the path. */
export function stepOn(d: Draft, cause: Cause): void {
  const { ruleIndex, loop } = d.state.view.escalation;
  if (hasLaterRule(d.state)) {
    const reason = `Nobody answered rule ${ruleIndex + 1} in time; escalated to rule ${ruleIndex + 2}.`;
    escalateTo(d, ruleIndex + 1, cause, reason);
    return;
  }
  const { numLoops } = d.state.settings.policy;
  const reached = d.state.passReached || hasReached(d.state.currentPage);
  if (loop < numLoops || !reached) {
    repeatPath(d, cause, loop < numLoops);
    return;
  }
  disarm(d, 'exhausted');
  const reason = 'Nobody answered any rule of the escalation policy; nobody further is paged.';
  log(d, { type: 'exhaust_escalation_path_log_entry', reason, cause }, { loop, ruleIndex });
}

function repeatPath(d: Draft, cause: Cause, planned: boolean): void {
  const loop = d.state.view.escalation.loop + 1;
  const reason = planned
    ? `Nobody answered; the escalation policy starts again (repeat ${loop}).`
    : 'NOBODY COULD BE PAGED on any rule; the escalation policy starts again until somebody can.';
  log(d, { type: 'repeat_escalation_path_log_entry', reason, cause }, { loop });
  setState(d, { currentPage: null, passReached: false });
  enterRule(d, { ruleIndex: 0, loop }, { why: 'escalate', cause });
}

export function hasLaterRule(state: IncidentState): boolean {
  return state.view.escalation.ruleIndex + 1 < state.settings.policy.rules.length;
}

export function escalateTo(d: Draft, ruleIndex: number, cause: Cause, reason: string): void {
  log(d, { type: 'escalate_log_entry', reason, cause }, { ruleIndex });
  enterRule(d, { ruleIndex, loop: d.state.view.escalation.loop }, { why: 'escalate', cause });
}

/** A person's wish: the given rule, else the next one; after the last rule the first. Takes an acknowledgement back. */
export function escalateByPerson(d: Draft, wanted: number | null, cause: Cause): void {
  const { ruleIndex } = d.state.view.escalation;
  const following = d.state.manualAssignment || !hasLaterRule(d.state) ? 0 : ruleIndex + 1;
  clearAcknowledgement(d, cause);
  const target = wanted ?? following;
  escalateTo(d, target, cause, `${cause.agent.summary} escalated to rule ${target + 1}.`);
}

/** Back to triggered without a word; the caller's log entry says why. */
export function clearAcknowledgement(d: Draft, cause: Cause): void {
  if (d.state.view.status !== 'acknowledged') return;
  if (d.state.view.snoozedUntil !== null && !d.asBefore)
    setState(d, { autoResolveDueAt: renewedResolve(d.state, cause.at) });
  setStatus(d, 'triggered', cause);
  setView(d, { acknowledgements: [], snoozedUntil: null });
  setState(d, { acknowledgementDueAt: null });
}

/**
 * When an incident whose snooze ends at that instant resolves by itself; null: never. A snooze that outlasted the
 * service's time for it gives that time again: whoever is paged anew must not see it end at once.
 */
export function renewedResolve(
  { autoResolveDueAt, settings }: IncidentState,
  at: string,
): string | null {
  const timeoutSec = settings.service.autoResolveTimeoutSec ?? 0;
  const isOutlasted = autoResolveDueAt !== null && Date.parse(autoResolveDueAt) <= Date.parse(at);
  return isOutlasted ? plusMs(at, timeoutSec * 1000) : autoResolveDueAt;
}

/** An acknowledgement or snooze ran out: pages the assignees again and goes on with the escalation. */
export function unacknowledge(
  d: Draft,
  cause: Cause,
  over: { readonly why: 'unacknowledge' | 'snooze_over'; readonly reason: string },
): void {
  clearAcknowledgement(d, cause);
  log(d, { type: 'unacknowledge_log_entry', reason: over.reason, cause });
  armTimer(d, cause.at);
  pageAssigneesAgain(d, over.why, cause);
}

export function pageAssigneesAgain(d: Draft, why: Why, cause: Cause): void {
  const users = d.state.view.assignments.map(
    ({ userId }) => ({ type: 'user', id: userId }) as const,
  );
  if (users.length > 0) pageNow(d, users, { why, cause, named: true });
  else pageNow(d, ruleTargets(d.state), { why, cause });
}
