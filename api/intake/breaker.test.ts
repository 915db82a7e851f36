// What does not answer is left alone at once, asked cheaply from time to time, and tried by one call before all
// may go again.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Breaker, type BreakerState } from './breaker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function breaker(probe?: () => Promise<unknown>) {
  const states: BreakerState[] = [];
  const options = {
    failures: 3,
    retryMs: 500,
    observe: (state: BreakerState) => states.push(state),
  };
  return { states, breaker: new Breaker(probe ? { ...options, probe } : options) };
}
function failTimes(one: Breaker, times: number): void {
  for (let n = 0; n < times; n += 1) if (one.tryPass()) one.fail();
}

it('opens after failures in a row only', () => {
  const { breaker: one } = breaker();
  failTimes(one, 2);
  one.succeed();
  failTimes(one, 2);
  expect(one.state).toBe('closed');
  failTimes(one, 1);
  expect([one.state, one.lets, one.tryPass()]).toEqual(['open', false, false]);
});

it('lets one try after a while, and closes with its success', async () => {
  const { breaker: one, states } = breaker();
  failTimes(one, 3);
  await vi.advanceTimersByTimeAsync(500);
  expect([one.tryPass(), one.tryPass(), one.lets]).toEqual([true, false, false]);
  one.fail();
  expect(one.state).toBe('open');
  await vi.advanceTimersByTimeAsync(500);
  expect(one.tryPass()).toBe(true);
  one.succeed();
  expect([one.tryPass(), one.tryPass()]).toEqual([true, true]);
  expect(states).toEqual(['open', 'half_open', 'open', 'half_open', 'closed']);
});

it('stays open while the probe fails', async () => {
  let answers = false;
  const { breaker: one } = breaker(() =>
    answers ? Promise.resolve() : Promise.reject(new Error()),
  );
  failTimes(one, 3);
  await vi.advanceTimersByTimeAsync(5000);
  expect(one.state).toBe('open');
  answers = true;
  await vi.advanceTimersByTimeAsync(500);
  expect(one.state).toBe('half_open');
});

it('does not believe calls that began before it opened', () => {
  const { breaker: one } = breaker();
  failTimes(one, 3);
  one.succeed();
  expect(one.state).toBe('open');
});
