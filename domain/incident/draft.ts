import { INCIDENT_LIMITS } from '../limits.ts';
import type {
  ActionChannel,
  ActionContext,
  ActionOrigin,
  Agent,
  Alert,
  IncidentCommand,
  IncidentState,
  IncidentView,
  LogEntry,
  LogEntryType,
  StopOutcome,
  Told,
} from './types.ts';

/** The state while one event is applied: `state` is replaced, never changed in place. */
export interface Draft {
  state: IncidentState;
  readonly commands: IncidentCommand[];
  readonly now: string;
  /**
   * In a history of before three rules: what is due together with the automatic resolve goes after it, a snooze that
   * outlasts that gives it its time again, and steps of a minute do not drift.
   */
  readonly asBefore: boolean;
}

/** Who caused a change, by which way, and when. */
export interface Cause {
  readonly agent: Agent;
  readonly channel: ActionChannel;
  readonly at: string;
  readonly origin?: ActionOrigin;
  readonly traceparent?: string | null;
}

export function setState(d: Draft, patch: Partial<IncidentState>): void {
  d.state = { ...d.state, ...patch };
}

export function setView(d: Draft, patch: Partial<IncidentView>): void {
  d.state = { ...d.state, view: { ...d.state.view, ...patch } };
}

/** An action counts from when it was accepted, not from when a worker came to it; never from the future. */
export function causeOf(d: Draft, action: ActionContext, cameAt: string | null): Cause {
  const { agent, channel, traceparent, origin } = action;
  const from = origin ? { origin } : {};
  return { agent, channel, at: agreedAt(d, action, cameAt), traceparent, ...from };
}

/** Milliseconds by which a process's clock may differ from the engine's; they cover the way here too. */
const AGREED_MS = 10_000;

/**
 * When something happened: as it is told, unless the engine's clock is against it. `cameAt` is when the engine got
 * it; null where it does not say: then not before the incident's last change, since it is about that.
 */
export function agreedAt(d: Draft, told: Told, cameAt: string | null): string {
  const at = notLater(told.at, d.now);
  if (told.waitedMs === undefined) return at;
  if (cameAt === null) {
    const earliestMs = Date.parse(d.state.view.lastStatusChangeAt) - AGREED_MS;
    return Date.parse(at) < earliestMs ? d.now : at;
  }
  const byEngine = notLater(plusMs(cameAt, -told.waitedMs), d.now);
  return Math.abs(Date.parse(at) - Date.parse(byEngine)) <= AGREED_MS ? at : byEngine;
}

/** The clock's doing, in the name of the service. */
export function clockCause(d: Draft, channel: 'timeout' | 'auto', at = d.now): Cause {
  const { id, name } = d.state.settings.service;
  return { agent: { type: 'service', id, summary: name }, channel, at };
}

/** The earlier of the two; `limit` where `at` is not a date. */
export function notLater(at: string, limit: string): string {
  const ms = Date.parse(at);
  return Number.isFinite(ms) && ms <= Date.parse(limit) ? new Date(ms).toISOString() : limit;
}

export function plusMs(at: string, ms: number): string {
  return new Date(Date.parse(at) + ms).toISOString();
}

export function latest(a: string, b: string): string {
  return Date.parse(a) >= Date.parse(b) ? a : b;
}

/** Puts a log entry into the outbox; at its bound the oldest makes room, and is counted here and in the entry. */
export function log(
  d: Draft,
  entry: { readonly type: LogEntryType; readonly reason: string; readonly cause: Cause },
  details: LogEntry['details'] = {},
): void {
  const { view, nextLogSeq: seq, outbox } = d.state;
  const full = outbox.length >= INCIDENT_LIMITS.outbox;
  const { origin, traceparent = d.state.traceparent } = entry.cause;
  const next: LogEntry = {
    id: `${view.id}-${seq}`,
    seq,
    incidentId: view.id,
    type: entry.type,
    at: entry.cause.at,
    agent: entry.cause.agent,
    channel: entry.cause.channel,
    reason: entry.reason,
    details: full ? { ...details, droppedBefore: 1 } : details,
    ...(origin ? { origin } : {}),
    ...(traceparent ? { traceparent } : {}),
  };
  setState(d, {
    nextLogSeq: seq + 1,
    outbox: [...(full ? outbox.slice(1) : outbox), next],
    entriesDropped: d.state.entriesDropped + (full ? 1 : 0),
  });
}

/** True when the id is new; remembers it. At the bound the oldest is forgotten. */
export function firstTime(d: Draft, id: string): boolean {
  const { seen } = d.state;
  if (seen.includes(id)) return false;
  setState(d, { seen: [...seen.slice(-(INCIDENT_LIMITS.seen - 1)), id] });
  return true;
}

export function takeCommandId(d: Draft): string {
  const id = d.state.nextCommand;
  setState(d, { nextCommand: id + 1 });
  return String(id);
}

/** Tells responders that there is nothing more to page for. No users, no command. */
export function stop(d: Draft, userIds: readonly string[], outcome: StopOutcome): void {
  if (userIds.length === 0) return;
  const commandId = takeCommandId(d);
  d.commands.push({ type: 'stop', commandId, userIds, outcome, upTo: commandId });
}

export function setStatus(d: Draft, status: IncidentView['status'], cause: Cause): void {
  setView(d, { status, lastStatusChangeAt: cause.at, lastStatusChangeBy: cause.agent });
}

/** Replaces the alerts and counts them, those beyond the bound included. */
export function setAlerts(d: Draft, all: readonly Alert[]): void {
  const alerts = all.slice(0, INCIDENT_LIMITS.alerts);
  const beyond = all.slice(INCIDENT_LIMITS.alerts);
  const folded = {
    triggered: d.state.foldedAlerts.triggered + open(beyond),
    resolved: d.state.foldedAlerts.resolved + beyond.length - open(beyond),
  };
  const triggered = open(alerts) + folded.triggered;
  const total = alerts.length + folded.triggered + folded.resolved;
  setState(d, { foldedAlerts: folded });
  setView(d, {
    alerts,
    alertCounts: { all: total, triggered, resolved: total - triggered },
  });
}

function open(alerts: readonly Alert[]): number {
  return alerts.filter((alert) => alert.status === 'triggered').length;
}
