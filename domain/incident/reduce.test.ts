// Each transition of an incident: what changes, whom it pages or stops, when it is due, and what the log says.
import { describe, expect, test } from 'vitest';
import {
  T0,
  act,
  action,
  alertEvent,
  answer,
  input,
  pageResult,
  settings,
} from '../../test/support/incident-samples.ts';
import type { AlertEvent } from '../event.ts';
import { INCIDENT_LIMITS } from '../limits.ts';
import { urgencyOf } from './alerts.ts';
import { openIncident, succeed } from './open.ts';
import { dropBatch, nextBatch } from './outbox.ts';
import { isWanted } from './paging.ts';
import { reduce } from './reduce.ts';
import { dueAt } from './tick.ts';
import type { IncidentCommand, IncidentEvent, IncidentInput, IncidentState } from './types.ts';
import { validateAction } from './validate.ts';

const after = (minutes: number) => new Date(Date.parse(T0) + minutes * 60_000).toISOString();

/** Drives one incident; pages reach exactly their user targets unless the test answers them itself. */
class Drive {
  state: IncidentState;
  commands: IncidentCommand[] = [];
  now = T0;
  constructor(start: IncidentInput = input()) {
    this.state = openIncident(start, T0, { workflowId: 'wf', runId: 'run' });
    if (start.manual) this.on({ type: 'created', manual: start.manual });
  }
  on(event: IncidentEvent, now = this.now): this {
    this.now = now;
    const result = reduce(this.state, event, now);
    this.state = result.state;
    this.commands.push(...result.commands);
    return this;
  }
  alert(change: Partial<AlertEvent> = {}, now = this.now): this {
    return this.on({ type: 'alert', event: alertEvent(change) }, now);
  }
  tick(now: string): this {
    return this.on({ type: 'tick' }, now);
  }
  page(userIds?: readonly string[], change: Parameters<typeof pageResult>[2] = {}): this {
    const command = this.pages().at(-1);
    const users = userIds ?? command?.targets.map(({ id }) => id) ?? [];
    const result = pageResult(command?.commandId ?? '?', users, {
      ruleIndex: command?.ruleIndex ?? 0,
      at: this.now,
      ...change,
    });
    return this.on({ type: 'paged', result });
  }
  pages() {
    return this.commands.filter((command) => command.type === 'page');
  }
  stops() {
    return this.commands.filter((command) => command.type === 'stop');
  }
  types() {
    return this.state.outbox.map(({ type }) => type.replace('_log_entry', ''));
  }
  last() {
    return this.state.outbox.at(-1)?.reason ?? '';
  }
}

test('a trigger opens the incident, pages rule 1 and counts from acceptance', () => {
  const d = new Drive().alert({}, after(1));
  expect(d.state.view).toMatchObject({
    status: 'triggered',
    title: 'Disk full on db-1',
    createdAt: T0,
    number: Math.floor((Date.parse(T0) - Date.UTC(2026, 0, 1)) / 100),
    alertCounts: { all: 1, triggered: 1, resolved: 0 },
  });
  expect(d.pages()).toMatchObject([
    { targets: [{ id: 'U1' }], why: 'trigger', notAfter: after(5) },
  ]);
  expect(dueAt(d.state)).toBe(after(5));
  d.page();
  expect(d.state.view.assignments).toEqual([{ userId: 'U1', at: after(1) }]);
  expect(d.types()).toEqual(['trigger', 'assign']);
});

test('nobody answers: rules and loops at exact times, then exhausted', () => {
  const d = new Drive(input({ minutes: [5, 10], numLoops: 1 })).alert().page();
  for (const minute of [5, 15, 20]) d.tick(after(minute)).page();
  expect(d.pages().map(({ ruleIndex }) => ruleIndex)).toEqual([0, 1, 0, 1]);
  expect(d.stops().map(({ userIds, outcome }) => [userIds[0], outcome.status])).toEqual([
    ['U1', 'escalated'],
    ['U2', 'escalated'],
    ['U1', 'escalated'],
  ]);
  expect(dueAt(d.state)).toBe(after(30));
  d.tick(after(30));
  expect(d.state.view.escalation.timer).toEqual({ kind: 'none', reason: 'exhausted' });
  expect(d.types().at(-1)).toBe('exhaust_escalation_path');
  expect(d.pages()).toHaveLength(4);
});

