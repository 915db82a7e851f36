// Property: a person is paged by the notification rules, in as few messages as the limits allow,
// until somebody answers; a code acts on exactly its message's incidents.
import { expect, test } from 'vitest';
import {
  ResponderWorld,
  START_MS,
  aPage,
  aReply,
  iso,
  step,
} from '../../test/support/responder-world.ts';
import { isFinished, openPages, replyOutcome } from './reduce.ts';
import { answeredText, isAboutEarlier, isTooSoon, type AnswerLink } from './replies.ts';
import type { Delivery, DeliveryOutcome, Page, ResponderEvent } from './types.ts';

const MINUTE = 60_000;
const page = (world: ResponderWorld, number: number, change: Partial<Page> = {}) =>
  world.happen({ type: 'page', page: aPage(number, world.nowMs, change) });
const stop = (world: ResponderWorld, number: number) =>
  world.happen({
    type: 'stop',
    stop: {
      incidentId: `I${number}`,
      outcome: {
        status: 'acknowledged',
        by: { type: 'user', id: 'U2', summary: 'Ana' },
        at: '2026-11-23T10:03:00.000Z',
      },
    },
  });
const answers = (world: ResponderWorld) =>
  world.commands.flatMap((item) => (item.type === 'answer' ? [item.answer] : []));
const failing =
  (result: 'rejected' | 'failed', methods: readonly string[]) => (d: Delivery, ms: number) => ({
    outcome: (methods.includes(d.contactMethodId)
      ? { result, at: iso(ms), provider: 'fake', reason: 'no', failure: 'InvalidDestination' }
      : { result: 'accepted', at: iso(ms), provider: 'fake', providerId: 'X' }) as DeliveryOutcome,
    afterMs: 100,
  });

test('the first page of high urgency leaves at once, the repeats at their delays', () => {
  const world = new ResponderWorld();
  page(world, 1, { steps: [step('SMS1'), step('SMS1', 300), step('V1', 600, 'voice')] });
  world.pass(20 * MINUTE);
  expect(world.pages.map(({ atMs, method }) => [atMs, method])).toEqual([
    [0, 'SMS1'],
    [300_000, 'SMS1'],
    [600_000, 'V1'],
  ]);
});

test('two numbers of one person are tried by two providers at the same time', () => {
  const world = new ResponderWorld();
  page(world, 1, { steps: [step('SMS1'), step('V1', 0, 'voice'), step('SMS2'), step('SMS3')] });
  const turns = world.sent.map(({ delivery }) => [delivery.contactMethodId, delivery.turn ?? 0]);
  expect(turns).toEqual([
    ['SMS1', 0],
    ['V1', 0],
    ['SMS2', 1],
    ['SMS3', 2],
  ]);
});

test('what becomes due while a message is under way is one message, with the right count', () => {
  const world = new ResponderWorld();
  for (let number = 1; number <= 100; number++) page(world, number);
  world.pass(MINUTE);
  expect(world.pages.map((item) => item.ids.length)).toEqual([1, 99]);
  expect(world.sent[1]?.delivery.message).toMatchObject({ openCount: 100, codeDemanded: true });
});

test('the fourth urgent message in a row waits for its token, at most five seconds', () => {
  const world = new ResponderWorld();
  for (let number = 1; number <= 6; number++) {
    page(world, number);
    world.pass(400);
  }
  world.pass(MINUTE);
  expect(world.pages.map((item) => item.ids)).toEqual([['I1'], ['I2'], ['I3'], ['I4', 'I5', 'I6']]);
  expect(world.pages[3]?.atMs).toBeLessThanOrEqual(1200 + 5000);
});

test('low urgency: at once when nothing was sent lately, then one message a minute', () => {
  const world = new ResponderWorld();
  for (let number = 1; number <= 5; number++) {
    page(world, number, { urgency: 'low' });
    world.pass(10_000);
  }
  world.pass(2 * MINUTE);
  expect(world.pages.map(({ atMs, ids }) => [atMs, ids.length])).toEqual([
    [0, 1],
    [60_000, 4],
  ]);
});

test('an answer stops the later steps, signals the incident and is confirmed', () => {
  const world = new ResponderWorld();
  page(world, 1, { steps: [step('SMS1'), step('V1', 60, 'voice')], userName: 'Bo' });
  world.pass(1000);
  world.happen({ type: 'reply', reply: aReply('SM1') });
  world.pass(10 * MINUTE);
  expect(world.pages).toHaveLength(1);
  expect(answers(world)).toMatchObject([
    { incidentId: 'I1', action: 'acknowledge', channel: 'sms', agent: { summary: 'Bo' } },
  ]);
  expect(world.notices).toEqual(['Acknowledged: #1 Disk 1 is full.']);
  expect(replyOutcome(world.state, 'SM1')?.result).toBe('accepted');
});

