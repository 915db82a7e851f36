// The bound of a rate is the one of statistical tables, and never promises more than the sample carries.
import { expect, test } from 'vitest';

import { rateBound } from './rate-bound.ts';

test.each([
  [0, 1000, 2.996e-3],
  [1, 1000, 4.744e-3],
  [5, 1000, 10.513e-3],
  [100, 10_000, 11.8e-3],
  [2000, 100_000, 20.76e-3],
])('%i in %i', (failures, n, bound) => {
  expect(rateBound(failures, n)).toBeCloseTo(bound, 4);
});

test('without a try nothing is known', () => {
  expect(rateBound(0, 0)).toBe(1);
  expect(rateBound(2, 2)).toBe(1);
});