test('a tick that comes too early does nothing', () => {
  const d = new Drive().alert().page();
  const before = d.state;
  expect(d.tick(after(4.99)).state).toBe(before);
});

test('after an outage no step is skipped, and each keeps a minute', () => {
  const d = new Drive(input({ minutes: [5, 5, 5] })).alert().page();
  d.tick(after(60)).page();
  expect([d.state.view.escalation.ruleIndex, dueAt(d.state)]).toEqual([1, after(61)]);
  d.tick(after(61)).page();
  expect([d.state.view.escalation.ruleIndex, dueAt(d.state)]).toEqual([2, after(66)]);
});

test('an answer when the next step is due: whom a lost worker may have paged for it is told to stop', () => {
  const d = new Drive().alert().page();
  d.on({ type: 'answer', answer: answer('acknowledge', '1', after(5)) }, after(5));
  expect(d.pages()).toHaveLength(1);
  // With the number that the page had there: a later page of the same people goes on.
  expect(d.stops()).toMatchObject([
    { userIds: ['U1'] },
    { userIds: [], upTo: '2', lostTick: true, mayHaveReached: { targets: [{ id: 'U2' }] } },
  ]);
  expect(d.types()).not.toContain('escalate');
});

test('what leaves the due step as it is, or comes before it is due, stops nobody', () => {
  const d = new Drive().alert().page();
  d.on(act({ type: 'note', content: 'n' }, '2', after(5)), after(5));
  expect(d.stops()).toEqual([]);
  const early = new Drive().alert().page();
  early.on({ type: 'answer', answer: answer('acknowledge') }, after(4));
  expect(early.stops()).toMatchObject([{ userIds: ['U1'] }]);
});

describe('a process whose clock is wrong', () => {
  const HOURS = [-360, 360];

  test.each(HOURS)('by %i minutes opens an incident when the engine got the alert', (minutes) => {
    // The engine starts the workflow at T0; the first worker comes a minute later.
    const d = new Drive().alert({ receivedAt: after(minutes), waitedMs: 0 }, after(1));
    expect(d.state.view.createdAt).toBe(T0);
    expect(dueAt(d.state)).toBe(after(5));
  });

  test.each(HOURS)(
    'by %i minutes tells the engine of an alert that has waited in the spill',
    (minutes) => {
      const waitedMs = 20 * 60_000;
      const right = new Drive().alert({ receivedAt: after(-20), waitedMs });
      expect(right.state.view.createdAt).toBe(after(-20));
      const wrong = new Drive().alert({ receivedAt: after(minutes - 20), waitedMs });
      expect(wrong.state.view.createdAt).toBe(after(-20));
      expect(dueAt(wrong.state)).toBe(after(1));
    },
  );

  test.each(HOURS)('by %i minutes opens an incident that a person asks for', (minutes) => {
    const { agent } = answer('acknowledge');
    const manual = {
      ...{ at: after(minutes), waitedMs: 0, title: 'Slow', details: null, urgency: null, agent },
      ...{ incidentKey: null, assigneeIds: [], traceparent: null },
    };
    expect(new Drive({ ...input(), manual }).state.view.createdAt).toBe(T0);
  });

  test.each(HOURS)('by %i minutes takes an action, which counts from now', (minutes) => {
    const service = { acknowledgementTimeoutSec: 1800 };
    const d = new Drive(input({ service })).alert().page();
    const acknowledge = {
      ...action({ type: 'acknowledge' }, '1', after(3 + minutes)),
      waitedMs: 0,
    };
    d.on({ type: 'action', action: acknowledge }, after(3));
    expect(dueAt(d.state)).toBe(after(33));
  });

  test.each([
    ['before the incident, counts from when it is seen', -360, 33],
    ['that no worker saw for a minute, counts from when it was given', 2, 32],
  ])('an answer of a time %s', (_name, minutes, due) => {
    const service = { acknowledgementTimeoutSec: 1800 };
    const answers: readonly IncidentEvent[] = [
      { type: 'answer', answer: { ...answer('acknowledge', '1', after(minutes)), waitedMs: 0 } },
      {
        type: 'alert',
        event: alertEvent({
          ...{ eventId: 'ack', action: 'acknowledge', receivedAt: after(minutes), waitedMs: 0 },
        }),
      },
    ];
    for (const one of answers) {
      const d = new Drive(input({ service })).alert().page().on(one, after(3));
      expect(dueAt(d.state)).toBe(after(due));
    }
  });

  test('what came before this was told counts as it says', () => {
    const d = new Drive().alert({ receivedAt: after(-20) });
    expect(d.state.view.createdAt).toBe(after(-20));
  });
});

