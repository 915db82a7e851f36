// Properties of receipts, whatever vendors report, in whatever order, however often, for whatever message: a
// page of high urgency of which nothing is heard goes out by another way within the minute, never three times by one
// path, never after an answer; no step leaves later than without receipts; what is remembered is bounded.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ResponderWorld,
  START_MS,
  aPage,
  iso,
  step,
  type Vendors,
} from '../../test/support/responder-world.ts';
import type { ReceiptState } from '../receipt.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import type { Delivery, DeliveryOutcome } from './types.ts';

const STATES: readonly ReceiptState[] = ['queued', 'sent', 'delivered', 'unreached', 'failed'];
const SILENT: Vendors = { report: () => [], answer: () => null };
const STEPS = [step('SMS1'), step('V1', 300, 'voice'), step('E1', 600, 'email')];

/** The first provider that need not be avoided takes it; none left: failed, as the activity does. */
const by =
  (...providers: readonly string[]) =>
  (delivery: Delivery, atMs: number): { outcome: DeliveryOutcome; afterMs: number } => {
    const at = iso(atMs);
    const provider = providers.find((id) => !delivery.avoidProviders?.includes(id));
    const outcome: DeliveryOutcome =
      provider === undefined
        ? { result: 'failed', at, provider: null, reason: 'no other', failure: 'Timeout' }
        : { result: 'accepted', at, provider, providerId: delivery.deliveryId };
    return { outcome, afterMs: 300 };
  };

const reporting = (states: readonly ReceiptState[], afterMs = 1000): Vendors => ({
  report: () => states.map((state) => ({ state, afterMs })),
  answer: () => null,
});

/** Where one page goes in ten minutes: contact method and seconds since it was paged. */
function pagedBy(world: ResponderWorld, steps = STEPS): readonly string[] {
  world.happen({ type: 'page', page: aPage(1, START_MS, { steps }) });
  world.pass(10 * 60_000);
  return world.pages.map(({ method, atMs }) => `${method} ${Math.round(atMs / 1000)}`);
}

describe('a page of high urgency', () => {
  test('goes once by each step when the phone has it', () => {
    const world = new ResponderWorld(by('a', 'b'), reporting(['sent', 'delivered']));
    expect(pagedBy(world)).toEqual(['SMS1 0', 'V1 300', 'E1 600']);
  });

  test('goes by another provider after a minute of silence, then by the next contact method', () => {
    const world = new ResponderWorld(by('a', 'b'), SILENT);
    // The call is silent as well: its second copy, and then the mail.
    expect(pagedBy(world)).toEqual(['SMS1 0', 'SMS1 60', 'V1 121', 'V1 181', 'E1 241']);
    expect(world.sent[1]?.delivery.avoidProviders).toEqual(['a']);
    const told = world.state.outbox.map((entry) => entry.details['outcome']);
    expect(told.filter((one) => one === 'no_receipt')).toHaveLength(4);
  });

  test('goes by the next contact method where its channel has one provider only', () => {
    const paged = pagedBy(new ResponderWorld(by('a'), SILENT));
    const methods = paged.map((one) => one.split(' ')[0]);
    expect(methods).toEqual(['SMS1', 'SMS1', 'V1', 'V1', 'E1']);
    // The second of each pair was refused by the activity without asking anybody.
    expect(paged[2]).toBe('V1 61');
  });

  test('goes out again at once when the vendor gave up, and elsewhere when the phone was not reached', () => {
    const failed = new ResponderWorld(by('a', 'b'), reporting(['failed']));
    expect(pagedBy(failed).slice(0, 3)).toEqual(['SMS1 0', 'SMS1 1', 'V1 3']);
    const unreached = new ResponderWorld(by('a', 'b'), reporting(['unreached']));
    expect(pagedBy(unreached).slice(0, 2)).toEqual(['SMS1 0', 'V1 1']);
  });

  test('is asked for before it goes again, and that answer counts', () => {
    const world = new ResponderWorld(by('a', 'b'), { report: () => [], answer: () => 'delivered' });
    expect(pagedBy(world)).toEqual(['SMS1 0', 'V1 300', 'E1 600']);
    expect(world.commands.filter(({ type }) => type === 'askReceipt')).toHaveLength(2);
  });
});

test('a page of low urgency waits for no receipt', () => {
  const world = new ResponderWorld(by('a', 'b'), SILENT);
  world.happen({ type: 'page', page: aPage(1, START_MS, { urgency: 'low' }) });
  world.pass(10 * 60_000);
  expect(world.pages).toHaveLength(1);
  expect(world.state.awaited ?? []).toEqual([]);
});

