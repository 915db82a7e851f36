// A later event of a key goes past the spill only where Temporal is known to have all that waits there of the key.
import { expect, it } from 'vitest';

import type { SpillStore } from '../../db/spill.ts';
import { ArrivedKeys } from './arrived-keys.ts';
import { EngineDown } from './engine.ts';

type Last = Awaited<ReturnType<SpillStore['last']>>;

function asking(last: Last | Error, { drained = -1, inHistory = [] as readonly string[] } = {}) {
  const asked: unknown[] = [];
  const spill = {
    last: () => (last instanceof Error ? Promise.reject(last) : Promise.resolve(last)),
  } as Partial<SpillStore> as SpillStore;
  const hasArrived = (tried: { readonly eventId: string }): Promise<boolean> => {
    asked.push(tried);
    if (inHistory.includes('down')) return Promise.reject(new EngineDown('no_answer'));
    return Promise.resolve(inHistory.includes(tried.eventId));
  };
  const arrived = new ArrivedKeys({
    ...{ spill, engine: { hasArrived }, isDrained: (id) => id === drained },
  });
  return { arrived, asked };
}

const row = { id: 7, event: JSON.stringify({ eventId: 'e7', receivedAt: '2026-01-01T00:00:00Z' }) };

it('nothing waits: nobody is asked', async () => {
  const { arrived, asked } = asking(null);
  expect([await arrived.has('k'), asked]).toEqual([true, []]);
});

it('whoever drained the last row knows', async () => {
  const { arrived, asked } = asking(row, { drained: 7 });
  expect([await arrived.has('k'), asked]).toEqual([true, []]);
});

it('the others read it in the history, once', async () => {
  const { arrived, asked } = asking(row, { inHistory: ['e7'] });
  expect([await arrived.has('k'), await arrived.has('k')]).toEqual([true, true]);
  expect(asked).toEqual([
    { workflowId: 'k', eventId: 'e7', receivedAt: '2026-01-01T00:00:00Z', sinceMs: 0 },
  ]);
});

it('what is not there, or cannot be asked for, has not arrived', async () => {
  expect(await asking(row).arrived.has('k')).toBe(false);
  expect(await asking(row, { inHistory: ['down'] }).arrived.has('k')).toBe(false);
  expect(await asking(new Error('gone'), { inHistory: ['e7'] }).arrived.has('k')).toBe(false);
});