test('an acknowledgement stops the pages and the escalation; a second person is added', () => {
  const d = new Drive()
    .alert()
    .page()
    .on({ type: 'answer', answer: answer('acknowledge') });
  expect(d.state.view.status).toBe('acknowledged');
  expect(d.stops()).toMatchObject([{ userIds: ['U1'], outcome: { status: 'acknowledged' } }]);
  expect(dueAt(d.state)).toBeNull();
  d.on(act({ type: 'acknowledge' }, '2')).on(act({ type: 'acknowledge' }, '2'));
  expect(d.state.view.acknowledgements.map((ack) => ack.agent.id)).toEqual(['U1', 'U2']);
  expect(d.types().filter((type) => type === 'acknowledge')).toHaveLength(2);
});

test('the acknowledgement timeout pages the assignees again and resumes the escalation', () => {
  const d = new Drive(input({ service: { acknowledgementTimeoutSec: 1800 } })).alert().page();
  d.on(act({ type: 'acknowledge' }));
  expect(dueAt(d.state)).toBe(after(30));
  d.tick(after(30));
  expect(d.state.view).toMatchObject({ status: 'triggered', acknowledgements: [] });
  expect(d.pages().at(-1)).toMatchObject({ why: 'unacknowledge', targets: [{ id: 'U1' }] });
  expect(d.types()).toContain('unacknowledge');
  expect(dueAt(d.state)).toBe(after(35));
});

test('steps of a minute do not drift, though each is taken a moment late; after an outage each keeps its minute', () => {
  const moment = (minutes: number, ms: number) =>
    new Date(Date.parse(after(minutes)) + ms).toISOString();
  const d = new Drive(input({ minutes: [1, 1, 1, 1], numLoops: 2 }))
    .alert({}, moment(0, 180))
    .page();
  for (let step = 1; step <= 10; step += 1) {
    expect(dueAt(d.state)).toBe(after(step));
    d.tick(moment(step, 220)).page();
  }
  d.tick(moment(14, 0));
  expect(dueAt(d.state)).toBe(after(15));
});

test('a snooze acknowledges, pages again when over, and an automatic resolve that it outlasts has its whole time again', () => {
  const d = new Drive(input({ service: { autoResolveTimeoutSec: 3600 } })).alert().page();
  d.on(act({ type: 'snooze', durationSec: 7200 }));
  expect(d.state.view).toMatchObject({ status: 'acknowledged', snoozedUntil: after(120) });
  expect(d.state.view.pendingActions).toEqual([
    { type: 'unacknowledge', at: after(120) },
    { type: 'resolve', at: after(180) },
  ]);
  d.tick(after(60)).tick(after(120)).page();
  expect(d.pages().at(-1)?.why).toBe('snooze_over');
  d.tick(after(120));
  expect(d.state.view.status).toBe('triggered');
  d.on(act({ type: 'acknowledge' }, '1', after(121)), after(121)).tick(after(180));
  expect(d.state.view.status).toBe('resolved');
});

test.each([
  ['an escalation', { type: 'escalate', ruleIndex: null }],
  ['a reassignment', { type: 'reassign', userIds: ['U2'] }],
] as const)('%s takes a long snooze back: nothing is resolved at once', (_name, body) => {
  const d = new Drive(input({ service: { autoResolveTimeoutSec: 3600 } })).alert().page();
  d.on(act({ type: 'snooze', durationSec: 604_800 }));
  d.on(act(body, '1', after(100)), after(100))
    .page()
    .tick(after(100));
  expect(d.state.view.status).toBe('triggered');
  expect(d.state.view.pendingActions).toContainEqual({ type: 'resolve', at: after(160) });
});

test('a snooze that ends before the automatic resolve changes nothing of that', () => {
  const d = new Drive(input({ service: { autoResolveTimeoutSec: 3600 } })).alert().page();
  d.on(act({ type: 'snooze', durationSec: 1800 }))
    .tick(after(30))
    .page();
  expect(d.state.view.pendingActions).toContainEqual({ type: 'resolve', at: after(60) });
});