const reports = fc.array(
  fc.record({
    state: fc.constantFrom(...STATES),
    afterMs: fc.integer({ min: -300, max: 150_000 }),
  }),
  { maxLength: 5 },
);
const vendors = fc
  .record({
    said: fc.infiniteStream(reports),
    answered: fc.infiniteStream(fc.option(fc.constantFrom(...STATES))),
  })
  .map(({ said, answered }) => ({
    report: () => said.next().value as { state: ReceiptState; afterMs: number }[],
    answer: () => answered.next().value as ReceiptState | null,
  }));
const providers = fc.constantFrom(['a'], ['a', 'b'], ['a', 'b', 'c']);

/** By page and contact method: the providers that took a copy. */
function copies(taken: readonly Taken[]): readonly (readonly string[])[] {
  const paths = new Map<string, string[]>();
  for (const { delivery, provider } of taken) {
    const pages = delivery.message.kind === 'page' ? delivery.message.pages : [];
    for (const { pageId } of pages) {
      const path = `${pageId} ${delivery.contactMethodId}`;
      paths.set(path, [...(paths.get(path) ?? []), provider]);
    }
  }
  return [...paths.values()];
}
interface Taken {
  readonly delivery: Delivery;
  readonly provider: string;
}

test('whatever is reported: two copies by one path at most, by two providers, none after the answer', () => {
  fc.assert(
    fc.property(
      vendors,
      providers,
      fc.array(fc.record({ gapMs: fc.nat(90_000), stop: fc.boolean() }), { maxLength: 12 }),
      (reporter, list, pages) => {
        const taken: Taken[] = [];
        const take = by(...list);
        const deliver = (delivery: Delivery, atMs: number) => {
          const result = take(delivery, atMs);
          if (result.outcome.result === 'accepted') {
            taken.push({ delivery, provider: result.outcome.provider });
          }
          return result;
        };
        const world = new ResponderWorld(deliver, reporter);
        const answered = new Set<string>();
        world.watch = ({ state, sent }) => {
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
          expect((state.awaited ?? []).length).toBeLessThanOrEqual(RESPONDER_LIMITS.awaited);
          const last = sent.at(-1);
          if (last?.atMs !== world.nowMs || last.delivery.message.kind !== 'page') return;
          for (const { incidentId } of last.delivery.message.pages) {
            if (last.atMs > START_MS) expect(answered).not.toContain(incidentId);
          }
        };
        pages.forEach(({ gapMs, stop }, number) => {
          world.happen({ type: 'page', page: aPage(number, world.nowMs, { steps: STEPS }) });
          world.pass(gapMs + 1);
          if (!stop) return;
          const by = { type: 'user', id: 'U2', summary: 'Ana' } as const;
          const outcome = { status: 'acknowledged', by, at: iso(world.nowMs) } as const;
          world.happen({ type: 'stop', stop: { incidentId: `I${number}`, outcome } });
          answered.add(`I${number}`);
          world.pass(1);
        });
        world.pass(3_600_000);
        for (const path of copies(taken)) {
          expect(path.length).toBeLessThanOrEqual(2);
          expect(new Set(path).size).toBe(path.length);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('no step of a page leaves later than without receipts', () => {
  const firsts = (world: ResponderWorld) => {
    pagedBy(world);
    world.pass(20 * 60_000);
    return new Map(world.pages.toReversed().map(({ method, atMs }) => [method, atMs]));
  };
  const without = firsts(new ResponderWorld(by('a', 'b')));
  fc.assert(
    fc.property(vendors, providers, (reporter, list) => {
      const found = firsts(new ResponderWorld(by(...list), reporter));
      for (const [method, atMs] of without) expect(found.get(method)).toBeLessThanOrEqual(atMs);
    }),
    { numRuns: 100 },
  );
});

test('silence never lasts: within 65 s of an acceptance nobody vouches for, the page is with somebody else', () => {
  fc.assert(
    fc.property(providers, fc.constantFrom<ReceiptState>('queued', 'sent'), (list, state) => {
      const world = new ResponderWorld(by(...list), reporting([state]));
      pagedBy(world);
      const [first, ...later] = world.pages.filter((_, index) =>
        list.length > 1 ? true : index !== 1,
      );
      expect((later[0]?.atMs ?? Infinity) - (first?.atMs ?? 0)).toBeLessThanOrEqual(65_000);
    }),
    { numRuns: 20 },
  );
});

test('a report of a message that nobody remembers changes nothing', () => {
  const world = new ResponderWorld(by('a', 'b'), reporting(['delivered']));
  pagedBy(world);
  const { state } = world;
  for (const reported of STATES) {
    world.happen({ type: 'receipt', deliveryId: 'responder/A/U/OLD-1', state: reported });
  }
  expect(world.state).toEqual(state);
});
