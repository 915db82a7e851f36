import type { AlertEvent } from '../event.ts';
import { INCIDENT_LIMITS } from '../limits.ts';
import type { Severity, Urgency } from '../model.ts';
import {
  agreedAt,
  type Cause,
  type Draft,
  firstTime,
  log,
  notLater,
  plusMs,
  setAlerts,
  setState,
  setView,
} from './draft.ts';
import { armTimer, enterRule, pageNow } from './escalation.ts';
import { acknowledge, resolve } from './status.ts';
import type { Alert, IncidentSettings, ManualTrigger } from './types.ts';

/** `severity_based`: critical and error are high, the rest is low. Without a severity: high, to be safe. */
export function urgencyOf(settings: IncidentSettings, severity: Severity | null): Urgency {
  const rule = settings.service.urgencyRule;
  if (rule !== 'severity_based') return rule;
  return severity === 'warning' || severity === 'info' ? 'low' : 'high';
}

/** Applies an event of a monitoring tool. One that came before changes nothing. */
export function takeEvent(d: Draft, event: AlertEvent): void {
  if (d.state.seen.includes(event.eventId)) return;
  if (d.state.view.status === 'resolved') {
    hold(d, event);
    return;
  }
  firstTime(d, event.eventId);
  const cause = eventCause(d, event);
  if (event.action === 'trigger') {
    takeTrigger(d, event, cause);
    takeRepeats(d, event, cause);
  } else if (!d.state.opened) return;
  else if (event.action === 'acknowledge') acknowledgeByEvent(d, event, cause);
  else resolveAlert(d, event, cause);
}

function eventCause(d: Draft, event: AlertEvent): Cause {
  const { service } = d.state.settings;
  return {
    agent: event.integrationId
      ? { type: 'integration', id: event.integrationId, summary: event.client ?? service.name }
      : { type: 'service', id: service.id, summary: service.name },
    channel: 'events_api',
    at: agreedAt(d, { ...event, at: event.receivedAt }, d.state.opened ? null : startedAt(d)),
    traceparent: event.traceparent,
  };
}

/** When the engine started the workflow, which is what an alert or person that opens the incident does. */
function startedAt({ state }: Draft): string {
  return state.view.createdAt;
}

/** Too late for this incident. Only a trigger is worth keeping, and what follows one; after a merge everything. */
function hold(d: Draft, event: AlertEvent): void {
  const { held, mergedInto, released } = d.state;
  const forwarding = mergedInto !== null && !released;
  if (held.some(({ eventId }) => eventId === event.eventId)) return;
  if (!forwarding && held.length === 0 && event.action !== 'trigger') return;
  const full = held.length >= INCIDENT_LIMITS.held;
  const kept = full ? [...held.slice(0, 1), ...held.slice(2)] : held;
  setState(d, { held: [...kept, event] });
}

function takeTrigger(d: Draft, event: AlertEvent, cause: Cause): void {
  if (!d.state.opened) {
    openByEvent(d, event, cause);
    return;
  }
  const known = d.state.view.alerts.find((alert) => isOpenAlertOf(alert, event));
  if (known) repeatAlert(d, { ...known, count: known.count + 1, lastTriggeredAt: cause.at }, cause);
  else addAlert(d, event, cause);
}

/** The further triggers that came folded into one: counted like any repeat, and logged as one. */
function takeRepeats(d: Draft, event: AlertEvent, cause: Cause): void {
  const { repeats } = event;
  const known = d.state.view.alerts.find((alert) => isOpenAlertOf(alert, event));
  if (!repeats || !known) return;
  const at = notLater(repeats.lastReceivedAt, d.now);
  const count = known.count + repeats.count;
  repeatAlert(d, { ...known, count, lastTriggeredAt: at }, { ...cause, at });
}

function isOpenAlertOf(alert: Alert, event: AlertEvent): boolean {
  return (
    alert.status === 'triggered' &&
    alert.dedupKey === event.dedupKey &&
    alert.integrationId === event.integrationId
  );
}

/** As PagerDuty: a repeat is counted and never notifies again. */
function repeatAlert(d: Draft, alert: Alert, cause: Cause): void {
  setAlerts(
    d,
    d.state.view.alerts.map((other) => (other.id === alert.id ? alert : other)),
  );
  const logged = d.state.repeatsLogged;
  if (logged > INCIDENT_LIMITS.loggedRepeats) return;
  setState(d, { repeatsLogged: logged + 1 });
  if (logged < INCIDENT_LIMITS.loggedRepeats) {
    const reason = 'The alert was triggered again; it is counted and pages nobody anew.';
    log(d, { type: 'trigger_log_entry', reason, cause }, { alertId: alert.id, count: alert.count });
    return;
  }
  const reason = `Triggered again more than ${logged} times; from now on repeats are only counted.`;
  log(d, { type: 'reach_trigger_limit_log_entry', reason, cause }, { alertId: alert.id });
}

/** A further alert of an open incident (after a merge, or again after its own resolve). */
function addAlert(d: Draft, event: AlertEvent, cause: Cause): void {
  const alert = newAlert(d, event, cause);
  setAlerts(d, [...d.state.view.alerts, alert]);
  const reason = 'A further alert joined the incident.';
  log(d, { type: 'trigger_log_entry', reason, cause }, { alertId: alert.id });
}

function newAlert(d: Draft, event: AlertEvent, cause: Cause): Alert {
  const number = d.state.nextAlert;
  setState(d, { nextAlert: number + 1 });
  return {
    id: `${d.state.view.id}-A${number}`,
    dedupKey: event.dedupKey,
    integrationId: event.integrationId,
    status: 'triggered',
    createdAt: cause.at,
    resolvedAt: null,
    count: 1,
    lastTriggeredAt: cause.at,
    payload: event.payload,
    client: event.client,
    clientUrl: event.clientUrl,
    links: event.links,
    images: event.images,
  };
}