test.each([
  ['a step', [30], null],
  ['the end of an acknowledgement', [90], 1800],
] as const)(
  'the automatic resolve goes before %s of the same instant',
  (_name, minutes, ackSec) => {
    const service = { autoResolveTimeoutSec: 1800, acknowledgementTimeoutSec: ackSec };
    const d = new Drive(input({ minutes, service })).alert().page();
    if (ackSec !== null) d.on(act({ type: 'acknowledge' }));
    expect(dueAt(d.state)).toBe(after(30));
    d.tick(after(30));
    expect(d.state.view.status).toBe('resolved');
    expect(d.pages()).toHaveLength(1);
  },
);

test('the automatic resolve ends it and resolves its alerts', () => {
  const d = new Drive(input({ minutes: [90], service: { autoResolveTimeoutSec: 3600 } }))
    .alert()
    .page();
  d.tick(after(60));
  expect(d.state.view).toMatchObject({ status: 'resolved', alerts: [{ status: 'resolved' }] });
  expect(d.stops()).toMatchObject([{ userIds: ['U1'], outcome: { status: 'resolved' } }]);
});

test('low urgency pages once and does not escalate; raised to high it pages again and does', () => {
  const d = new Drive(input({ service: { urgencyRule: 'low' } })).alert().page();
  expect(d.state.view.escalation.timer).toEqual({ kind: 'none', reason: 'low_urgency' });
  d.on(act({ type: 'set_urgency', urgency: 'high' }));
  expect(d.pages().at(-1)?.why).toBe('urgency_change');
  expect(dueAt(d.state)).toBe(after(5));
  d.on(act({ type: 'set_urgency', urgency: 'low' }));
  expect(dueAt(d.state)).toBeNull();
});

test('urgency follows the severity where the service says so', () => {
  const bySeverity = settings({ service: { urgencyRule: 'severity_based' } });
  const found = (['critical', 'error', 'warning', 'info', null] as const).map((severity) =>
    urgencyOf(bySeverity, severity),
  );
  expect(found).toEqual(['high', 'high', 'low', 'low', 'high']);
  expect(urgencyOf(settings(), 'info')).toBe('high');
});

test('reassigned to users: they are paged, the policy rests; escalating brings it back', () => {
  const d = new Drive()
    .alert()
    .page()
    .on(act({ type: 'acknowledge' }));
  d.on(act({ type: 'reassign', userIds: ['U7', 'U7'] })).page();
  expect(d.state.view.status).toBe('triggered');
  expect(d.state.view.assignments.map(({ userId }) => userId)).toEqual(['U7']);
  expect(d.state.view.escalation.timer).toEqual({ kind: 'none', reason: 'manual' });
  d.on(act({ type: 'escalate', ruleIndex: null })).page();
  expect([d.state.view.escalation.ruleIndex, dueAt(d.state)]).toEqual([0, after(5)]);
  expect(d.stops().at(-1)).toMatchObject({ userIds: ['U7'] });
});

test('reassigned to another policy: starts at its first rule', () => {
  const d = new Drive().alert().page().tick(after(5)).page();
  const policy = { ...settings({ minutes: [3] }).policy, id: 'P2', name: 'Second' };
  d.on(act({ type: 'reassign_policy', policy }, '1', after(5))).page();
  expect(d.state.view).toMatchObject({ escalationPolicyId: 'P2', escalation: { ruleIndex: 0 } });
  expect(dueAt(d.state)).toBe(after(8));
  expect(d.types()).toContain('delegate');
});

test('escalate now goes to the next or the named rule, also from acknowledged', () => {
  const d = new Drive(input({ minutes: [5, 5, 5] }))
    .alert()
    .page()
    .on(act({ type: 'acknowledge' }));
  d.on(act({ type: 'escalate', ruleIndex: null })).page();
  expect(d.state.view).toMatchObject({ status: 'triggered', escalation: { ruleIndex: 1 } });
  d.on(act({ type: 'escalate', ruleIndex: 2 })).page();
  expect(d.state.view.escalation.ruleIndex).toBe(2);
  d.on({ type: 'answer', answer: answer('escalate', '3') });
  expect(d.state.view.escalation.ruleIndex).toBe(0);
});

test('a repeated trigger is counted, pages nobody, and is logged up to a bound', () => {
  const d = new Drive().alert().page();
  for (let i = 0; i < 100; i++) d.alert({ eventId: `R${i}` });
  expect(d.state.view.alerts).toMatchObject([{ count: 101 }]);
  expect(d.pages()).toHaveLength(1);
  expect(d.types().filter((type) => type === 'trigger')).toHaveLength(21);
  expect(d.types().filter((type) => type === 'reach_trigger_limit')).toHaveLength(1);
});