test.each([
  ['was given while no worker ran counts from then', 400_000, 400_000],
  [
    'is from before its page counts from now: the clock of who tells is wrong',
    -21_600_000,
    900_000,
  ],
  ['is from the future counts from now', 21_600_000, 900_000],
])('an answer that %s', (_name, givenMs, countsMs) => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(15 * MINUTE);
  world.happen({ type: 'reply', reply: aReply('SM1', { at: iso(START_MS + givenMs) }) });
  expect(answers(world)).toMatchObject([{ at: iso(START_MS + countsMs), waitedMs: 0 }]);
});

test('the same reply twice is one answer', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.happen({ type: 'reply', reply: aReply('SM1') });
  world.happen({ type: 'reply', reply: aReply('SM1') });
  expect(answers(world)).toHaveLength(1);
});

test('a reply to something already answered says by whom and when', () => {
  const world = new ResponderWorld();
  page(world, 1);
  stop(world, 1);
  world.happen({ type: 'reply', reply: aReply('SM1') });
  expect(replyOutcome(world.state, 'SM1')).toEqual({
    result: 'already_answered',
    text: '#1 Disk 1 is full was already acknowledged by Ana at 10:03 UTC.',
  });
  expect(answers(world)).toEqual([]);
});

test('a link says that it was used, or that somebody else answered, and nothing while it can act', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  const { code } = world.pages[0] ?? { code: '' };
  const link = { replyId: 'T1', action: 'acknowledge', code } as const;
  const says = (change: Partial<AnswerLink> = {}) =>
    answeredText(world.state, { ...link, ...change }, world.nowMs);
  expect(says()).toBeNull();
  stop(world, 1);
  expect(says()).toBe('#1 Disk 1 is full was already acknowledged by Ana at 10:03 UTC.');
  expect([says({ action: 'resolve' }), says({ code: 'ZZZZZ9' })]).toEqual([null, null]);
  world.happen({ type: 'reply', reply: aReply('T2', { action: 'resolve', code }) });
  expect(says({ action: 'resolve', replyId: 'T2' })).toBe(
    'You have used this link already. Resolved: #1 Disk 1 is full.',
  );
});

test('a code acts on exactly its message, and resolves what it acknowledged before', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  page(world, 2);
  world.pass(1000);
  const [first, second] = world.pages;
  world.happen({ type: 'reply', reply: aReply('SM1', { code: second?.code.toLowerCase() ?? '' }) });
  expect(openPages(world.state, ['I1/1', 'I2/1'])).toEqual(['I1/1']);
  world.happen({
    type: 'reply',
    reply: aReply('SM2', { code: second?.code ?? '', action: 'resolve' }),
  });
  world.happen({ type: 'reply', reply: aReply('SM3', { code: first?.code ?? '' }) });
  expect(answers(world).map((item) => [item.incidentId, item.action])).toEqual([
    ['I2', 'acknowledge'],
    ['I2', 'resolve'],
    ['I1', 'acknowledge'],
  ]);
});

test.each([
  ['two incidents are open', { second: true }, {}],
  ['the account demands codes', { requireReplyCodes: true }, {}],
  ['the number belongs to people of several accounts', {}, { ambiguous: true }],
])('a bare reply does not count when %s', (_, setting, reply) => {
  const world = new ResponderWorld();
  page(world, 1, 'requireReplyCodes' in setting ? { requireReplyCodes: true } : {});
  if ('second' in setting) page(world, 2);
  world.happen({ type: 'reply', reply: aReply('SM1', reply) });
  expect(replyOutcome(world.state, 'SM1')?.result).toBe('code_needed');
  expect(answers(world)).toEqual([]);
});

test('a bare reply does not answer a page that nobody has seen, while it may be meant for the one before', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  stop(world, 1);
  page(world, 2);
  const late = (): ResponderEvent => {
    const reply = aReply(`SM${world.nowMs}`, { at: iso(world.nowMs) });
    return {
      type: 'reply',
      reply,
      isAboutEarlier: isAboutEarlier(world.state, reply, world.nowMs),
    };
  };
  const asked = late();
  expect(asked).toMatchObject({ isAboutEarlier: true });
  world.happen(asked);
  expect(answers(world)).toEqual([]);
  expect(world.state.replies.at(-1)?.outcome).toMatchObject({
    result: 'already_answered',
    text: expect.stringContaining('#1 Disk 1 is full') as string,
  });
  // As soon as a provider has it, it counts.
  world.pass(1000);
  expect(late()).toMatchObject({ isAboutEarlier: false });
  world.happen(late());
  expect(answers(world)).toMatchObject([{ incidentId: 'I2' }]);
});

