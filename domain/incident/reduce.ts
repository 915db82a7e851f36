import { takeAction, takeAnswer } from './actions.ts';
import { takeEvent, takeManual } from './alerts.ts';
import type { Draft } from './draft.ts';
import { takeAbsorbed, takeAbsorbFailed, takeForwarded, takeReleased } from './merge.ts';
import { takeGivenUp, takePaged, takeUnreachable } from './paging.ts';
import { allDue, dueAt, pagesOfTick, takeTick } from './tick.ts';
import type { IncidentCommand, IncidentEvent, IncidentState, IncidentView } from './types.ts';

/** What one event does to an incident. `commands` are to be run in their order. */
export interface Reduction {
  readonly state: IncidentState;
  readonly commands: readonly IncidentCommand[];
}

/**
 * Every decision about an incident. Pure and total: an event that does not fit the state (a repeat, a
 * late answer, a refused action) gives the same state and no commands. `asBefore`: see `Draft`.
 */
export function reduce(
  state: IncidentState,
  event: IncidentEvent,
  nowIso: string,
  asBefore = false,
): Reduction {
  const draft: Draft = { state, commands: [], now: nowIso, asBefore };
  take(draft, event);
  if (event.type !== 'tick') stopLostTick(draft, state);
  if (draft.state.view === state.view && draft.state.outbox === state.outbox)
    return { state: draft.state, commands: draft.commands };
  return { state: revise(draft), commands: draft.commands };
}

/**
 * A tick that was due may have paged already: by a worker that was lost before it could tell. When something
 * overtakes the tick now, whoever it has reached would never be told to stop.
 */
function stopLostTick(d: Draft, before: IncidentState): void {
  if (dueAt(d.state) === dueAt(before)) return;
  for (const page of pagesOfTick({ ...d, state: before })) takeGivenUp(d, page, { lostTick: true });
}

function take(d: Draft, event: IncidentEvent): void {
  switch (event.type) {
    case 'alert':
      takeEvent(d, event.event);
      return;
    case 'created':
      takeManual(d, event.manual);
      return;
    case 'action':
      takeAction(d, event.action);
      return;
    case 'answer':
      takeAnswer(d, event.answer);
      return;
    case 'unreachable':
      takeUnreachable(d, event.report, event.anyPage ?? false);
      return;
    case 'paged':
      takePaged(d, event.result);
      return;
    case 'page_given_up':
      takeGivenUp(d, event.command);
      return;
    case 'tick':
      takeTick(d);
      return;
    default:
      takeMergeEvent(d, event);
  }
}

function takeMergeEvent(
  d: Draft,
  event: Extract<IncidentEvent, { type: 'absorbed' | 'absorb_failed' | 'forwarded' | 'released' }>,
): void {
  switch (event.type) {
    case 'absorbed':
      takeAbsorbed(d, event.source);
      return;
    case 'absorb_failed':
      takeAbsorbFailed(d, event.source, event.reason);
      return;
    case 'forwarded':
      takeForwarded(d, event.count, event.accepted);
      return;
    case 'released':
      takeReleased(d);
  }
}

function revise(d: Draft): IncidentState {
  const { view } = d.state;
  const pendingActions = pendingActionsOf(d.state);
  return {
    ...d.state,
    view: { ...view, pendingActions, updatedAt: d.now, revision: view.revision + 1 },
  };
}

const PENDING = {
  escalate: 'escalate',
  acknowledgement: 'unacknowledge',
  snooze: 'unacknowledge',
  resolve: 'resolve',
} as const;

/** PagerDuty's `pending_actions`: what the clock will do if nobody acts. */
function pendingActionsOf(state: IncidentState): IncidentView['pendingActions'] {
  return allDue(state).map(({ kind, at }) => ({ type: PENDING[kind], at }));
}

/** What people and tools see. */
export function viewOf(state: IncidentState): IncidentView {
  const mergesPending = state.pendingMerges.length;
  return mergesPending > 0 ? { ...state.view, mergesPending } : state.view;
}
