import { INCIDENT_LIMITS } from '../limits.ts';
import {
  type Cause,
  type Draft,
  clockCause,
  log,
  setAlerts,
  setState,
  setView,
  takeCommandId,
} from './draft.ts';
import { close, releaseSources } from './status.ts';
import type {
  Alert,
  IncidentAction,
  IncidentAddress,
  IncidentCommand,
  IncidentState,
  IncidentView,
  PendingMerge,
} from './types.ts';

/** On the target: asks each source to hand itself over. One asked before is not asked again. */
export function startMerge(d: Draft, sources: readonly IncidentAddress[], cause: Cause): void {
  for (const source of sources) {
    const known = [...d.state.pendingMerges.map((merge) => merge.source), ...d.state.mergedSources];
    if (known.some(({ incidentId }) => incidentId === source.incidentId)) continue;
    const { agent, channel, at, origin } = cause;
    const pending = { source, agent, channel, at, ...(origin ? { origin } : {}) };
    setState(d, { pendingMerges: [...d.state.pendingMerges, pending] });
    d.commands.push({ type: 'absorb', commandId: takeCommandId(d), source });
  }
}

/** What the target sends to a source; the id makes a second delivery harmless. */
export function mergeIntoAction(
  state: IncidentState,
  { source }: Extract<IncidentCommand, { type: 'absorb' }>,
): IncidentAction | null {
  const pending = findPending(state, source.incidentId);
  if (!pending) return null;
  const { agent, channel, at, origin } = pending;
  const { id: incidentId, workflowId } = state.view;
  return {
    type: 'merge_into',
    target: { incidentId, workflowId },
    incidentId: source.incidentId,
    actionId: `merge/${incidentId}/${source.incidentId}`,
    at,
    agent,
    channel,
    traceparent: state.traceparent,
    ...(origin ? { origin } : {}),
  };
}

/** What comes of a merge is the doing of who asked for it. */
function pendingCause(d: Draft, { agent, channel, origin }: PendingMerge): Cause {
  return { agent, channel, at: d.now, ...(origin ? { origin } : {}) };
}

function findPending(state: IncidentState, incidentId: string) {
  return state.pendingMerges.find((merge) => merge.source.incidentId === incidentId);
}

/** On the source: hands its alerts over and ends. What comes for its keys later is forwarded. */
export function mergeInto(d: Draft, target: IncidentAddress, cause: Cause): void {
  setState(d, { mergedInto: target, handedOver: d.state.view });
  setAlerts(d, []);
  setState(d, { foldedAlerts: { triggered: 0, resolved: 0 } });
  setView(d, {
    alertCounts: { all: 0, triggered: 0, resolved: 0 },
    resolveReason: { type: 'merge_resolve_reason', incidentId: target.incidentId },
  });
  close(d, cause);
  setView(d, {
    escalation: { ...d.state.view.escalation, timer: { kind: 'none', reason: 'merged' } },
  });
  const reason = `Merged into ${target.incidentId} by ${cause.agent.summary}.`;
  log(d, { type: 'resolve_log_entry', reason, cause }, { mergedInto: target.incidentId });
}

/** On the target: the source's alerts are now its own. If it is over itself, they are too. */
export function takeAbsorbed(d: Draft, source: IncidentView): void {
  const pending = findPending(d.state, source.id);
  if (!pending) return;
  dropPending(d, source.id);
  const over = d.state.view.status === 'resolved';
  const cause = pendingCause(d, pending);
  if (over) setState(d, { releases: [...d.state.releases, pending.source] });
  else setState(d, { mergedSources: [...d.state.mergedSources, pending.source] });
  const taken = over ? source.alerts.map((alert) => resolved(alert, d.now)) : source.alerts;
  setAlerts(d, fitAlerts([...d.state.view.alerts, ...taken]));
  const reason = `${pending.agent.summary} merged ${source.id} into this incident.`;
  log(
    d,
    { type: 'merge_log_entry', reason, cause },
    {
      sourceId: source.id,
      sourceTitle: source.title,
      alerts: source.alerts.length,
    },
  );
}

function resolved(alert: Alert, at: string): Alert {
  return alert.status === 'resolved' ? alert : { ...alert, status: 'resolved', resolvedAt: at };
}

/** Beyond the bound alerts lose their custom details, which the source's projection has. */
function fitAlerts(alerts: readonly Alert[]): readonly Alert[] {
  let room = INCIDENT_LIMITS.alertChars;
  return alerts.map((alert) => {
    room -= JSON.stringify(alert).length;
    if (room >= 0 || !alert.payload) return alert;
    return { ...alert, payload: { ...alert.payload, customDetails: null }, links: [], images: [] };
  });
}

export function takeAbsorbFailed(d: Draft, source: IncidentAddress, why: string): void {
  const pending = findPending(d.state, source.incidentId);
  if (!pending) return;
  dropPending(d, source.incidentId);
  const cause = pendingCause(d, pending);
  const reason = `Could not merge ${source.incidentId} into this incident: ${why}`;
  log(d, { type: 'merge_log_entry', reason, cause }, { sourceId: source.incidentId, failed: true });
}

function dropPending(d: Draft, incidentId: string): void {
  const left = d.state.pendingMerges.filter((merge) => merge.source.incidentId !== incidentId);
  setState(d, { pendingMerges: left });
}

/**
 * On the source: held events went on, or the target is over and they are for a next incident. Released
 * meanwhile, it keeps them: an event that opens two incidents is better than one that opens none.
 */
export function takeForwarded(d: Draft, count: number, accepted: boolean): void {
  if (d.state.released) return;
  if (accepted) setState(d, { held: d.state.held.slice(count) });
  else takeReleased(d);
}

/** On the source: the target is over. Events before the first trigger concern nothing any more. */
export function takeReleased(d: Draft): void {
  if (d.state.mergedInto === null || d.state.released) return;
  const first = d.state.held.findIndex((event) => event.action === 'trigger');
  setState(d, { released: true, held: first < 0 ? [] : d.state.held.slice(first) });
  releaseSources(d);
  const reason = `The incident ${d.state.mergedInto.incidentId} is over; later alerts open a new one.`;
  log(d, { type: 'merge_log_entry', reason, cause: clockCause(d, 'auto') });
}