function openByEvent(d: Draft, event: AlertEvent, cause: Cause): void {
  setView(d, {
    title: event.payload?.summary ?? event.dedupKey,
    incidentKey: event.dedupKey,
    urgency: urgencyOf(d.state.settings, event.payload?.severity ?? null),
  });
  setAlerts(d, [newAlert(d, event, cause)]);
  startClock(d, cause, event);
  log(
    d,
    { type: 'trigger_log_entry', reason: 'An alert opened the incident.', cause },
    {
      alertId: d.state.view.alerts[0]?.id ?? null,
      severity: event.payload?.severity ?? null,
    },
  );
  enterRule(d, { ruleIndex: 0, loop: 0 }, { why: 'trigger', cause });
}

/** Opens the incident that a person or tool asked for. Self-assigned it starts acknowledged, as in PagerDuty. */
export function takeManual(d: Draft, manual: ManualTrigger): void {
  if (d.state.opened) return;
  const { agent, origin } = manual;
  const from = origin ? { origin } : {};
  const at = agreedAt(d, manual, startedAt(d));
  const cause: Cause = { agent, channel: 'api', at, ...from };
  setView(d, {
    title: manual.title,
    description: manual.details,
    incidentKey: manual.incidentKey,
    urgency: manual.urgency ?? urgencyOf(d.state.settings, null),
  });
  startClock(d, cause, manual);
  log(d, { type: 'trigger_log_entry', reason: `Opened by ${manual.agent.summary}.`, cause });
  if (manual.assigneeIds.length === 0) {
    enterRule(d, { ruleIndex: 0, loop: 0 }, { why: 'trigger', cause });
    return;
  }
  openAssigned(d, manual, cause);
}

function openAssigned(d: Draft, manual: ManualTrigger, cause: Cause): void {
  const userIds = manual.assigneeIds.slice(0, INCIDENT_LIMITS.targets);
  setState(d, { manualAssignment: true });
  setView(d, { assignments: userIds.map((userId) => ({ userId, at: cause.at })) });
  armTimer(d, cause.at);
  const reason = `${cause.agent.summary} opened the incident for named users.`;
  log(d, { type: 'assign_log_entry', reason, cause }, { userIds });
  if (userIds.length === 1 && userIds[0] === cause.agent.id) acknowledge(d, cause);
  else {
    const targets = userIds.map((id) => ({ type: 'user', id }) as const);
    pageNow(d, targets, { why: 'trigger', cause, named: true });
  }
}

function startClock(
  d: Draft,
  cause: Cause,
  { traceparent, incidentNumber }: Pick<AlertEvent, 'traceparent' | 'incidentNumber'>,
): void {
  const timeout = d.state.settings.service.autoResolveTimeoutSec;
  setState(d, {
    opened: true,
    traceparent,
    autoResolveDueAt: timeout ? plusMs(cause.at, timeout * 1000) : null,
  });
  setView(d, {
    createdAt: cause.at,
    number: incidentNumber ?? numberAt(cause.at),
    lastStatusChangeAt: cause.at,
    lastStatusChangeBy: cause.agent,
  });
}

/** The number of an incident that came without one: tenths of a second since 2026-01-01, not unique. */
export function numberAt(iso: string): number {
  return Math.max(0, Math.floor((Date.parse(iso) - Date.UTC(2026, 0, 1)) / 100));
}

/** An event acknowledges only what its own key has open here. */
function acknowledgeByEvent(d: Draft, event: AlertEvent, cause: Cause): void {
  if (d.state.view.alerts.some((alert) => isOpenAlertOf(alert, event))) acknowledge(d, cause);
}

/** A person resolves some alerts. One that is resolved already, alone, changes nothing. */
export function resolveAlerts(d: Draft, alertIds: readonly string[], cause: Cause): void {
  const meant = (alert: Alert) => alert.status === 'triggered' && alertIds.includes(alert.id);
  const { alerts } = d.state.view;
  const resolved = alerts.filter(meant).map(({ id }) => id);
  if (resolved.length === 0) return;
  setAlerts(
    d,
    alerts.map((alert) =>
      meant(alert) ? { ...alert, status: 'resolved' as const, resolvedAt: cause.at } : alert,
    ),
  );
  const what = resolved.length === 1 ? '1 alert' : `${resolved.length} alerts`;
  const left = d.state.view.alertCounts.triggered;
  if (left > 0 || d.state.pendingMerges.length > 0) {
    const open = `${left} of the incident ${left === 1 ? 'is' : 'are'} still open`;
    const reason = `${cause.agent.summary} resolved ${what}; ${open}.`;
    log(d, { type: 'annotate_log_entry', reason, cause }, { alertIds: resolved });
    return;
  }
  resolve(d, cause, `${cause.agent.summary} resolved ${what}, the last of the incident.`);
}

function resolveAlert(d: Draft, event: AlertEvent, cause: Cause): void {
  const alerts = d.state.view.alerts;
  if (!alerts.some((alert) => isOpenAlertOf(alert, event))) return;
  setAlerts(
    d,
    alerts.map((alert) =>
      isOpenAlertOf(alert, event)
        ? { ...alert, status: 'resolved' as const, resolvedAt: cause.at }
        : alert,
    ),
  );
  if (d.state.view.alertCounts.triggered > 0 || d.state.pendingMerges.length > 0) {
    const left = d.state.view.alertCounts.triggered;
    const reason = `One alert resolved; ${left} of the incident are still open.`;
    log(d, { type: 'annotate_log_entry', reason, cause }, { dedupKey: event.dedupKey });
    return;
  }
  resolve(d, cause, 'The monitoring tool resolved every alert of the incident.');
}
