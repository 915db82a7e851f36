import { expect, test } from 'vitest';

import { inTimeZone } from './time-zone.ts';

// Instants of an answer are shown in the zone that was asked for; they stay the same instants, and what
// senders wrote stays as they wrote it.
test.each([
  ['2026-11-23T12:00:00.000Z', 'Europe/Berlin', '2026-11-23T13:00:00+01:00'],
  ['2026-07-23T12:00:00.250Z', 'Europe/Berlin', '2026-07-23T14:00:00+02:00'],
  ['2026-11-23T12:00:00Z', 'America/St_Johns', '2026-11-23T08:30:00-03:30'],
  ['2026-11-23T23:30:00Z', 'Asia/Kathmandu', '2026-11-24T05:15:00+05:45'],
  ['2026-11-23T12:00:00Z', 'Etc/UTC', '2026-11-23T12:00:00+00:00'],
])('%s in %s is %s', (instant, zone, shown) => {
  const answer = { incidents: [{ created_at: instant, alerts: { start: instant } }] };
  expect(inTimeZone(answer, zone)).toEqual({
    incidents: [{ created_at: shown, alerts: { start: shown } }],
  });
  expect(Math.floor(Date.parse(shown) / 1000)).toBe(Math.floor(Date.parse(instant) / 1000));
});

test('leaves other fields, other texts and what senders wrote alone', () => {
  const at = '2026-11-23T12:00:00Z';
  const answer = {
    title: at,
    start: 'soon',
    resolved_at: null,
    details: { at },
    body: { contexts: [{ start: at }] },
    count: 1,
  };
  expect(inTimeZone(answer, 'Asia/Tokyo')).toEqual(answer);
});
