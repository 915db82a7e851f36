// A process knows which keys it has put into the spill, until a look that began later finds nothing of them there.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { SpillLook, SpillStore } from '../../db/spill.ts';
import { Backlog } from './backlog.ts';

const found: SpillLook = {
  ...{ backlog: true, empty: false, standby: false, pending: new Set() },
  ...{ rows: 1, bytes: 1, parked: 0, oldestMs: 0 },
};
const looks: {
  readonly keys: readonly string[];
  readonly end: (pending: readonly string[], more?: Partial<SpillLook>) => void;
}[] = [];
let backlog: Backlog;

beforeEach(() => {
  vi.useFakeTimers();
  looks.length = 0;
  const look = (keys: readonly string[]): Promise<SpillLook> => {
    const { promise, resolve } = Promise.withResolvers<SpillLook>();
    const end = (pending: readonly string[], more: Partial<SpillLook> = {}) =>
      resolve({ ...found, pending: new Set(pending), ...more });
    looks.push({ keys, end });
    return promise;
  };
  backlog = new Backlog({ look } as Partial<SpillStore> as SpillStore);
});
afterEach(() => {
  backlog.close();
  vi.useRealTimers();
});

const write = (key: string) => backlog.write(key, false, () => Promise.resolve());

async function nextLook() {
  await vi.advanceTimersByTimeAsync(1000);
  const look = looks.at(-1);
  if (!look) throw new Error('it looks every second');
  return look;
}

it('a key of which nothing waits any more is forgotten, though others do', async () => {
  await Promise.all(['gone', 'waits'].map(write));
  const { keys, end } = await nextLook();
  expect(keys).toEqual(['gone', 'waits']);
  end(['waits']);
  await vi.advanceTimersByTimeAsync(10);
  expect(backlog.spilledAgoMs('gone')).toBe(Infinity);
  expect(backlog.spilledAgoMs('waits')).toBeCloseTo(1010, 0);
  expect(backlog.spilledAgoMs('never')).toBe(Infinity);
});

it('a look that began before the write says nothing of it', async () => {
  await write('again');
  const { end } = await nextLook();
  await vi.advanceTimersByTimeAsync(1);
  await write('again');
  end([]);
  await vi.advanceTimersByTimeAsync(5);
  expect(backlog.spilledAgoMs('again')).toBeCloseTo(5, 0);
});

it.each([{ empty: false }, { empty: true }])(
  'a standby that shows nothing is believed of what is older than it may lag: %j',
  async ({ empty }) => {
    await write('young');
    (await nextLook()).end([], { standby: true, empty });
    await vi.advanceTimersByTimeAsync(10);
    expect(backlog.spilledAgoMs('young')).toBeCloseTo(1010, 0);
    for (let n = 0; n < 6; n += 1) (await nextLook()).end([], { standby: true, empty });
    await vi.advanceTimersByTimeAsync(10);
    expect(backlog.spilledAgoMs('young')).toBe(Infinity);
  },
);
