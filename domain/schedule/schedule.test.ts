// At each instant one person or nobody is on call, handoffs keep their time of the wall clock across clock
// changes, and a rendered schedule says the same as asking for each instant.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Override, Restriction, Schedule, ScheduleLayer } from '../model.ts';
import { onCallAt, renderLayer, renderOverrides, renderSchedule } from './schedule.ts';
import { instantOf, wallClock } from './zone.ts';

const DAY = 86_400;
const HOUR = 3600;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'];

function layer(part: Partial<ScheduleLayer> = {}): ScheduleLayer {
  return {
    id: 'L1',
    name: 'Layer',
    start: '2026-01-01T00:00:00Z',
    end: null,
    rotationVirtualStart: '2026-01-05T08:00:00Z',
    rotationTurnLengthSeconds: 7 * DAY,
    userIds: ['A', 'B', 'C'],
    restrictions: [],
    ...part,
  };
}

function schedule(part: Partial<Schedule> = {}): Schedule {
  return {
    id: 'S1',
    name: 'Schedule',
    description: null,
    timeZone: 'Europe/Berlin',
    layers: [layer()],
    overrides: [],
    teamIds: [],
    ...part,
  };
}

function override(userId: string, start: string, end: string, createdAt: string): Override {
  return { id: `O${userId}`, userId, start, end, createdAt };
}

describe('rotation', () => {
  // Berlin: +01:00 until 2026-03-29T01:00Z, then +02:00 until 2026-10-25T01:00Z. Turns begin Mondays 09:00.
  it.each([
    ['2026-03-23T07:59:59Z', 'B'],
    ['2026-03-23T08:00:00Z', 'C'],
    ['2026-03-30T06:59:59Z', 'C'],
    ['2026-03-30T07:00:00Z', 'A'],
    ['2026-10-19T06:59:59Z', 'B'],
    ['2026-10-19T07:00:00Z', 'C'],
    ['2026-10-26T07:59:59Z', 'C'],
    ['2026-10-26T08:00:00Z', 'A'],
  ])('weekly at 09:00 in Berlin: %s is %s', (at, user) => {
    expect(onCallAt(schedule(), at)).toBe(user);
  });

  // New York: clocks go back on 2026-11-01 at 06:00Z. A daily handoff at 09:00 stays at 09:00.
  it.each([
    ['2026-10-31T13:00:00Z', 'A'],
    ['2026-11-01T13:59:59Z', 'A'],
    ['2026-11-01T14:00:00Z', 'B'],
    ['2026-11-02T13:59:59Z', 'B'],
    ['2026-11-02T14:00:00Z', 'A'],
  ])('daily at 09:00 in New York: %s is %s', (at, user) => {
    const daily = layer({
      rotationVirtualStart: '2026-10-31T13:00:00Z',
      rotationTurnLengthSeconds: DAY,
      userIds: ['A', 'B'],
    });
    expect(onCallAt(schedule({ timeZone: 'America/New_York', layers: [daily] }), at)).toBe(user);
  });

  // Lord Howe moves by half an hour: on 2026-04-05 from +11:00 to +10:30 at 15:00Z the day before.
  it.each([
    ['2026-04-03T22:00:00Z', 'A'],
    ['2026-04-04T22:29:59Z', 'A'],
    ['2026-04-04T22:30:00Z', 'B'],
  ])('daily at 09:00 on Lord Howe: %s is %s', (at, user) => {
    const daily = layer({
      rotationVirtualStart: '2026-04-03T22:00:00Z',
      rotationTurnLengthSeconds: DAY,
      userIds: ['A', 'B'],
    });
    expect(onCallAt(schedule({ timeZone: 'Australia/Lord_Howe', layers: [daily] }), at)).toBe(user);
  });

  it('counts real hours when turns are not whole days', () => {
    const hourly = layer({
      rotationVirtualStart: '2026-03-28T20:00:00Z',
      rotationTurnLengthSeconds: 12 * HOUR,
      userIds: ['A', 'B'],
    });
    const entries = renderSchedule(
      schedule({ layers: [hourly] }),
      '2026-03-28T20:00:00Z',
      '2026-03-30T08:00:00Z',
    );
    expect(entries.map((entry) => [entry.userId, entry.start])).toEqual([
      ['A', '2026-03-28T20:00:00.000Z'],
      ['B', '2026-03-29T08:00:00.000Z'],
      ['A', '2026-03-29T20:00:00.000Z'],
    ]);
  });

  it('goes back before the virtual start', () => {
    expect(onCallAt(schedule(), '2026-01-04T00:00:00Z')).toBe('C');
  });
});

