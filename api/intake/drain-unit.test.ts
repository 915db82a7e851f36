// What is drained together: events of one key, in order; what may have been sent together stays together; what
// nobody is there for is dropped; and what Temporal refuses for good is told from what it refuses to everybody.
import { describe, expect, it } from 'vitest';

import type { SpilledRow } from '../../db/spill.ts';
import type { AlertEvent } from '../../domain/event.ts';
import { alertEvent } from '../../test/support/incident-samples.ts';
import { memoryDirectory, sampleAccount } from '../../test/support/memory-directory.ts';
import { nextUnits } from './drain-unit.ts';
import { RestingKeys } from './resting-keys.ts';
import { rankOf } from './spill-row.ts';

const directory = memoryDirectory([sampleAccount()]);
const index = directory.account('PACCOUNT');
const service = index?.services.get('PSERVICE');
if (!index || !service) throw new Error('the sample has a service');

const row = (id: number, key: string, more: Partial<SpilledRow & AlertEvent> = {}): SpilledRow => ({
  ...{ id, key, accountId: 'PACCOUNT', serviceId: 'PSERVICE', bytes: 10, claimedAgoMs: 0 },
  waitedMs: 700 + id,
  event: JSON.stringify(alertEvent({ eventId: `E${id}`, action: more.action ?? 'trigger' })),
  claim: more.claim ?? null,
  ...(more.serviceId === undefined ? {} : { serviceId: more.serviceId }),
});
const unitsOf = (...rows: SpilledRow[]) =>
  nextUnits(rows, directory).map(({ key, ids, batch, tried }) => ({
    ...{ key, ids: [...ids], tried: tried?.claim ?? null },
    events: batch?.map(({ event }) => event.eventId) ?? null,
  }));

describe('nextUnits', () => {
  it('takes all of a key that one signal can carry', () => {
    const action = 'acknowledge';
    expect(
      unitsOf(row(1, 'a'), row(2, 'a', { action }), row(3, 'b', { action }), row(4, 'b')),
    ).toEqual([
      { key: 'a', ids: [1, 2], tried: null, events: ['E1', 'E2'] },
      { key: 'b', ids: [3], tried: null, events: ['E3'] },
    ]);
  });

  it('tells how long each has waited, by the clock of the database', () => {
    const [unit] = nextUnits([row(1, 'a'), row(2, 'a')], directory);
    expect(unit?.batch?.map(({ event }) => event.waitedMs)).toEqual([701, 702]);
  });

  it('keeps together what was tried together', () => {
    const rows = [row(1, 'a', { claim: 'x' }), row(2, 'a', { claim: 'x' }), row(3, 'a')];
    expect(unitsOf(...rows)).toEqual([{ key: 'a', ids: [1, 2], tried: 'x', events: ['E1', 'E2'] }]);
    expect(unitsOf(row(1, 'a'), row(2, 'a', { claim: 'x' }))).toEqual([
      { key: 'a', ids: [1], tried: null, events: ['E1'] },
    ]);
  });

  it('has nobody to tell when the service is gone or disabled', () => {
    const units = ['PNONE', 'PDISABLED'].map((serviceId) => unitsOf(row(1, 'a', { serviceId })));
    const dropped = { key: 'a', ids: [1], tried: null, events: null };
    expect(units).toEqual([[dropped], [dropped]]);
  });
});

describe('rankOf', () => {
  it('drains answers first, then by severity, and what is of low urgency last', () => {
    const account = sampleAccount();
    const services = account.services.map((one) => ({ ...one, urgencyRule: 'low' as const }));
    const low = memoryDirectory([{ ...account, services }]).account('PACCOUNT') ?? index;
    const rank = (change: Partial<AlertEvent>, of = index) =>
      rankOf({ index: of, service, event: alertEvent(change) });
    const severity = (name: 'critical' | 'error' | 'warning' | 'info') => {
      const { payload } = alertEvent();
      return { payload: payload && { ...payload, severity: name } };
    };
    const ranks = [
      rank({ action: 'resolve', payload: null }),
      rank(severity('critical')),
      rank(severity('error')),
      rank(severity('warning')),
      rank(severity('info')),
      rank({ action: 'resolve', payload: null }, low),
      rank(severity('critical'), low),
    ];
    expect(ranks).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('RestingKeys', () => {
  it('gives up on events only while Temporal takes others', () => {
    let now = 0;
    const resting = new RestingKeys(() => now);
    const results = Array.from({ length: 12 }, () => {
      now += 60_000;
      return resting.refused('bad', Number.NEGATIVE_INFINITY);
    });
    expect(new Set(results)).toEqual(new Set(['again']));
    expect(resting.refused('bad', now)).toBe('for_good');
  });

  it('leaves a key alone for longer and longer, half a minute at most', () => {
    let now = 0;
    const resting = new RestingKeys(() => now);
    const restOf = (): number => {
      resting.refused('k', 0);
      const from = now;
      while (resting.keys().includes('k')) now += 100;
      return now - from;
    };
    expect([restOf(), restOf(), restOf()]).toEqual([1000, 2000, 4000]);
    for (let n = 0; n < 10; n += 1) restOf();
    expect(restOf()).toBe(30_000);
    resting.waitForEngine('other');
    expect(resting.keys()).toEqual(['other']);
  });
});
