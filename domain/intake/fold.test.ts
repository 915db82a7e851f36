// Events that travel folded do to an incident what they would have done one by one, and count as many.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { alertEvent, input, T0 } from '../../test/support/incident-samples.ts';
import type { AlertEvent } from '../event.ts';
import { openIncident } from '../incident/open.ts';
import { reduce } from '../incident/reduce.ts';
import type { IncidentState } from '../incident/types.ts';
import { foldEvents } from './fold.ts';

const NOW = '2026-03-01T11:00:00.000Z';
const at = (second: number) => new Date(Date.parse(T0) + second * 1000).toISOString();
const eventsOf = (actions: readonly AlertEvent['action'][]): readonly AlertEvent[] =>
  actions.map((action, n) => alertEvent({ eventId: `E${n}`, action, receivedAt: at(n) }));

function apply(state: IncidentState, events: readonly AlertEvent[]): IncidentState {
  return events.reduce((now, event) => reduce(now, { type: 'alert', event }, NOW).state, state);
}
const fresh = () => openIncident(input(), T0, { workflowId: 'w', runId: 'r' });
const told = ({ view, held }: IncidentState) => ({
  status: view.status,
  alerts: view.alerts.map(({ status, count, lastTriggeredAt }) => [status, count, lastTriggeredAt]),
  held: held.reduce((sum, { repeats }) => sum + 1 + (repeats?.count ?? 0), 0),
});

describe('foldEvents', () => {
  it('makes one event of a run of triggers, and keeps everything else', () => {
    const [first, ...others] = foldEvents(
      eventsOf(['trigger', 'trigger', 'trigger', 'resolve', 'trigger']),
    );
    expect(first).toMatchObject({ eventId: 'E0', repeats: { count: 2, lastReceivedAt: at(2) } });
    expect(others.map(({ eventId, repeats }) => [eventId, repeats])).toEqual([
      ['E3', undefined],
      ['E4', undefined],
    ]);
  });

  it('changes nothing of what the events do', () => {
    const actions = fc.array(
      fc.constantFrom<AlertEvent['action']>('trigger', 'trigger', 'acknowledge', 'resolve'),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(actions, fc.nat(30), (list, cut) => {
        const events = eventsOf(list);
        const twice = [...foldEvents(events.slice(0, cut)), ...foldEvents(events.slice(cut))];
        expect(told(apply(fresh(), foldEvents(events)))).toEqual(told(apply(fresh(), events)));
        expect(foldEvents(twice)).toEqual(foldEvents(events));
      }),
    );
  });

  it('counts a folded event once, however often it comes', () => {
    const folded = foldEvents(eventsOf(['trigger', 'trigger', 'trigger']));
    const once = apply(fresh(), folded);
    expect(once.view.alerts[0]?.count).toBe(3);
    expect(apply(once, folded)).toBe(once);
  });
});
