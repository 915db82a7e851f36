// A heartbeat opens one incident when beats stay away longer than its timeout, never while they come, and the next
// beat ends it; an engine that was away itself is not taken for a silent sender.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { beatDueAt, missBeat, takeBeat, type HeartbeatState } from './heartbeat.ts';

const T0 = Date.parse('2026-11-01T00:00:00.000Z');
const at = (sec: number): string => new Date(T0 + sec * 1000).toISOString();
const start = (timeoutSec = 60): HeartbeatState => ({
  ...{ accountId: 'ACC', integrationId: 'INT', lastBeatAt: at(0), timeoutSec, missedAt: null },
});

test('a missed beat triggers once, the next beat resolves it', () => {
  const due = beatDueAt(start()) ?? 0;
  expect(due).toBe(T0 + 61_000);
  expect(missBeat(start(), due - 1).event).toBeNull();
  const missed = missBeat(start(), due);
  expect(missed.event).toMatchObject({ action: 'trigger', dedupKey: 'heartbeat' });
  expect(beatDueAt(missed.state)).toBeNull();
  expect(missBeat(missed.state, due + 99_000).event).toBeNull();
  const back = takeBeat(missed.state, { at: at(100), timeoutSec: 60 }, at(100));
  expect(back.event).toMatchObject({ action: 'resolve', dedupKey: 'heartbeat' });
  expect(beatDueAt(back.state)).toBe(T0 + 161_000);
});

test('a beat that was sent before the miss and came after it does not end the incident', () => {
  const missed = missBeat(start(), T0 + 61_000);
  expect(takeBeat(missed.state, { at: at(60), timeoutSec: 60 }, at(61)).event).toBeNull();
});

test('an engine that was away gives the senders the whole timeout again', () => {
  const late = missBeat(start(), T0 + 600_000);
  expect(late.event).toBeNull();
  expect(beatDueAt(late.state)).toBe(T0 + 661_000);
});

test('a changed timeout counts from the next beat on', () => {
  const { state } = takeBeat(start(), { at: at(10), timeoutSec: 600 }, at(10));
  expect(beatDueAt(state)).toBe(T0 + 611_000);
});

test.each([-21_600, 21_600])(
  'beats that an api tells of whose clock is wrong by %i s count from now',
  (off) => {
    const beat = { at: at(30 + off), timeoutSec: 60, waitedMs: 0 };
    const { state } = takeBeat({ ...start(), lastBeatAt: at(off) }, beat, at(30));
    expect(beatDueAt(state)).toBe(T0 + 91_000);
    const right = takeBeat(state, { at: at(59), timeoutSec: 60, waitedMs: 0 }, at(60));
    expect(beatDueAt(right.state)).toBe(T0 + 120_000);
  },
);

test('whatever the order of beats, triggers and resolves alternate and no gap below the timeout triggers', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 60 });
  fc.assert(
    fc.property(gaps, (seconds) => {
      let state = start();
      let now = 0;
      const actions: string[] = [];
      for (const gap of seconds) {
        const missed = missBeat(state, Math.min(T0 + (now + gap) * 1000, beatDueAt(state) ?? 0));
        state = missed.state;
        now += gap;
        const taken = takeBeat(state, { at: at(now), timeoutSec: 60 }, at(now));
        state = taken.state;
        expect(missed.event !== null).toBe(gap >= 61);
        for (const { event } of [missed, taken]) if (event) actions.push(event.action);
      }
      expect(actions).toEqual(actions.map((_, i) => (i % 2 === 0 ? 'trigger' : 'resolve')));
    }),
  );
});