test('a bare reply that came before the page can have been read is asked for a code, while it may be meant for the one before', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(20_000);
  stop(world, 1);
  page(world, 2);
  world.pass(4900);
  const tooSoon = (cameMs: number) =>
    isTooSoon(world.state, aReply('SM1', { at: iso(cameMs) }), world.nowMs);
  expect(tooSoon(world.nowMs)).toBe(true);
  world.happen({ type: 'reply', reply: aReply('SM1'), isTooSoon: true });
  const code = world.pages[1]?.code ?? '-';
  expect(replyOutcome(world.state, 'SM1')).toEqual({
    result: 'code_needed',
    text: `This may be meant for an earlier incident: reply 4 ${code} for #2 Disk 2 is full.`,
  });
  expect(answers(world)).toEqual([]);
  // What was handed over late goes by when it came, unless a clock says what cannot be.
  world.pass(10_000);
  expect(tooSoon(world.nowMs - 10_001)).toBe(true);
  expect([0, 60_000, -1].map((agoMs) => tooSoon(world.nowMs - agoMs))).toEqual([
    false,
    false,
    false,
  ]);
  expect(isTooSoon(world.state, aReply('SM2', { code }), world.nowMs)).toBe(false);
});

test('a bare reply counts at once when nothing else was open lately, or another contact method told before', () => {
  const alone = new ResponderWorld();
  page(alone, 1);
  const soon = ({ state, nowMs }: ResponderWorld) =>
    isTooSoon(state, aReply('SM1', { at: iso(nowMs) }), nowMs);
  expect(soon(alone)).toBe(false);
  const world = new ResponderWorld();
  page(world, 1);
  stop(world, 1);
  page(world, 2, { steps: [step('V1', 0, 'voice'), step('SMS1', 60)] });
  world.pass(60_100);
  expect(world.pages.at(-1)?.method).toBe('SMS1');
  expect(soon(world)).toBe(false);
});

test('a bare reply counts for a page that may be on its way when the one before was over long ago', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  stop(world, 1);
  world.pass(10 * 60_000);
  page(world, 2);
  expect(isAboutEarlier(world.state, aReply('SM1'), world.nowMs)).toBe(false);
});

test('a bare reply that could mean several pages is told the code of each', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  page(world, 2);
  world.pass(1000);
  const [first, second] = world.pages.map(({ code }) => code);
  world.happen({ type: 'reply', reply: aReply('SM1', { action: 'resolve' }) });
  expect(replyOutcome(world.state, 'SM1')?.text).toBe(
    `2 incidents are open: reply 6 ${first ?? ''} for #1 Disk 1 is full, 6 ${second ?? ''} for #2 Disk 2 is full.`,
  );
  expect(answers(world)).toEqual([]);
  world.happen({ type: 'reply', reply: aReply('SM2', { code: first ?? '' }) });
  world.happen({ type: 'reply', reply: aReply('SM3', { contactMethodId: 'SMS1' }) });
  expect(answers(world).map(({ incidentId }) => incidentId)).toEqual(['I1', 'I2']);
});

test('a bare reply for many pages names the latest codes, and how many there are', () => {
  const world = new ResponderWorld();
  for (let number = 1; number <= 6; number += 1) {
    page(world, number);
    world.pass(6000);
  }
  world.happen({ type: 'reply', reply: aReply('SM1') });
  const text = replyOutcome(world.state, 'SM1')?.text ?? '';
  for (const { code } of world.pages.slice(-3)) expect(text).toContain(`4 ${code} for #`);
  expect(text).toMatch(/^6 incidents are open: .*, or a code of the 3 messages before\.$/);
  expect(text.length).toBeLessThan(260);
});

test('ten wrong codes lock guessing out for an hour with one notice; the right code still counts', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  for (let attempt = 0; attempt < 50; attempt++) {
    world.happen({ type: 'reply', reply: aReply(`W${attempt}`, { code: 'AAAAA2' }) });
    world.pass(1000);
  }
  world.happen({ type: 'reply', reply: aReply('BARE') });
  world.pass(1000);
  expect(world.notices.filter((text) => text.startsWith('Too many'))).toHaveLength(1);
  expect(replyOutcome(world.state, 'BARE')?.result).toBe('locked_out');
  expect(answers(world)).toEqual([]);
  world.happen({ type: 'reply', reply: aReply('OK', { code: world.pages[0]?.code ?? '' }) });
  expect(answers(world)).toHaveLength(1);
  page(world, 2);
  world.pass(61 * MINUTE);
  world.happen({ type: 'reply', reply: aReply('LATER') });
  expect(answers(world)).toHaveLength(2);
});

