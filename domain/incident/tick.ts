import { clockCause, type Draft, setState } from './draft.ts';
import { renewedResolve, stepOn, unacknowledge } from './escalation.ts';
import { resolve } from './status.ts';
import type { IncidentCommand, IncidentState } from './types.ts';

type PageCommand = Extract<IncidentCommand, { type: 'page' }>;

interface Due {
  readonly kind: 'escalate' | 'acknowledgement' | 'snooze' | 'resolve';
  readonly at: string;
}

/** The next instant at which `tick` has something to do; null while nothing is armed. */
export function dueAt(state: IncidentState): string | null {
  return allDue(state)[0]?.at ?? null;
}

/** Everything armed, the soonest first. At one instant the end goes first: nobody is paged for what is over. */
export function allDue(state: IncidentState): readonly Due[] {
  const { escalation, snoozedUntil, status } = state.view;
  if (status === 'resolved' || !state.opened) return [];
  const { timer } = escalation;
  const due: Due[] = [];
  if (state.autoResolveDueAt)
    due.push({ kind: 'resolve', at: resolveAt(state, state.autoResolveDueAt) });
  if (timer.kind === 'armed') due.push({ kind: 'escalate', at: timer.dueAt });
  if (snoozedUntil) due.push({ kind: 'snooze', at: snoozedUntil });
  if (state.acknowledgementDueAt)
    due.push({ kind: 'acknowledgement', at: state.acknowledgementDueAt });
  return due.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** A snooze is a promise to come back: an automatic resolve that it outlasts comes later. */
function resolveAt(state: IncidentState, at: string): string {
  const { snoozedUntil } = state.view;
  return snoozedUntil ? (renewedResolve(state, snoozedUntil) ?? at) : at;
}

/** Whether a history of before may go another way at this instant: see `Draft.asBefore`. */
export function dependsOnRules(state: IncidentState, now: string): boolean {
  const { autoResolveDueAt, settings, view } = state;
  const { rules } = settings.policy;
  if (rules.some(({ escalationDelayInMinutes: delay }) => delay <= 1)) return true;
  if (!autoResolveDueAt || Date.parse(autoResolveDueAt) > Date.parse(now)) return false;
  const isTied = allDue(state).some(
    ({ kind, at }) => kind !== 'resolve' && at === autoResolveDueAt,
  );
  return isTied || view.snoozedUntil !== null;
}

function nextDue({ state, asBefore }: Draft): Due | undefined {
  const [first, second] = allDue(state);
  const isTied = first?.kind === 'resolve' && second?.at === first.at;
  return isTied && asBefore ? second : first;
}

/** The pages that a tick sends which is due now; none while nothing is due. */
export function pagesOfTick(d: Omit<Draft, 'commands'>): readonly PageCommand[] {
  const tick: Draft = { ...d, commands: [] };
  takeTick(tick);
  return tick.commands.filter((command) => command.type === 'page');
}

/** Does what is due, one thing a tick: the next is due at once if it is late as well. */
export function takeTick(d: Draft): void {
  const due = nextDue(d);
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
