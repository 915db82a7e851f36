// Intake asks no more of the engine at a time than it answers quickly, never less than one call, and finds
// back; a key in a storm is told from a busy one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { HotKeys, STORM_INTERVAL_MS } from './hot-keys.ts';
import { Pace } from './pace.ts';

describe('Pace', () => {
  it('falls when calls wait in the engine, and rises again', () => {
    let now = 0;
    const pace = new Pace(8, () => now);
    const call = (ms: number): void => {
      now += ms;
      pace.note(ms);
    };
    for (let n = 0; n < 10; n += 1) call(5);
    expect(pace.limit).toBe(8);
    for (let n = 0; n < 20; n += 1) call(100);
    expect(pace.limit).toBe(1);
    for (let n = 0; n < 60; n += 1) call(8);
    expect(pace.limit).toBe(8);
  });

  it('counts a round of slow calls once', () => {
    const pace = new Pace(10, () => 1000);
    pace.note(5);
    for (let n = 0; n < 8; n += 1) pace.note(200);
    expect(pace.limit).toBe(7);
  });

  it('takes a far engine for what it is', () => {
    let now = 0;
    const pace = new Pace(8, () => (now += 80));
    for (let n = 0; n < 50; n += 1) pace.note(80);
    expect(pace.limit).toBe(8);
  });

  it('stays within its bounds', () => {
    const times = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { maxLength: 200 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 64 }), (list, max) => {
        let now = 0;
        const pace = new Pace(max, () => now);
        for (const ms of list) {
          now += ms;
          pace.note(ms);
          expect(pace.limit).toBeGreaterThanOrEqual(1);
          expect(pace.limit).toBeLessThanOrEqual(max);
        }
      }),
    );
  });
});

describe('HotKeys', () => {
  it('lets a few signals of a key go at once, then one in each interval', () => {
    let now = 0;
    const keys = new HotKeys(() => now);
    expect([1, 2, 3, 4, 5].map(() => keys.isHot('k'))).toEqual([false, false, false, false, true]);
    expect(keys.isHot('other')).toBe(false);
    now += STORM_INTERVAL_MS;
    expect([keys.isHot('k'), keys.isHot('k')]).toEqual([false, true]);
    now += 10 * STORM_INTERVAL_MS;
    expect([1, 2, 3, 4, 5].map(() => keys.isHot('k'))).toEqual([false, false, false, false, true]);
  });

  it('forgets the keys that were not used for longest', () => {
    const keys = new HotKeys(() => 0);
    for (let n = 0; n < 4; n += 1) keys.isHot('first');
    for (let n = 0; n < 10_000; n += 1) keys.isHot(`k${n}`);
    expect(keys.isHot('first')).toBe(false);
  });
});
