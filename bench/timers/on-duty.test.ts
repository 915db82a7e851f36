// Whoever watches the clock on the wall and counts handoffs finds the same person as the product's arithmetic does,
// also on the days on which clocks change; and in each fortnight clocks do change.
import { expect, test } from 'vitest';

import { indexAccount } from '../../domain/directory.ts';
import { resolveTargets } from '../../domain/on-call.ts';
import { peopleOf } from './on-duty.ts';
import { planSeed } from './plan.ts';
import { DAY_MS, stretchAfter, STRETCHES, type Stretch } from './stretches.ts';

const SEEDS = 6;
const EVERY_MS = 30 * 60_000;
const NOW = Date.parse('2026-11-27T00:00Z');

/** Every half hour of the days around the changes of a zone's clocks. */
function instants(stretch: Stretch, zone: string): readonly number[] {
  return stretch
    .changesOf(zone)
    .flatMap((change) =>
      Array.from(
        { length: (2 * DAY_MS) / EVERY_MS },
        (_, n) => change - DAY_MS + n * EVERY_MS + 4000,
      ),
    );
}

test.each(Array.from({ length: STRETCHES }, (_, n) => n))('fortnight %i', (season) => {
  const stretch = stretchAfter(NOW, season);
  expect(stretch.zones.some((zone) => stretch.changesOf(zone).length > 0)).toBe(true);
  for (let seed = season; seed < season + SEEDS * STRETCHES; seed += STRETCHES) {
    const { account } = planSeed(seed, stretch);
    const index = indexAccount(account);
    for (const { targets } of account.policies[0]?.rules ?? [])
      for (const atMs of instants(stretch, account.account.timeZone)) {
        const at = new Date(atMs).toISOString();
        const { userIds } = resolveTargets(index, targets, at, 'high');
        expect(peopleOf(account, targets, stretch.clockOf, atMs), `seed ${seed} ${at}`).toEqual(
          userIds,
        );
      }
  }
});

test('the fortnight is one that the server can still come to', () => {
  for (const now of ['2026-03-06T23:00Z', '2026-03-07T00:00Z', '2026-12-31T23:59Z']) {
    const nowMs = Date.parse(now);
    for (let season = 0; season < STRETCHES; season += 1) {
      const { startMs } = stretchAfter(nowMs, season);
      expect(startMs).toBeGreaterThan(nowMs);
      expect(startMs - nowMs).toBeLessThanOrEqual(366 * DAY_MS);
    }
  }
});
