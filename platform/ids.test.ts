// Numbers of incidents: no process gives one twice, and two processes with digits of their own never the same one.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { incidentNumbers } from './ids.ts';

test('numbers rise and end with the digit of the process, whatever the clock does', () => {
  const clock = fc.array(fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), { minLength: 1 });
  fc.assert(
    fc.property(clock, fc.integer({ min: 0, max: 9 }), (times, digit) => {
      let i = 0;
      const next = incidentNumbers(() => times[i++] ?? 0, digit);
      const numbers = times.map(() => next());
      for (const [k, number] of numbers.entries()) {
        expect(number % 10).toBe(digit);
        expect(number).toBeGreaterThan(k === 0 ? -1 : (numbers[k - 1] ?? 0));
      }
    }),
  );
});

test('it reads as a time: milliseconds since 2026', () => {
  expect(incidentNumbers(() => Date.UTC(2026, 0, 1, 0, 0, 1, 234), 7)()).toBe(1237);
});