test('events acknowledge and resolve what their key opened, and nothing else', () => {
  const d = new Drive().alert().page();
  d.alert({ eventId: 'x', action: 'resolve', integrationId: 'OTHER' });
  d.alert({ eventId: 'y', action: 'acknowledge', dedupKey: 'other' });
  expect(d.state.view.status).toBe('triggered');
  d.alert({ eventId: 'a', action: 'acknowledge' });
  expect(d.state.view.status).toBe('acknowledged');
  d.alert({ eventId: 'r', action: 'resolve' });
  expect(d.state.view.status).toBe('resolved');
});

test('an acknowledge or resolve before any trigger opens nothing', () => {
  const d = new Drive().alert({ action: 'resolve' });
  expect([d.state.opened, d.commands]).toEqual([false, []]);
});

test('a late page result after the answer stops whom it reached', () => {
  const d = new Drive()
    .alert()
    .on({ type: 'answer', answer: answer('acknowledge') })
    .page(['U1']);
  expect(d.stops().at(-1)).toMatchObject({ userIds: ['U1'], outcome: { status: 'acknowledged' } });
  expect(d.state.pagedUserIds).toEqual([]);
});

test('a page overtaken by an answer or the next step is not wanted', () => {
  const d = new Drive().alert();
  const [first] = d.pages();
  if (!first) throw new Error('no page');
  expect(isWanted(d.state, first)).toBe(true);
  expect(isWanted(d.on(act({ type: 'escalate', ruleIndex: 1 })).state, first)).toBe(false);
  const second = d.pages().at(-1) ?? first;
  expect(isWanted(d.on(act({ type: 'acknowledge' })).state, second)).toBe(false);
});

test('the never-drop rule is loud: catch-all, owner, nobody', () => {
  for (const via of ['catch_all', 'owner'] as const) {
    const d = new Drive().alert().page(['UC'], { via });
    expect(d.last()).toContain('NOBODY WAS ON CALL');
    expect(d.state.view.assignments.map(({ userId }) => userId)).toEqual(['UC']);
  }
  const d = new Drive().alert().page([], { via: 'nobody' });
  expect(d.state.outbox.map(({ reason }) => reason).join()).toContain('NOBODY COULD BE PAGED');
  expect([d.state.view.status, d.state.view.escalation.ruleIndex]).toEqual(['triggered', 1]);
});

test('while nobody can be paged at all, the path repeats beyond its loops, at its own pace', () => {
  const d = new Drive(input({ minutes: [5] })).alert().page([], { via: 'nobody' });
  for (let i = 1; i <= 20; i++) d.tick(after(5 * i)).page([], { via: 'nobody' });
  expect(d.pages()).toHaveLength(21);
  expect(dueAt(d.state)).toBe(after(105));
});

/** The report of a user's responder about the page that it was sent last. */
const unreachable = (d: Drive, userId: string, pageId = `PINC/${d.pages().at(-1)?.commandId}`) =>
  d.on({
    type: 'unreachable',
    report: { incidentId: 'PINC', userId, pageId, at: T0, reason: 'bad number' },
  });

test('all paged users unreachable: the next rule at once; some reachable: wait', () => {
  const d = new Drive().alert().page(['U1', 'U9']);
  unreachable(d, 'U1');
  unreachable(d, 'U1');
  expect(d.state.view.escalation.ruleIndex).toBe(0);
  unreachable(d, 'U9');
  expect(d.state.view.escalation.ruleIndex).toBe(1);
  expect(d.state.outbox.map(({ reason }) => reason).join()).toContain(
    'NOBODY OF RULE 1 CAN BE REACHED',
  );
  unreachable(d.page(['U2']), 'U2');
  expect(d.state.view.escalation.ruleIndex).toBe(1);
  expect(d.tick(after(10)).state.view.escalation.loop).toBe(1);
});

test('a late report about an older page does not disturb the newer one', () => {
  const d = new Drive().alert().page(['U1']);
  const older = `PINC/${d.pages().at(-1)?.commandId}`;
  d.on(act({ type: 'escalate', ruleIndex: 0 })).page(['U1']);
  const before = d.state;
  expect(unreachable(d, 'U1', older).state).toBe(before);
  expect(unreachable(d, 'U1').state.view.escalation.ruleIndex).toBe(1);
});