describe('restrictions', () => {
  const night: Restriction = {
    type: 'daily_restriction',
    startTimeOfDay: '22:00:00',
    durationSeconds: 8 * HOUR,
  };
  // 02:00 to 03:00 is skipped in Berlin on 2026-03-29 and repeated on 2026-10-25.
  it.each([
    ['2026-03-28T20:59:59Z', null],
    ['2026-03-28T21:00:00Z', 'A'],
    ['2026-03-29T03:59:59Z', 'A'],
    ['2026-03-29T04:00:00Z', null],
    ['2026-10-24T20:00:00Z', 'A'],
    ['2026-10-25T04:59:59Z', 'A'],
    ['2026-10-25T05:00:00Z', null],
  ])('a night from 22:00 to 06:00 in Berlin: %s is %s', (at, user) => {
    const nights = layer({ userIds: ['A'], restrictions: [night] });
    expect(onCallAt(schedule({ layers: [nights] }), at)).toBe(user);
  });

  it.each([
    ['2026-11-20T16:59:59Z', null],
    ['2026-11-20T17:00:00Z', 'A'],
    ['2026-11-22T12:00:00Z', 'A'],
    ['2026-11-23T07:59:59Z', 'A'],
    ['2026-11-23T08:00:00Z', null],
  ])('a weekend from Friday 18:00 to Monday 09:00: %s is %s', (at, user) => {
    const weekend: Restriction = {
      type: 'weekly_restriction',
      startTimeOfDay: '18:00:00',
      startDayOfWeek: 5,
      durationSeconds: 63 * HOUR,
    };
    const weekends = layer({ userIds: ['A'], restrictions: [weekend] });
    expect(onCallAt(schedule({ layers: [weekends] }), at)).toBe(user);
  });
});

describe('precedence', () => {
  it('takes the last layer that has somebody, and falls through its gaps', () => {
    const base = layer({ userIds: ['A'] });
    const day: Restriction = {
      type: 'daily_restriction',
      startTimeOfDay: '09:00:00',
      durationSeconds: 8 * HOUR,
    };
    const top = layer({ id: 'L2', userIds: ['B'], restrictions: [day] });
    const both = schedule({ layers: [base, top] });
    expect(onCallAt(both, '2026-06-01T07:00:00Z')).toBe('B');
    expect(onCallAt(both, '2026-06-01T15:00:00Z')).toBe('A');
  });

  it('takes the override created last', () => {
    const overrides = [
      override('X', '2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z', '2026-05-02T00:00:00Z'),
      override('Y', '2026-06-01T06:00:00Z', '2026-06-01T08:00:00Z', '2026-05-03T00:00:00Z'),
      override('Z', '2026-06-01T06:00:00Z', '2026-06-01T09:00:00Z', '2026-05-01T00:00:00Z'),
    ];
    expect(
      renderOverrides(overrides, '2026-06-01T00:00:00Z', '2026-06-03T00:00:00Z').map(
        ({ userId }) => userId,
      ),
    ).toEqual(['X', 'Y', 'X']);
    expect(onCallAt(schedule({ overrides }), '2026-06-01T07:00:00Z')).toBe('Y');
  });

  it('has nobody before the start, from the end on, without users, and for what cannot be read', () => {
    const short = schedule({ layers: [layer({ end: '2026-02-01T00:00:00Z' })] });
    expect(onCallAt(short, '2025-12-31T23:59:59Z')).toBeNull();
    expect(onCallAt(short, '2026-01-31T23:59:59Z')).not.toBeNull();
    expect(onCallAt(short, '2026-02-01T00:00:00Z')).toBeNull();
    expect(onCallAt(schedule({ layers: [layer({ userIds: [] })] }), '2026-06-01T00:00:00Z')).toBe(
      null,
    );
    expect(onCallAt(schedule(), 'never')).toBeNull();
    expect(onCallAt(schedule({ timeZone: 'Mars/Base' }), '2026-06-01T00:00:00Z')).not.toBeNull();
  });
});

