// Properties over whatever may happen in whatever order: no message after an answer, right counts,
// one message in flight per contact method, codes never reused, limits kept, every page delivered
// or reported, state that is plain JSON and bounded.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ResponderWorld,
  START_MS,
  aPage,
  aReply,
  iso,
  step,
} from '../../test/support/responder-world.ts';
import { RATE_RULES, RESPONDER_LIMITS } from './limits.ts';
import type { Channel } from '../model.ts';
import type { DeliveryOutcome } from './types.ts';

const METHODS: readonly { id: string; channel: Channel }[] = [
  { id: 'SMS1', channel: 'sms' },
  { id: 'SMS2', channel: 'sms' },
  { id: 'V1', channel: 'voice' },
  { id: 'E1', channel: 'email' },
];

const steps = fc.array(fc.record({ method: fc.nat(METHODS.length - 1), delay: fc.nat(600) }), {
  maxLength: 4,
});
const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('page' as const),
      number: fc.nat(30),
      low: fc.boolean(),
      minutes: fc.integer({ min: 1, max: 60 }),
      steps,
    }),
  },
  fc.record({ type: fc.constant('stop' as const), number: fc.nat(30) }),
  fc.record({
    type: fc.constant('reply' as const),
    action: fc.constantFrom('acknowledge' as const, 'resolve' as const, 'escalate' as const),
    /** Index from the end of the codes sent; null bare, -1 a wrong one. */
    code: fc.option(fc.integer({ min: -1, max: 5 })),
    id: fc.nat(50),
  }),
  fc.record({
    type: fc.constant('optOut' as const),
    method: fc.nat(METHODS.length - 1),
    optedOut: fc.boolean(),
  }),
  { weight: 4, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(180_000) }) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
const outcomes = fc.infiniteStream(
  fc.record({
    result: fc.constantFrom('accepted', 'accepted', 'accepted', 'rejected', 'failed', 'stale'),
    afterMs: fc.nat(9000),
  }),
);

let serial = 0;

function outcomeOf(result: string, atMs: number): DeliveryOutcome {
  const at = iso(atMs);
  if (result === 'accepted') return { result, at, provider: 'fake', providerId: 'X' };
  if (result === 'stale') return { result, at };
  const rejected = result === 'rejected' ? 'rejected' : 'failed';
  return { result: rejected, at, provider: null, reason: 'no', failure: 'Timeout' };
}

function newWorld(stream: Iterator<{ result: string; afterMs: number }>): ResponderWorld {
  return new ResponderWorld((_, atMs) => {
    const { result, afterMs } = stream.next().value as { result: string; afterMs: number };
    return { outcome: outcomeOf(result, atMs), afterMs };
  });
}

function play(world: ResponderWorld, item: Happening): void {
  switch (item.type) {
    case 'wait':
      world.pass(item.ms);
      return;
    case 'page': {
      serial += 1;
      const page = aPage(item.number, world.nowMs, {
        pageId: `I${item.number}/${serial}`,
        urgency: item.low ? 'low' : 'high',
        notAfter: iso(world.nowMs + item.minutes * 60_000),
        steps: item.steps
          .map(({ method, delay }) => {
            const to = METHODS[method] ?? { id: 'SMS1', channel: 'sms' as const };
            return step(to.id, delay, to.channel);
          })
          .sort((a, b) => a.delaySec - b.delaySec),
      });
      return void world.happen({ type: 'page', page });
    }
    case 'stop': {
      const by = { type: 'user', id: 'U2', summary: 'Ana' } as const;
      const outcome = { status: 'acknowledged', by, at: iso(world.nowMs) } as const;
      return void world.happen({ type: 'stop', stop: { incidentId: `I${item.number}`, outcome } });
    }
    case 'reply': {
      const sent = item.code === null ? null : (world.pages.at(-1 - item.code)?.code ?? 'ZZZZZ2');
      const reply = aReply(`SM${item.id}`, { action: item.action, code: sent });
      return void world.happen({ type: 'reply', reply });
    }
    case 'optOut': {
      const contactMethodId = METHODS[item.method]?.id ?? '';
      const optOut = { contactMethodId, optedOut: item.optedOut, at: iso(world.nowMs) };
      return void world.happen({ type: 'optOut', optOut });
    }
  }
}