test('a stop says up to which page it holds, one for a page that was given up its own', () => {
  const d = new Drive().alert().page().tick(after(5));
  const [, second] = d.pages();
  d.on(act({ type: 'acknowledge' }, '1', after(6)), after(6));
  const stop = d.commands.at(-1);
  expect(stop).toMatchObject({ type: 'stop', userIds: ['U1'], upTo: stop?.commandId });
  if (second) d.on({ type: 'page_given_up', command: second });
  expect(d.commands.at(-1)).toMatchObject({ type: 'stop', upTo: second?.commandId });
});

test('stops that were still tried go along to the next incident of the key, pages do not', () => {
  const d = new Drive()
    .alert()
    .page()
    .on(act({ type: 'resolve', resolution: null }));
  const [stop, page] = [d.commands.at(-1), d.pages().at(-1)];
  const unfinished = [stop, page].flatMap((command) => command ?? []);
  const next = { incidentId: 'PNEXT', settings: settings(), at: T0 };
  const { carried } = succeed({ ...d.state, unfinished }, next);
  expect(carried?.unfinished).toEqual([{ ...stop, incidentId: 'PINC' }]);
});

test('low urgency with everybody unreachable pages the catch-all once', () => {
  const d = new Drive(input({ service: { urgencyRule: 'low' } })).alert().page();
  unreachable(d, 'U1');
  expect(d.pages().at(-1)?.targets).toEqual([]);
  unreachable(d.page(['UC'], { via: 'catch_all' }), 'UC');
  expect(d.pages()).toHaveLength(2);
});

test('a manual incident for named users pages them; for oneself it starts acknowledged', () => {
  const manual = {
    at: T0,
    title: 'Odd',
    details: 'look',
    urgency: null,
    incidentKey: 'k',
    assigneeIds: ['U5'],
    agent: { type: 'user', id: 'U1', summary: 'User 1' },
    traceparent: null,
  } as const;
  const d = new Drive({ ...input(), manual }).page();
  expect(d.pages()).toMatchObject([{ targets: [{ type: 'user', id: 'U5' }] }]);
  expect(d.state.view.escalation.timer).toEqual({ kind: 'none', reason: 'manual' });
  const own = new Drive({ ...input(), manual: { ...manual, assigneeIds: ['U1'] } });
  expect([own.state.view.status, own.pages()]).toEqual(['acknowledged', []]);
  const policy = new Drive({ ...input(), manual: { ...manual, assigneeIds: [] } });
  expect(dueAt(policy.state)).toBe(after(5));
});

test('responders are asked beside the escalation, and join by replying or answering', () => {
  const d = new Drive().alert().page();
  const targets = [
    { type: 'user', id: 'U8' },
    { type: 'user', id: 'U9' },
  ] as const;
  d.on(act({ type: 'request_responders', requesterId: 'U1', message: 'help', targets })).page();
  expect(d.state.view.responderRequests[0]?.responders.map(({ state }) => state)).toEqual([
    'pending',
    'pending',
  ]);
  d.on(act({ type: 'responder_reply', userId: 'U9', reply: 'declined' }, '9'));
  d.on({ type: 'answer', answer: answer('acknowledge', '8') });
  expect(d.state.view.responderRequests[0]?.responders.map(({ state }) => state)).toEqual([
    'joined',
    'declined',
  ]);
  expect(d.stops().map(({ userIds }) => userIds)).toEqual([['U9'], ['U8'], ['U1']]);
  expect(d.state.view.status).toBe('acknowledged');
});

