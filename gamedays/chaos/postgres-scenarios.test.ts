// The seed decides on which way to a standby nothing is cut, and both happen; every fault ends while there is load.
import { expect, test } from 'vitest';

import { createRandom } from '../random.ts';
import { databaseOf } from './planned-fault.ts';
import { POSTGRES_SCENARIOS } from './postgres-scenarios.ts';

const seeds = Array.from({ length: 40 }, (_, n) => `seed ${n}`);

function plans(durationMs: number) {
  return POSTGRES_SCENARIOS.flatMap(({ name, plan }) =>
    seeds.map((seed) => ({ name, faults: plan(createRandom(seed), durationMs) })),
  );
}

test('the way to the standby or the way back cuts what is open, never both', () => {
  const cuts = plans(720_000)
    .flatMap(({ faults }) => faults)
    .flatMap((one) => (one.kind === 'lease' && 'cut' in one.fault ? [one.fault.cut] : []));
  expect(new Set(cuts)).toEqual(new Set(['begin', 'end']));
});

test.each([60_000, 180_000, 720_000])('of %i ms each has faults, one after the other', (ms) => {
  for (const { name, faults } of plans(ms)) {
    expect(faults.length, name).toBeGreaterThan(0);
    let free = 0;
    for (const planned of faults) {
      expect(databaseOf(planned), name).toBeDefined();
      expect(planned.atMs).toBeGreaterThan(free);
      free = planned.atMs + ('forMs' in planned ? planned.forMs : 0);
    }
    expect(free).toBeLessThan(ms);
  }
});