function check(world: ResponderWorld): void {
  const { state } = world;
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  expect(state.pages.length).toBeLessThanOrEqual(RESPONDER_LIMITS.pages);
  expect(state.outbox.length).toBeLessThanOrEqual(RESPONDER_LIMITS.outbox);
  expect(state.codes.length).toBeLessThanOrEqual(RESPONDER_LIMITS.codes);
  expect(state.replies.length).toBeLessThanOrEqual(RESPONDER_LIMITS.replies);
  expect(new Set(state.pages.map((page) => page.incidentId)).size).toBe(state.pages.length);
}

/** Wraps `happen`, so that what a decision sends is judged against the state it was made in. */
function judgeSends(world: ResponderWorld, flying: Map<string, string>): void {
  const happen = world.happen.bind(world);
  world.happen = (event) => {
    if (event.type === 'delivered') flying.delete(event.deliveryId);
    const commands = happen(event);
    for (const command of commands) {
      if (command.type !== 'deliver') continue;
      const { delivery } = command;
      expect([...flying.values()]).not.toContain(delivery.contactMethodId);
      expect(
        world.state.methods.some(
          (m) => m.optedOut && m.contactMethodId === delivery.contactMethodId,
        ),
      ).toBe(false);
      flying.set(delivery.deliveryId, delivery.contactMethodId);
      if (delivery.message.kind !== 'page') continue;
      const open = new Set(world.state.pages.map((page) => page.pageId));
      expect(delivery.message.openCount).toBe(open.size);
      expect(delivery.message.pages.length).toBeGreaterThan(0);
      for (const page of delivery.message.pages) expect(open).toContain(page.pageId);
      expect(Date.parse(delivery.notAfter)).toBeGreaterThan(world.nowMs);
    }
    return commands;
  };
}

/** A message of low urgency only never exceeds the channel's limits, whatever else was sent. */
function checkLimits(world: ResponderWorld, isLow: (pageId: string) => boolean): void {
  for (const { id, channel } of METHODS) {
    const all = world.sent.filter((item) => item.delivery.contactMethodId === id);
    all.forEach(({ atMs, delivery }, index) => {
      const { message } = delivery;
      if (message.kind !== 'page' || !message.pages.every((page) => isLow(page.pageId))) return;
      for (const rule of RATE_RULES[channel]) {
        const before = all.slice(0, index).filter((item) => item.atMs > atMs - rule.windowMs);
        expect(before.length).toBeLessThan(rule.count);
      }
    });
  }
}

test('whatever happens', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), outcomes, (items, stream) => {
      const world = newWorld(stream);
      world.watch = check;
      judgeSends(world, new Map());
      for (const item of items) play(world, item);
      world.pass(3_600_000);
      const codes = world.pages.map((item) => item.code);
      expect(new Set(codes).size).toBe(codes.length);
      const low = world.sent.flatMap(({ delivery }) =>
        delivery.message.kind === 'page'
          ? delivery.message.pages.filter((page) => page.urgency === 'low')
          : [],
      );
      const lowIds = new Set(low.map((page) => page.pageId));
      checkLimits(world, (pageId) => lowIds.has(pageId));
    }),
    { numRuns: 150 },
  );
});

test('each page that nobody answers is delivered, or its incident or log says that it was not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(happening.filter(({ type }) => type === 'page' || type === 'wait')), {
        maxLength: 25,
      }),
      outcomes,
      (items, stream) => {
        const world = newWorld(stream);
        for (const item of items) play(world, item);
        world.pass(2 * 3_600_000);
        const told = new Set([
          ...world.commands.flatMap((c) => (c.type === 'unreachable' ? [c.report.pageId] : [])),
          ...world.state.outbox.map((entry) => entry.details['pageId']),
        ]);
        for (const page of world.state.pages) expect(told).toContain(page.pageId);
      },
    ),
    { numRuns: 150 },
  );
});

test('a first page of high urgency leaves within five seconds of a free contact method', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 40 }), (gaps) => {
      const world = new ResponderWorld();
      const paged = new Map<string, number>();
      gaps.forEach((gap, number) => {
        world.happen({ type: 'page', page: aPage(number, world.nowMs) });
        paged.set(`I${number}`, world.nowMs - START_MS);
        world.pass(gap);
      });
      world.pass(60_000);
      for (const { atMs, ids } of world.pages)
        for (const id of ids) expect(atMs - (paged.get(id) ?? 0)).toBeLessThanOrEqual(5000);
      expect(world.pages.flatMap(({ ids }) => ids).sort()).toEqual([...paged.keys()].sort());
    }),
  );
});