test('a merge moves the alerts, ends the source, forwards its later events and lets it go at the end', () => {
  const source = new Drive({ ...input(), incidentId: 'PSRC' }).alert({ dedupKey: 'src' }).page();
  const target = new Drive().alert().page();
  const address = { incidentId: 'PSRC', workflowId: 'wf-src' };
  target
    .on(act({ type: 'merge', sources: [address] }))
    .on(act({ type: 'merge', sources: [address] }));
  expect(target.commands.filter(({ type }) => type === 'absorb')).toHaveLength(1);
  const into = { incidentId: 'PINC', workflowId: 'wf-target' };
  source.on(act({ type: 'merge_into', target: into }));
  expect(source.state.view).toMatchObject({
    status: 'resolved',
    alerts: [],
    resolveReason: { incidentId: 'PINC' },
    escalation: { timer: { reason: 'merged' } },
  });
  expect(source.stops().at(-1)).toMatchObject({ userIds: ['U1'] });
  if (!source.state.handedOver) throw new Error('nothing handed over');
  target.on({ type: 'absorbed', source: source.state.handedOver });
  expect(target.state.view.alertCounts).toEqual({ all: 2, triggered: 2, resolved: 0 });

  const late = alertEvent({ eventId: 'late', dedupKey: 'src', action: 'resolve' });
  source.on({ type: 'alert', event: late });
  expect(source.state.held).toEqual([late]);
  source.on({ type: 'forwarded', count: 1, accepted: true });
  expect(source.state.held).toEqual([]);
  target.on({ type: 'alert', event: late });
  expect(target.state.view).toMatchObject({ status: 'triggered', alertCounts: { resolved: 1 } });
  target.alert({ eventId: 'end', action: 'resolve' });
  expect(target.state.view.status).toBe('resolved');
  expect(target.state.releases).toEqual([address]);
  source.on({ type: 'released' });
  expect(source.state.released).toBe(true);
});

test('a merge that fails is said; one that comes after the end releases its source', () => {
  const address = { incidentId: 'PSRC', workflowId: 'wf-src' };
  const d = new Drive().alert().on(act({ type: 'merge', sources: [address] }));
  d.on({ type: 'absorb_failed', source: address, reason: 'Incident Already Resolved' });
  expect([d.state.pendingMerges, d.last()]).toEqual([
    [],
    expect.stringContaining('Could not merge'),
  ]);
  const late = new Drive().alert().on(act({ type: 'merge', sources: [address] }));
  late.on(act({ type: 'resolve', resolution: null }));
  const source = new Drive({ ...input(), incidentId: 'PSRC' }).alert({ dedupKey: 'src' });
  late.on({ type: 'absorbed', source: source.state.view });
  expect(late.state.releases).toEqual([address]);
  expect(late.state.view.alerts.every(({ status }) => status === 'resolved')).toBe(true);
});

test('a trigger after the end is held for the next incident, which inherits the memory', () => {
  const d = new Drive().alert().page().alert({ eventId: 'E2', action: 'resolve' });
  d.alert({ eventId: 'E3', action: 'resolve' }).alert({ eventId: 'E1' });
  expect(d.state.held).toEqual([]);
  d.alert({ eventId: 'E4' }).alert({ eventId: 'E4' }).alert({ eventId: 'E5', action: 'resolve' });
  expect(d.state.held.map(({ eventId }) => eventId)).toEqual(['E4', 'E5']);
  const next = succeed(d.state, { incidentId: 'PNEXT', settings: settings(), at: after(1) });
  expect(next.carried).toMatchObject({ opened: false, leftovers: [{ view: { id: 'PINC' } }] });
  expect(next.carried?.seen).toContain('E1');
});

test('a resolved incident takes no answer and refuses actions', () => {
  const d = new Drive()
    .alert()
    .page()
    .on(act({ type: 'resolve', resolution: 'disk replaced' }));
  expect(d.last()).toContain('disk replaced');
  const before = d.state;
  d.on({ type: 'answer', answer: answer('acknowledge') }).tick(after(500));
  expect(d.state).toBe(before);
  expect(validateAction(d.state, action({ type: 'acknowledge' }))?.type).toBe('AlreadyResolved');
});

test('actions out of bounds are refused, and change nothing even if they come through', () => {
  const d = new Drive().alert().page();
  const refused = [
    action({ type: 'snooze', durationSec: 0 }),
    action({ type: 'snooze', durationSec: 604_801 }),
    action({ type: 'snooze', durationSec: Number.NaN }),
    action({ type: 'note', content: '  ' }),
    action({ type: 'note', content: 'x'.repeat(INCIDENT_LIMITS.noteChars + 1) }),
    action({ type: 'set_title', title: '' }),
    action({ type: 'escalate', ruleIndex: 2 }),
    action({ type: 'reassign', userIds: [] }),
    action({ type: 'reassign_policy', policy: { ...settings().policy, rules: [] } }),
    action({ type: 'merge', sources: [{ incidentId: 'PINC', workflowId: 'wf' }] }),
    action({ type: 'merge', sources: [] }),
    action({ type: 'request_responders', requesterId: 'U1', message: '', targets: [] }),
  ];
  for (const one of refused) {
    expect(validateAction(d.state, one)?.type).toBe('InvalidAction');
    const before = d.state;
    expect(d.on({ type: 'action', action: one }).state).toBe(before);
  }
});

