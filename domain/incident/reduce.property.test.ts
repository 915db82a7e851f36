// Whatever happens to an incident, in any order: repeats change nothing, an ended incident never pages, no
// step is passed over, exactly one escalation timer or a reason, state is JSON, and every bound holds.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  T0,
  act,
  alertEvent,
  answer,
  input,
  pageResult,
} from '../../test/support/incident-samples.ts';
import { INCIDENT_LIMITS } from '../limits.ts';
import { openIncident } from './open.ts';
import { isWanted } from './paging.ts';
import { reduce } from './reduce.ts';
import { dueAt } from './tick.ts';
import type { IncidentCommand, IncidentEvent, IncidentState } from './types.ts';

const who = fc.constantFrom('1', '2', '3');
const event: fc.Arbitrary<IncidentEvent> = fc.oneof(
  fc
    .record({
      eventId: fc.integer({ min: 0, max: 40 }).map(String),
      action: fc.constantFrom('trigger' as const, 'acknowledge' as const, 'resolve' as const),
      dedupKey: fc.constantFrom('a', 'b'),
    })
    .map((change) => ({ type: 'alert' as const, event: alertEvent(change) })),
  fc
    .tuple(fc.constantFrom('acknowledge' as const, 'resolve' as const, 'escalate' as const), who)
    .map(([what, by]) => ({ type: 'answer' as const, answer: answer(what, by) })),
  who.map((by) => act({ type: 'acknowledge' }, by)),
  who.map((by) => act({ type: 'reassign', userIds: [`U${by}`] })),
  fc.integer({ min: -1, max: 3 }).map((ruleIndex) => act({ type: 'escalate', ruleIndex })),
  fc.integer({ min: -5, max: 700_000 }).map((durationSec) => act({ type: 'snooze', durationSec })),
  fc
    .constantFrom('high' as const, 'low' as const)
    .map((urgency) => act({ type: 'set_urgency', urgency })),
  fc.string().map((content) => act({ type: 'note', content })),
  who.map((by) =>
    act({
      type: 'request_responders',
      requesterId: 'U1',
      message: '',
      targets: [{ type: 'user', id: `U${by}` }],
    }),
  ),
  who.map((by) => act({ type: 'responder_reply', userId: `U${by}`, reply: 'joined' }, by)),
  who.map((by) =>
    act({ type: 'merge', sources: [{ incidentId: `PS${by}`, workflowId: `w${by}` }] }),
  ),
  fc.constant(act({ type: 'merge_into', target: { incidentId: 'PT', workflowId: 'wt' } })),
  fc.tuple(who, fc.integer({ min: 1, max: 12 })).map(([by, page]) => ({
    type: 'unreachable' as const,
    report: { incidentId: 'PINC', userId: `U${by}`, pageId: `PINC/${page}`, at: T0, reason: 'x' },
  })),
  fc.constant({ type: 'tick' as const }),
  fc.constant({ type: 'released' as const }),
  fc
    .record({ count: fc.nat(3), accepted: fc.boolean() })
    .map((f) => ({ type: 'forwarded' as const, ...f })),
);
const paged = fc.record({
  reach: fc.constantFrom('policy' as const, 'catch_all' as const, 'nobody' as const),
  late: fc.boolean(),
});
const step = fc.record({ event, minutes: fc.integer({ min: 0, max: 40 }), paged });
const steps = fc.array(step, { maxLength: 60 });
const policy = fc.record({
  minutes: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 3 }),
  numLoops: fc.integer({ min: 0, max: 2 }),
  service: fc.record({
    acknowledgementTimeoutSec: fc.constantFrom(null, 600),
    autoResolveTimeoutSec: fc.constantFrom(null, 7200),
  }),
});

interface Seen {
  readonly before: IncidentState;
  readonly state: IncidentState;
  readonly commands: readonly IncidentCommand[];
  readonly event: IncidentEvent;
  readonly now: string;
}

/** Plays the steps as the workflow would: pages are run if still wanted, some only after the next event. */
function play(
  config: Parameters<typeof input>[0],
  list: readonly {
    event: IncidentEvent;
    minutes: number;
    paged: { reach: 'policy' | 'catch_all' | 'nobody'; late: boolean };
  }[],
  look: (seen: Seen) => void,
): IncidentState {
  let now = T0;
  let state = openIncident(input(config), T0, { workflowId: 'wf', runId: 'run' });
  let queue: IncidentCommand[] = [];
  const apply = (one: IncidentEvent) => {
    const before = state;
    const result = reduce(state, one, now);
    state = result.state;
    queue.push(...result.commands);
    look({ before, state, commands: result.commands, event: one, now });
  };
  const run = (reach: 'policy' | 'catch_all' | 'nobody') => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (next.type !== 'page' || !isWanted(state, next)) continue;
      const users = reach === 'policy' ? next.targets.map(({ id }) => id) : ['UC'];
      const userIds = reach === 'nobody' ? [] : users;
      apply({ type: 'paged', result: pageResult(next.commandId, userIds, { via: reach }) });
    }
    queue = [];
  };
  apply({ type: 'alert', event: alertEvent({ eventId: 'first', dedupKey: 'a' }) });
  for (const { event: one, minutes, paged: page } of list) {
    now = new Date(Date.parse(now) + minutes * 60_000).toISOString();
    apply(one);
    if (!page.late) run(page.reach);
  }
  return state;
}

const check = (look: (seen: Seen) => void) =>
  fc.assert(
    fc.property(policy, steps, (config, list) => void play(config, list, look)),
    { numRuns: 300 },
  );

