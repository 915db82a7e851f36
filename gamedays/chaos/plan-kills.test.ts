// The same seed hurts the same processes at the same times, and never two of one group at once.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createRandom } from '../random.ts';
import { planKills, type KillPlan } from './plan-kills.ts';

const plan: KillPlan = {
  groups: [['api-1', 'api-2'], ['worker-1', 'worker-2'], ['temporal']],
  ...{ durationMs: 900_000, kills: 40, stops: 20, stopMs: [5000, 45_000] },
};

test('forty kills and twenty stops find their places in fifteen minutes', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const faults = planKills(plan, createRandom(seed));
      expect(planKills(plan, createRandom(seed))).toEqual(faults);
      expect(faults.filter(({ kind }) => kind === 'kill')).toHaveLength(40);
      expect(faults.filter(({ kind }) => kind === 'lease')).toHaveLength(20);
      for (const names of plan.groups) {
        const own = faults.filter((one) => names.includes(processOf(one)));
        own.forEach((one, n) => {
          const end = one.atMs + (one.kind === 'lease' ? one.forMs : 0);
          expect(own[n + 1]?.atMs ?? Infinity).toBeGreaterThanOrEqual(end + 8000);
        });
      }
    }),
    { numRuns: 30 },
  );
});

test('in too short a time nothing is planned', () => {
  expect(planKills({ ...plan, durationMs: 6000 }, createRandom('s'))).toEqual([]);
});

function processOf(fault: ReturnType<typeof planKills>[number]): string {
  if (fault.kind !== 'lease') return fault.process;
  return fault.fault.kind === 'stop' ? fault.fault.process : '';
}
