// A lease lives as long as it is renewed, never beyond its longest time, and ends once only.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Leases } from './leases.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function granted() {
  const leases = new Leases();
  const onEnd = vi.fn();
  leases.grant('a', { ttlMs: 1000, holdMaxMs: 5000, onEnd });
  return { leases, onEnd };
}

test('unrenewed, it ends after its time', () => {
  const { leases, onEnd } = granted();
  vi.advanceTimersByTime(999);
  expect(onEnd).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onEnd.mock.calls).toEqual([['expired']]);
  expect(leases.renew('a')).toBe(false);
  expect(leases.end('a')).toBe(false);
});

test('renewed, it lives on, until the longest time is over', () => {
  const { leases, onEnd } = granted();
  for (let n = 0; n < 9; n += 1) {
    vi.advanceTimersByTime(500);
    expect(leases.renew('a')).toBe(true);
  }
  expect(onEnd).not.toHaveBeenCalled();
  vi.advanceTimersByTime(500);
  expect(onEnd.mock.calls).toEqual([['held too long']]);
});

test('given back, it does not end again', () => {
  const { leases, onEnd } = granted();
  expect(leases.end('a')).toBe(true);
  vi.advanceTimersByTime(10_000);
  expect(onEnd).not.toHaveBeenCalled();
});

test('the hundred and first is refused', () => {
  const leases = new Leases();
  const lease = { ttlMs: 1000, holdMaxMs: 1000, onEnd: () => undefined };
  for (let n = 0; n < 100; n += 1) leases.grant(`${n}`, lease);
  expect(() => leases.grant('100', lease)).toThrow(RangeError);
});
