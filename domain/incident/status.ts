import { INCIDENT_LIMITS } from '../limits.ts';
import {
  type Cause,
  type Draft,
  log,
  plusMs,
  setAlerts,
  setState,
  setStatus,
  setView,
  stop,
} from './draft.ts';
import { disarm } from './escalation.ts';

/** Acknowledges, or adds an acknowledger. The same agent twice changes nothing. */
export function acknowledge(d: Draft, cause: Cause): void {
  const { status, acknowledgements } = d.state.view;
  if (status === 'resolved') return;
  if (acknowledgements.some(({ agent }) => agent.id === cause.agent.id)) return;
  if (acknowledgements.length >= INCIDENT_LIMITS.acknowledgements) {
    logAckLimit(d, cause);
    return;
  }
  const first = status === 'triggered';
  if (first) startAcknowledgement(d, cause);
  setView(d, { acknowledgements: [...acknowledgements, { at: cause.at, agent: cause.agent }] });
  const reason = first
    ? `Acknowledged by ${cause.agent.summary}.`
    : `Also acknowledged by ${cause.agent.summary}.`;
  log(d, { type: 'acknowledge_log_entry', reason, cause });
}

function startAcknowledgement(d: Draft, cause: Cause): void {
  const timeout = d.state.settings.service.acknowledgementTimeoutSec;
  setStatus(d, 'acknowledged', cause);
  disarm(d, 'acknowledged');
  setState(d, { acknowledgementDueAt: timeout ? plusMs(cause.at, timeout * 1000) : null });
  stop(d, d.state.pagedUserIds, { status: 'acknowledged', by: cause.agent, at: cause.at });
  setState(d, { pagedUserIds: [] });
}

function logAckLimit(d: Draft, cause: Cause): void {
  if (d.state.outbox.some((entry) => entry.type === 'reach_ack_limit_log_entry')) return;
  const reason = `More than ${INCIDENT_LIMITS.acknowledgements} acknowledgements; further ones are not recorded.`;
  log(d, { type: 'reach_ack_limit_log_entry', reason, cause });
}

/** Snoozing acknowledges until the given instant, when the assignees are paged again. */
export function snooze(d: Draft, durationSec: number, cause: Cause): void {
  const until = plusMs(cause.at, durationSec * 1000);
  acknowledge(d, cause);
  disarm(d, 'snoozed');
  setState(d, { acknowledgementDueAt: null });
  setView(d, { snoozedUntil: until });
  log(
    d,
    {
      type: 'snooze_log_entry',
      reason: `Snoozed by ${cause.agent.summary} until ${until}.`,
      cause,
    },
    {
      until,
      durationSec,
    },
  );
}

/** Ends the incident and its alerts, stops every page, and lets merged sources go. */
export function resolve(d: Draft, cause: Cause, reason: string): void {
  const { view } = d.state;
  if (view.status === 'resolved') return;
  setAlerts(
    d,
    view.alerts.map((alert) =>
      alert.status === 'resolved'
        ? alert
        : { ...alert, status: 'resolved' as const, resolvedAt: cause.at },
    ),
  );
  foldResolved(d);
  close(d, cause);
  releaseSources(d);
  log(d, { type: 'resolve_log_entry', reason, cause });
}

function foldResolved(d: Draft): void {
  const { triggered, resolved } = d.state.foldedAlerts;
  setState(d, { foldedAlerts: { triggered: 0, resolved: triggered + resolved } });
  const { all } = d.state.view.alertCounts;
  setView(d, { alertCounts: { all, triggered: 0, resolved: all } });
}

/** What every end has in common, a merge's too. */
export function close(d: Draft, cause: Cause): void {
  const users = [...new Set([...d.state.pagedUserIds, ...d.state.requestedUserIds])];
  setStatus(d, 'resolved', cause);
  setView(d, { resolvedAt: cause.at, snoozedUntil: null });
  disarm(d, 'resolved');
  setState(d, {
    acknowledgementDueAt: null,
    autoResolveDueAt: null,
    pagedUserIds: [],
    requestedUserIds: [],
  });
  stop(d, users, { status: 'resolved', by: cause.agent, at: cause.at });
}

/** Queues the merged sources for release. Not at a merge: then they go on through this incident. */
export function releaseSources(d: Draft): void {
  setState(d, {
    releases: [...d.state.releases, ...d.state.mergedSources],
    mergedSources: [],
  });
}