test('a rejection goes to the next contact method at once and is logged', () => {
  const world = new ResponderWorld(failing('rejected', ['SMS1']));
  page(world, 1, { steps: [step('SMS1'), step('SMS1', 60), step('V1', 300, 'voice')] });
  world.pass(20 * MINUTE);
  expect(world.pages.map(({ atMs, method }) => [atMs, method])).toEqual([
    [0, 'SMS1'],
    [100, 'V1'],
  ]);
  expect(world.state.outbox.map((entry) => [entry.type, entry.details['outcome']])).toEqual([
    ['notify_log_entry', 'rejected'],
    ['notify_log_entry', 'accepted'],
  ]);
});

test('a failure goes on at once and is tried once more a minute later; all failed: unreachable', () => {
  const world = new ResponderWorld(failing('failed', ['SMS1', 'V1']));
  page(world, 1, { steps: [step('SMS1'), step('V1', 300, 'voice')] });
  world.pass(20 * MINUTE);
  expect(world.pages.map(({ method }) => method)).toEqual(['SMS1', 'V1', 'SMS1', 'V1']);
  expect(world.commands.filter((item) => item.type === 'unreachable')).toHaveLength(1);
});

test('nobody to send to is reported at once', () => {
  const world = new ResponderWorld();
  expect(page(world, 1, { steps: [] })).toMatchObject([{ type: 'unreachable' }]);
});

test('STOP silences a contact method until START, and its steps go to the next one', () => {
  const world = new ResponderWorld();
  const optOut = (optedOut: boolean) =>
    world.happen({
      type: 'optOut',
      optOut: { contactMethodId: 'SMS1', optedOut, at: iso(world.nowMs) },
    });
  optOut(true);
  page(world, 1, { steps: [step('SMS1'), step('V1', 300, 'voice')] });
  world.pass(MINUTE);
  optOut(false);
  page(world, 2);
  expect(world.pages.map(({ method }) => method)).toEqual(['V1', 'SMS1']);
});

test('after a recovery nothing is sent for a page whose time is over', () => {
  const world = new ResponderWorld();
  world.nowMs += 31 * MINUTE;
  world.happen({ type: 'page', page: aPage(1, START_MS) });
  world.pass(MINUTE);
  expect(world.pages).toEqual([]);
  expect(world.state.outbox).toMatchObject([{ details: { outcome: 'expired' } }]);
});

test('limits per contact method hold what is not a first page, and drop nothing', () => {
  const world = new ResponderWorld();
  for (let number = 1; number <= 10; number++) {
    page(world, number, { urgency: 'low', notAfter: iso(world.nowMs + 3 * 60 * MINUTE) });
    world.pass(80_000);
  }
  expect(world.pages).toHaveLength(5);
  world.pass(60 * MINUTE);
  expect(new Set(world.pages.flatMap(({ ids }) => ids)).size).toBe(10);
});

test('a page too many is reported, so that its incident goes on', () => {
  const world = new ResponderWorld();
  for (let number = 1; number <= 500; number++) page(world, number, { urgency: 'low' });
  expect(page(world, 501)).toMatchObject([{ type: 'unreachable', report: { incidentId: 'I501' } }]);
});

test('it is finished when nothing is open, all is written and the last code is seven days old', () => {
  const world = new ResponderWorld();
  page(world, 1);
  world.pass(1000);
  stop(world, 1);
  const entryIds = world.state.outbox.map((entry) => entry.id);
  world.happen({ type: 'projected', entryIds });
  expect(isFinished(world.state, world.nowMs)).toBe(false);
  world.pass(7 * 24 * 60 * MINUTE);
  expect(isFinished(world.state, world.nowMs)).toBe(true);
});

test('a stop that arrives late leaves the newer page of its incident open', () => {
  const world = new ResponderWorld();
  page(world, 1, { pageId: 'I1/4' });
  page(world, 1, { pageId: 'I1/7' });
  const stopUpTo = (upTo: string) => {
    const by = { type: 'user', id: 'U2', summary: 'Ana' } as const;
    const outcome = { status: 'escalated', by, at: iso(START_MS) } as const;
    world.happen({ type: 'stop', stop: { incidentId: 'I1', outcome, upTo } });
    return openPages(world.state, ['I1/4', 'I1/7']);
  };
  expect(stopUpTo('5')).toEqual(['I1/7']);
  expect(stopUpTo('8')).toEqual([]);
});
