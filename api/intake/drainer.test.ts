// What may have reached Temporal already is looked for in all runs that may hold it, also where the machine's clock is
// ahead: otherwise an event of an incident that is over would open another one.
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';

import type { SpilledRow, SpillStore } from '../../db/spill.ts';
import { alertEvent } from '../../test/support/incident-samples.ts';
import { memoryDirectory, sampleAccount } from '../../test/support/memory-directory.ts';
import { Drainer } from './drainer.ts';
import type { Engine } from './engine.ts';
import type { Tried } from './incident-signal.ts';

afterEach(() => vi.restoreAllMocks());

test.each([-6, 6])('the clock is wrong by %i hours', async (hours) => {
  const asked: Tried[] = [];
  const claimedAgoMs = 10_000;
  const rows: SpilledRow[] = [
    {
      ...{ id: 1, key: 'k', accountId: 'PACCOUNT', serviceId: 'PSERVICE', bytes: 10, claim: 'c' },
      ...{ event: JSON.stringify(alertEvent()), claimedAgoMs, waitedMs: claimedAgoMs },
    },
  ];
  const spill = {
    lead: () => Promise.resolve(true),
    pick: () => Promise.resolve(rows),
    remove: () => Promise.resolve(void rows.splice(0)),
    ...{ release: () => Promise.resolve(), count: () => Promise.resolve() },
  } as unknown as SpillStore;
  const engine = {
    ...{ room: 1, limit: 1, send: () => Promise.reject(new Error('it is there already')) },
    hasArrived: (tried: Tried) => Promise.resolve(asked.push(tried) > 0),
  } as unknown as Engine;
  const sentMs = Date.now() - claimedAgoMs;
  const machine = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + hours * 3_600_000);
  const directory = memoryDirectory([sampleAccount()]);
  const drainer = new Drainer({ spill, engine, directory, logger: pino({ level: 'silent' }) });
  drainer.start();
  try {
    for (let tries = 0; rows.length > 0 && tries < 500; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    machine.mockRestore();
    await drainer.close();
  }
  expect(asked).toHaveLength(1);
  expect(asked[0]?.sinceMs).toBeLessThan(sentMs);
});