test('notes and titles are logged with what they say', () => {
  const d = new Drive().alert().on(act({ type: 'note', content: 'seen' }));
  d.on(act({ type: 'set_title', title: 'Better' }));
  expect(d.state.view).toMatchObject({ title: 'Better', notes: [{ content: 'seen' }] });
  expect(d.types().slice(-2)).toEqual(['annotate', 'field_value_change']);
});

test('the outbox goes out in batches, earlier incidents first', () => {
  const d = new Drive().alert().page();
  const batch = nextBatch(d.state);
  expect(batch?.entries).toHaveLength(2);
  if (!batch) throw new Error('no batch');
  d.on(act({ type: 'note', content: 'meanwhile' }));
  const rest = dropBatch(d.state, batch);
  expect(nextBatch(rest)?.entries).toHaveLength(1);
  const last = nextBatch(rest);
  expect(last && nextBatch(dropBatch(rest, last))).toBeNull();
});

test('an action or answer meant for an earlier incident of the key never hits the next one', () => {
  const d = new Drive().alert().page();
  const stale = action({ type: 'resolve', resolution: null, incidentId: 'POLD' });
  expect(validateAction(d.state, stale)?.type).toBe('AlreadyResolved');
  const before = d.state;
  d.on({ type: 'action', action: stale });
  d.on({ type: 'answer', answer: { ...answer('resolve'), incidentId: 'POLD' } });
  const report = { incidentId: 'POLD', userId: 'U1', pageId: 'p', at: T0, reason: 'no way' };
  d.on({ type: 'unreachable', report });
  expect(d.state).toEqual(before);
  d.on({ type: 'action', action: { ...stale, incidentId: 'PINC' } });
  expect(d.state.view.status).toBe('resolved');
});

test('an action that the earlier incident took is refused by the next one, not answered with its state', () => {
  const d = new Drive().alert().page();
  const resolve = action({ type: 'resolve', resolution: null, incidentId: 'PINC' });
  d.on({ type: 'action', action: resolve });
  expect(validateAction(d.state, resolve)).toBeNull();
  const next = succeed(d.state, { incidentId: 'PNEXT', settings: settings(), at: T0 });
  const opened = new Drive(next).alert({ eventId: 'E2' });
  expect(validateAction(opened.state, resolve)?.type).toBe('AlreadyResolved');
});

test('resolving alerts by hand: the last one ends the incident, repeats and strangers change nothing', () => {
  const d = new Drive().alert().page();
  const source = {
    ...d.state.view,
    id: 'PSRC',
    alerts: [{ ...d.state.view.alerts[0], id: 'PSRC-A1', dedupKey: 'b' }],
  };
  const sources = [{ incidentId: 'PSRC', workflowId: 'src' }];
  d.on(act({ type: 'merge', sources })).on({
    type: 'absorbed',
    source: source as typeof d.state.view,
  });
  const unknown = action({ type: 'resolve_alerts', alertIds: ['PSRC-A1', 'NONE'] });
  expect(validateAction(d.state, unknown)?.type).toBe('InvalidAction');
  d.on(act({ type: 'resolve_alerts', alertIds: ['PSRC-A1'] }));
  expect(d.state.view).toMatchObject({
    status: 'triggered',
    alertCounts: { resolved: 1, triggered: 1 },
  });
  expect(d.last()).toBe('User 1 resolved 1 alert; 1 of the incident is still open.');
  const entries = d.state.outbox.length;
  d.on(act({ type: 'resolve_alerts', alertIds: ['PSRC-A1'] }));
  expect(d.state.outbox).toHaveLength(entries);
  d.on(act({ type: 'resolve_alerts', alertIds: ['PINC-A1'] }));
  expect(d.state.view.status).toBe('resolved');
  expect(d.types().at(-1)).toBe('resolve');
});

test('an incident has the number that its opening trigger brought, and keeps it', () => {
  const d = new Drive().alert({ incidentNumber: 12_345 });
  expect(d.state.view.number).toBe(12_345);
  expect(d.alert({ eventId: 'E2', incidentNumber: 99 }).state.view.number).toBe(12_345);
  expect(new Drive().alert().state.view.number).toBeGreaterThan(0);
});