const START = Date.parse('2026-01-01T00:00:00Z');
const YEAR_MS = 365 * DAY * 1000;
const instant = fc
  .integer({ min: 0, max: YEAR_MS / 1000 })
  .map((sec) => new Date(START + sec * 1000).toISOString());
const restriction: fc.Arbitrary<Restriction> = fc.record({
  type: fc.constantFrom('daily_restriction' as const, 'weekly_restriction' as const),
  startTimeOfDay: fc.constantFrom('00:00:00', '02:30:00', '09:00:00', '22:00:00'),
  startDayOfWeek: fc.integer({ min: 1, max: 7 }),
  durationSeconds: fc.integer({ min: 1, max: 48 }).map((half) => half * 1800),
});
const anyLayer = fc
  .record({
    start: instant,
    rotationVirtualStart: instant,
    rotationTurnLengthSeconds: fc.constantFrom(HOUR * 6, DAY, 7 * DAY, 14 * DAY),
    userIds: fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D'), { maxLength: 4 }),
    restrictions: fc.array(restriction, { maxLength: 2 }),
  })
  .map(layer);
const anyOverride = fc
  .tuple(instant, fc.integer({ min: 1, max: 200 }), instant)
  .map(([start, hours, createdAt]) =>
    override(
      'X',
      start,
      new Date(Date.parse(start) + hours * HOUR * 1000).toISOString(),
      createdAt,
    ),
  );
const anySchedule = fc
  .record({
    timeZone: fc.constantFrom(...ZONES),
    layers: fc.array(anyLayer, { minLength: 1, maxLength: 3 }),
    overrides: fc.array(anyOverride, { maxLength: 3 }),
  })
  .map(schedule);

describe('for any schedule', () => {
  it('renders what asking for each instant answers', () => {
    fc.assert(
      fc.property(
        anySchedule,
        instant,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (item, since, at) => {
          const sinceMs = Date.parse(since);
          const rangeMs = 30 * DAY * 1000;
          const entries = renderSchedule(item, since, new Date(sinceMs + rangeMs).toISOString());
          for (const part of at.take(40)) {
            const atMs = sinceMs + Math.floor(part * (rangeMs - 1));
            const holders = entries.filter(
              (entry) => Date.parse(entry.start) <= atMs && atMs < Date.parse(entry.end),
            );
            expect(holders.length).toBeLessThanOrEqual(1);
            expect(holders[0]?.userId ?? null).toBe(onCallAt(item, new Date(atMs).toISOString()));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('hands off at one time of the wall clock when turns are whole days', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.constantFrom(1, 7), (timeZone, days) => {
        const originMs = instantOf(timeZone, Date.parse('2026-01-05T09:00:00Z'));
        const rotation = layer({
          rotationVirtualStart: new Date(originMs).toISOString(),
          rotationTurnLengthSeconds: days * DAY,
        });
        const range = { since: '2026-01-05T15:00:00Z', until: '2027-01-05T15:00:00Z' };
        const starts = renderLayer(rotation, timeZone, range).slice(1);
        expect(starts.length).toBe(days === 1 ? 365 : 52);
        for (const { start } of starts) {
          expect(wallClock(timeZone, Date.parse(start)) % (DAY * 1000)).toBe(9 * HOUR * 1000);
        }
      }),
      { numRuns: 16 },
    );
  });

  it('answers within a millisecond', () => {
    const item = schedule({
      layers: [1, 2, 3].map(() =>
        layer({
          userIds: [],
          restrictions: [
            { type: 'daily_restriction', startTimeOfDay: '22:00:00', durationSeconds: 8 * HOUR },
          ],
        }),
      ),
    });
    onCallAt(item, '2026-06-01T00:00:00Z');
    const startedAt = performance.now();
    for (let day = 0; day < 200; day += 1) {
      onCallAt(item, new Date(START + day * DAY * 1000).toISOString());
    }
    expect((performance.now() - startedAt) / 200).toBeLessThan(1);
  });
});
