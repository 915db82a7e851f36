// Property: one holder at a time, and a holder that died is no obstacle.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { withFileLock } from './file-lock.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-lock-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('work never overlaps, and a failure frees the lock', async () => {
  const file = path.join(folder, 'one');
  let inside = 0;
  const work = async (): Promise<number> => {
    inside += 1;
    const seen = inside;
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    return seen;
  };
  await expect(withFileLock(file, 1000, () => Promise.reject(new Error('no')))).rejects.toThrow(
    'no',
  );
  const seen = await Promise.all([1, 2, 3].map(() => withFileLock(file, 5000, work)));
  expect(seen).toEqual([1, 1, 1]);
});

test('the lock of a dead process is taken over; of a living one it is waited for', async () => {
  const file = path.join(folder, 'two');
  // Above the largest process id that Linux gives.
  await writeFile(file, '4194305');
  expect(await withFileLock(file, 5000, () => Promise.resolve('mine'))).toBe('mine');
  await writeFile(file, String(process.pid));
  await expect(withFileLock(file, 50, () => Promise.resolve('mine'))).rejects.toThrow('holds');
});
