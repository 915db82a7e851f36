// Thousands of events a second cost few commits, none is answered before its commit, and a database that is gone
// costs nobody time.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { SpillRow, SpillStore } from '../../db/spill.ts';
import { Remover } from './remover.ts';
import { SpillFailed, SpillWriter } from './spill-writer.ts';

const row = (key: string, event = '{}'): SpillRow => ({
  ...{ accountId: 'A', serviceId: 'S', rank: 0, delayMs: 0, claim: null },
  ...{ key, event },
});
const gone = () => Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });

/** A table whose commits are let through, or fail, one by one. */
function table() {
  const inserts: { keys: string[]; commit: () => void; fail: () => void }[] = [];
  const store = {
    insert: (rows: readonly SpillRow[]) => {
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const keys = rows.map(({ key }) => key);
      inserts.push({ keys, commit: () => resolve(undefined), fail: () => reject(gone()) });
      return promise;
    },
  } as Partial<SpillStore> as SpillStore;
  return { inserts, writer: new SpillWriter(store, pino({ level: 'silent' })) };
}
const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('SpillWriter', () => {
  it('writes at once what comes first, and together what comes meanwhile', async () => {
    const { inserts, writer } = table();
    const done: string[] = [];
    for (const key of ['a', 'b', 'c', 'd'])
      void writer.write([row(key)]).then(() => done.push(key));
    expect(inserts.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    inserts[0]?.commit();
    await settled();
    expect([done, inserts.at(-1)?.keys]).toEqual([['a'], ['c', 'd']]);
    inserts[2]?.commit();
    await settled();
    expect(done).toEqual(['a', 'c', 'd']);
  });

  it('bounds rows and size of one commit, and what waits for one', async () => {
    const { inserts, writer } = table();
    const writes = Array.from({ length: 10_002 }, (_, n) => writer.write([row(`k${n}`)]));
    for (const write of writes) write.catch(() => undefined);
    await expect(writer.write([row('too many')])).rejects.toThrow(SpillFailed);
    inserts[0]?.commit();
    await settled();
    expect(inserts[2]?.keys).toHaveLength(500);
    const large = table();
    const huge = 'x'.repeat(3_000_000);
    for (const key of ['a', 'b', 'c', 'd']) void large.writer.write([row(key, huge)]);
    large.inserts[0]?.commit();
    await settled();
    expect(large.inserts[2]?.keys).toEqual(['c']);
  });

  it('gives up on a database that failed, tells everybody at once, and tries again with one', async () => {
    const { inserts, writer } = table();
    const writes = ['a', 'b', 'c'].map((key) => writer.write([row(key)]).catch(String));
    inserts[0]?.fail();
    inserts[1]?.fail();
    await settled();
    expect(await Promise.all(writes)).toHaveLength(3);
    expect(writer.usable).toBe(false);
    await expect(writer.write([row('d')])).rejects.toThrow(SpillFailed);
    expect(inserts).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(500);
    const tries = ['e', 'f'].map((key) => writer.write([row(key)]));
    expect(inserts.slice(2).map(({ keys }) => keys)).toEqual([['e']]);
    inserts[2]?.commit();
    await settled();
    inserts[3]?.commit();
    await Promise.all(tries);
    expect(inserts[3]?.keys).toEqual(['f']);
  });
});

describe('Remover', () => {
  it('keeps in mind what it could not remove, and removes it later', async () => {
    const removed: (readonly number[])[] = [];
    let works = false;
    let freed = 0;
    const remove = (ids: readonly number[]) => {
      if (!works) return Promise.reject(gone());
      removed.push(ids);
      return Promise.resolve();
    };
    const store = { remove } as Partial<SpillStore> as SpillStore;
    const remover = new Remover(store, () => (freed += 1));
    const tries = Promise.all([remover.remove([1, 2]), remover.remove([3])]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(await tries).toEqual([false, false]);
    expect([1, 2, 3, 4].map((id) => remover.keeps(id))).toEqual([true, true, true, false]);
    works = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(removed.flat().sort()).toEqual([1, 2, 3]);
    expect([freed, remover.keeps(1)]).toEqual([1, false]);
    expect(await remover.remove([4])).toBe(true);
    expect(freed).toBe(1);
  });
});
