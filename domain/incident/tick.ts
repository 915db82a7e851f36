import { clockCause, type Draft, latest, setState } from './draft.ts';
import { stepOn, unacknowledge } from './escalation.ts';
import { resolve } from './status.ts';
import type { IncidentCommand, IncidentState } from './types.ts';

type PageCommand = Extract<IncidentCommand, { type: 'page' }>;

interface Due {
  readonly kind: 'escalate' | 'acknowledgement' | 'snooze' | 'resolve';
  readonly at: string;
}

/** The next instant at which `tick` has something to do; null while nothing is armed. */
export function dueAt(state: IncidentState): string | null {
  return nextDue(state)?.at ?? null;
}

/** Everything armed, the soonest first. */
export function allDue(state: IncidentState): readonly Due[] {
  const { escalation, snoozedUntil, status } = state.view;
  if (status === 'resolved' || !state.opened) return [];
  const { timer } = escalation;
  const due: Due[] = [];
  if (timer.kind === 'armed') due.push({ kind: 'escalate', at: timer.dueAt });
  if (snoozedUntil) due.push({ kind: 'snooze', at: snoozedUntil });
  if (state.acknowledgementDueAt)
    due.push({ kind: 'acknowledgement', at: state.acknowledgementDueAt });
  if (state.autoResolveDueAt) due.push({ kind: 'resolve', at: autoResolveAt(state) });
  return due.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** A snooze is a promise to come back, so the automatic resolve waits for it. */
function autoResolveAt(state: IncidentState): string {
  const at = state.autoResolveDueAt ?? '';
  return state.view.snoozedUntil ? latest(state.view.snoozedUntil, at) : at;
}

function nextDue(state: IncidentState): Due | undefined {
  return allDue(state)[0];
}

/** The pages that a tick sends which is due now; none while nothing is due. */
export function pagesOfTick(state: IncidentState, now: string): readonly PageCommand[] {
  const tick: Draft = { state, commands: [], now };
  takeTick(tick);
  return tick.commands.filter((command) => command.type === 'page');
}

/** Does what is due, one thing a tick: the next is due at once if it is late as well. */
export function takeTick(d: Draft): void {
  const due = nextDue(d.state);
  if (!due || Date.parse(due.at) > Date.parse(d.now)) return;
  const cause = clockCause(d, 'timeout', due.at);
  if (due.kind === 'escalate') stepOn(d, cause);
  else if (due.kind === 'acknowledgement')
    unacknowledge(d, cause, {
      why: 'unacknowledge',
      reason: 'Acknowledged but not resolved in time; paging again.',
    });
  else if (due.kind === 'snooze')
    unacknowledge(d, cause, { why: 'snooze_over', reason: 'The snooze is over; paging again.' });
  else {
    resolve(
      d,
      clockCause(d, 'auto', due.at),
      'Resolved automatically: open for the time that the service sets.',
    );
    setState(d, { autoResolveDueAt: null });
  }
}