test('an ended incident never pages', () => {
  check(({ before, commands }) => {
    if (before.view.status === 'resolved')
      expect(commands.filter(({ type }) => type === 'page')).toEqual([]);
  });
});

test('every open incident has exactly one armed timer or a reason that fits its status', () => {
  check(({ state }) => {
    const { status, escalation } = state.view;
    const { timer } = escalation;
    const fitting = {
      triggered: ['armed', 'exhausted', 'low_urgency', 'manual'],
      acknowledged: ['acknowledged', 'snoozed'],
      resolved: ['resolved', 'merged'],
    }[status];
    expect(fitting).toContain(timer.kind === 'armed' ? 'armed' : timer.reason);
  });
});

test('the clock passes over no rule: it goes to the next one, or from the last to the first', () => {
  check(({ before, state, event: one, now }) => {
    if (one.type !== 'tick') return;
    const [from, to] = [before.view.escalation, state.view.escalation];
    const count = Math.max(1, before.settings.policy.rules.length);
    if (from.ruleIndex === to.ruleIndex && from.loop === to.loop) return;
    expect(from.timer.kind === 'armed' && from.timer.dueAt <= now).toBe(true);
    expect(to.ruleIndex).toBe((from.ruleIndex + 1) % count);
    expect(to.loop).toBe(from.loop + (from.ruleIndex + 1 === count ? 1 : 0));
  });
});

test('an armed step is never earlier than its delay or a minute from now', () => {
  check(({ before, state, now }) => {
    const { timer } = state.view.escalation;
    if (timer.kind !== 'armed' || timer === before.view.escalation.timer) return;
    expect(Date.parse(timer.dueAt)).toBeGreaterThanOrEqual(Date.parse(now) + 60_000);
  });
});

test('a repeated event, answer or action changes nothing', () => {
  check(({ state, event: one, now }) => {
    if (!['alert', 'answer', 'action'].includes(one.type)) return;
    const again = reduce(state, one, now);
    expect(again).toEqual({ state, commands: [] });
  });
});

test('state survives JSON: decoded it decides the same', () => {
  check(({ before, state, commands, event: one, now }) => {
    const decoded = JSON.parse(JSON.stringify(before)) as IncidentState;
    expect(reduce(decoded, one, now)).toEqual({ state, commands });
  });
});

test('revision grows with every visible change and never goes back', () => {
  check(({ before, state }) => {
    expect(state.view.revision - before.view.revision).toBe(state.view === before.view ? 0 : 1);
  });
});

test('an open due instant is never missed: a tick at it changes something', () => {
  check(({ state }) => {
    const due = dueAt(state);
    if (due !== null) expect(reduce(state, { type: 'tick' }, due).state).not.toBe(state);
  });
});

test('the order of independent events does not matter', () => {
  const independent = [
    act({ type: 'acknowledge' }, '1'),
    act({ type: 'note', content: 'n' }, '2'),
    act({ type: 'set_title', title: 't' }, '3'),
    { type: 'alert' as const, event: alertEvent({ eventId: 'again', dedupKey: 'a' }) },
  ];
  const all = fc.shuffledSubarray(independent, { minLength: 4 });
  const outcome = (list: readonly IncidentEvent[]) => {
    const state = play(
      {},
      list.map((one) => ({ event: one, minutes: 0, paged: { reach: 'policy', late: false } })),
      () => undefined,
    );
    const { status, title, alerts, acknowledgements } = state.view;
    return {
      status,
      title,
      alerts,
      acknowledgements,
      notes: state.view.notes.map(({ content }) => content),
    };
  };
  fc.assert(
    fc.property(all, (list) => {
      expect(outcome(list)).toEqual(outcome(independent));
    }),
  );
});

test('bounds hold in a storm, and what is dropped is counted', () => {
  let state = openIncident(input(), T0, { workflowId: 'wf', runId: 'run' });
  for (let i = 0; i < 3000; i++) {
    const [eventId, dedupKey] = [`e${i}`, `k${i}`];
    state = reduce(state, { type: 'alert', event: alertEvent({ eventId, dedupKey }) }, T0).state;
  }
  for (let i = 0; i < 200; i++) {
    state = reduce(state, act({ type: 'acknowledge' }, `many${i}`), T0).state;
    state = reduce(state, act({ type: 'note', content: 'n' }), T0).state;
  }
  expect(state.view.alerts).toHaveLength(INCIDENT_LIMITS.alerts);
  expect(state.view.alertCounts).toEqual({ all: 3000, triggered: 3000, resolved: 0 });
  expect(state.outbox.length).toBeLessThanOrEqual(INCIDENT_LIMITS.outbox);
  expect(state.entriesDropped).toBe(state.nextLogSeq - 1 - INCIDENT_LIMITS.outbox);
  expect(state.seen.length).toBeLessThanOrEqual(INCIDENT_LIMITS.seen);
  expect(state.view.notes.length).toBeLessThanOrEqual(INCIDENT_LIMITS.notes);
  expect(state.view.acknowledgements).toHaveLength(INCIDENT_LIMITS.acknowledgements);
  state = reduce(state, act({ type: 'resolve', resolution: null }), T0).state;
  expect(state.view.alertCounts).toEqual({ all: 3000, triggered: 0, resolved: 3000 });
  for (let i = 0; i < 500; i++)
    state = reduce(state, { type: 'alert', event: alertEvent({ eventId: `h${i}` }) }, T0).state;
  expect(state.held).toHaveLength(INCIDENT_LIMITS.held);
  expect(state.held[0]?.eventId).toBe('h0');
});
